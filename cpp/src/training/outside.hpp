// Hands the outputs of a batch to a loss outside the engine, and its gradient to the backward pass.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "base/subnormals.hpp"
#include "foxnn/buffer.hpp"
#include "foxnn/network.hpp"
#include "foxnn/outside.hpp"
#include "layers/columns.hpp"

namespace foxnn {

template <class T>
class OutsideErrors {
 public:
  OutsideErrors(const Network<T>& network, OutsideLoss<T> loss, index batch)
      : form_(network.output_form()),
        width_(network.outputs()),
        loss_(std::move(loss)),
        outputs_(batch * width_),
        gradient_(batch * width_) {}

  /// Whether the last batch's loss has refused it.
  bool is_refused() const { return is_refused_; }
  void begin() { is_refused_ = false; }

  /// Computes losses and gradient of a batch. Outputs beyond the numbers are not shown: their
  /// losses are NaN, as those of the engine would be, and so the run ends.
  void ask(index rows, index number, const std::uint32_t* samples, const Rows<const T>& out,
           double* losses) {
    copy_values<T>(form_, rows, out, outputs_.data());
    if (!kernels<T>().all_finite(rows * width_, outputs_.data(), T(1))) {
      std::fill_n(losses, rows, std::numeric_limits<double>::quiet_NaN());
      std::fill_n(gradient_.data(), rows * width_, T(0));
      return;
    }
    const SubnormalsKept as_usual;  // the arithmetic of others is as they know it
    is_refused_ = !loss_({rows, number, samples, outputs_.data(), gradient_.data(), losses});
  }

  /// Writes d loss / d outputs of rows [first, first + count) times `factor_of(row)`. `error`
  /// begins with the first of them. `with_step`: how many first rows of the batch have each
  /// position; null: all.
  template <class FactorOf>
  void put(index first, index count, const Rows<T>& error, FactorOf factor_of,
           const std::uint32_t* with_step) const {
    const Places parts = Places::parts_of(form_.layout), positions = Places::positions_of(form_);
    const index padded = rounded_up(parts.channels, kLineWidth<T>), channels = positions.channels;
    for (index p = 0; p < parts.count; ++p) {
      const Rows<T> at = parts.at(error, p);
      for (index r = 0; r < count; ++r) std::fill_n(at.at(r), padded, T(0));
    }
    for (index p = 0; p < positions.count; ++p) {
      const Rows<T> at = positions.at(error, p);
      const index there =
          with_step ? std::clamp<index>(index{with_step[p]} - first, 0, count) : count;
      for (index r = 0; r < there; ++r) {
        const T factor = factor_of(first + r);
        const T* from = gradient_.data() + (first + r) * width_ + p * channels;
        for (index c = 0; c < channels; ++c) at.at(r)[c] = from[c] * factor;
      }
    }
  }

 private:
  Form form_;
  index width_;
  OutsideLoss<T> loss_;
  Buffer<T> outputs_, gradient_;
  bool is_refused_ = false;  // written by the first worker between two barriers
};

}  // namespace foxnn
