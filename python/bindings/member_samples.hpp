// What the members of a population see of samples that they share: rows and weights of their own.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <span>
#include <vector>

#include "numpy_interop.hpp"

namespace foxnn::python {

class MemberSamples {
 public:
  /// `rows`: None, or a list with an array of uint32 or None for each member. `weights`: None, or a
  /// list with an array as for `samples_view`, or None, for each. Throws std::invalid_argument for
  /// anything else.
  MemberSamples(SamplesView shared, const py::object& x, py::object rows, py::object weights,
                index members)
      : shared_(std::move(shared)), rows_(std::move(rows)), weights_(std::move(weights)) {
    const index count = shared_.samples.inputs.rows;
    own_.resize(static_cast<std::size_t>(members));
    for (std::size_t i = 0; i < own_.size(); ++i) {
      own_[i].samples = shared_.samples;
      if (const py::object given = of(weights_, i, members); !given.is_none()) {
        const bool are_sequences = py::isinstance<SequenceRows>(x);
        add_weights(given, own_[i],
                    are_sequences ? x.cast<const SequenceRows&>().outputs() : nullptr);
      }
      if (const py::object given = of(rows_, i, members); !given.is_none()) {
        own_[i].samples.rows = checked_rows(given, count);
      }
    }
  }

  const Samples& shared() const { return shared_.samples; }
  const Samples& operator[](index i) const { return own_[static_cast<std::size_t>(i)].samples; }
  std::vector<Samples> samples() const {
    std::vector<Samples> found;
    for (const SamplesView& own : own_) found.push_back(own.samples);
    return found;
  }

 private:
  static py::object of(const py::object& all, std::size_t i, index members) {
    if (all.is_none()) return py::none();
    const auto list = all.cast<py::list>();
    if (static_cast<index>(list.size()) != members) {
      throw std::invalid_argument("rows and weights must be one for each member");
    }
    return list[i];
  }

  static std::span<const std::uint32_t> checked_rows(const py::object& given, index count) {
    if (!py::isinstance<py::array_t<std::uint32_t>>(given)) {
      throw std::invalid_argument("rows must be arrays of uint32");
    }
    const auto rows = py::reinterpret_borrow<py::array>(given);
    if (rows.ndim() != 1 || rows.size() == 0 || (rows.flags() & py::array::c_style) == 0) {
      throw std::invalid_argument("rows must be contiguous arrays of at least one row");
    }
    const std::span<const std::uint32_t> found(static_cast<const std::uint32_t*>(rows.data()),
                                               static_cast<std::size_t>(rows.size()));
    for (const std::uint32_t row : found) {
      if (index{row} >= count) throw std::invalid_argument("rows must be rows of the samples");
    }
    return found;
  }

  SamplesView shared_;
  py::object rows_, weights_;  // of which the samples are views
  std::vector<SamplesView> own_;
};

}  // namespace foxnn::python
