// NumPy arrays as views for the engine. The package passes two-dimensional arrays of one of the
// engine's types, or sparse rows. A view borrows, so its object must be kept alive as long as it.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "foxnn/dataset.hpp"

namespace foxnn::python {

namespace py = pybind11;

/// Whether the array's elements are aligned as the processor requires for their type.
inline bool is_aligned(const py::array& array) {
  return (array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0;
}

/// A view of an aligned 2-D array of float32, float64 or uint8 with contiguous rows; empty for any
/// other array.
inline std::optional<MatrixView> try_matrix_view(const py::array& array) {
  if (array.ndim() != 2 || !is_aligned(array)) return {};
  MatrixView view;
  if (py::isinstance<py::array_t<float>>(array)) {
    view.type = ElementType::f32;
  } else if (py::isinstance<py::array_t<double>>(array)) {
    view.type = ElementType::f64;
  } else if (py::isinstance<py::array_t<std::uint8_t>>(array)) {
    view.type = ElementType::u8;
  } else {
    return {};
  }
  if (array.shape(1) > 1 && array.strides(1) != array.itemsize()) return {};
  view.data = static_cast<const std::byte*>(array.data());
  view.rows = array.shape(0);
  view.columns = array.shape(1);
  view.row_bytes = array.strides(0);
  return view;
}

/// The arrays of a sparse matrix by rows (CSR), checked when they were brought together.
class SparseRows {
 public:
  /// Throws std::invalid_argument for arrays that are not those of such a matrix.
  SparseRows(py::array values, py::array_t<std::int32_t> columns, py::array_t<std::int64_t> starts,
             index width);

  /// Whether the columns of every row are in ascending order, as the engine needs them.
  bool is_ordered() const { return is_ordered_; }
  const MatrixView& view() const {
    if (!is_ordered_) throw std::invalid_argument("the columns of a row must be in order");
    return view_;
  }
  const py::array& values() const { return values_; }
  const py::array& columns() const { return columns_; }
  const py::array& starts() const { return starts_; }
  index width() const { return view_.columns; }

 private:
  py::array values_, columns_, starts_;
  MatrixView view_;
  bool is_ordered_ = false;
};

/// Sequences of different lengths: a row each, as long as the longest.
class SequenceRows {
 public:
  /// `width`: the numbers of a step. `outputs`: how many positions the outputs of each have, if
  /// they have any; none otherwise. Throws std::invalid_argument for lengths that do not fit the
  /// rows.
  SequenceRows(py::array values, py::array_t<std::int64_t, py::array::c_style> lengths, index width,
               const std::optional<py::array_t<std::int64_t, py::array::c_style>>& outputs)
      : values_(std::move(values)), lengths_(std::move(lengths)), outputs_(outputs) {
    const std::optional<MatrixView> view = try_matrix_view(values_);
    if (!view) throw std::invalid_argument("values must be rows that the engine reads");
    const bool fits = lengths_.ndim() == 1 && lengths_.size() == view->rows;
    if (!fits || (outputs_ && outputs_->size() != view->rows)) {
      throw std::invalid_argument("there must be a length for each row");
    }
    const std::int64_t* const first = lengths_.data();
    const bool are_right =
        width >= 1 && view->columns % width == 0 &&
        std::all_of(first, first + view->rows, [most = view->columns / width](std::int64_t length) {
          return length >= 1 && length <= most;
        });
    if (!are_right) {
      throw std::invalid_argument("lengths must be from 1 to the steps of a row");
    }
    view_ = *view;
    view_.lengths = lengths_.data();
    view_.step_columns = width;
  }

  const MatrixView& view() const { return view_; }
  const py::array& values() const { return values_; }
  const py::array& lengths() const { return lengths_; }
  /// Null if there are none.
  const std::int64_t* outputs() const { return outputs_ ? outputs_->data() : nullptr; }
  py::object output_lengths() const { return outputs_ ? py::object(*outputs_) : py::none(); }

 private:
  py::array values_;
  py::array_t<std::int64_t, py::array::c_style> lengths_;
  std::optional<py::array_t<std::int64_t, py::array::c_style>> outputs_;
  MatrixView view_;
};

/// A view of sparse rows, of sequences, or of an array as in try_matrix_view; throws
/// std::invalid_argument for anything else.
inline MatrixView matrix_view(const py::object& matrix, const char* name) {
  if (py::isinstance<SequenceRows>(matrix)) return matrix.cast<const SequenceRows&>().view();
  if (py::isinstance<SparseRows>(matrix)) return matrix.cast<const SparseRows&>().view();
  if (py::isinstance<py::array>(matrix)) {
    if (const auto view = try_matrix_view(py::reinterpret_borrow<py::array>(matrix))) return *view;
  }
  throw std::invalid_argument(std::string(name) +
                              " must be an aligned 2-D array of float32, float64 or uint8 with "
                              "contiguous rows");
}

/// A view of samples, and the mean weight of each, if their positions have weights.
struct SamplesView {
  Samples samples;
  std::vector<double> means;
};

/// The labels of an array, one per sample or a row of them, one per position; none, if it is no
/// contiguous array of signed integers, which no other targets are.
inline Labels labels_of(const py::array& y) {
  const bool is_contiguous = (y.flags() & py::array::c_style) != 0;
  const bool fits = y.ndim() == 1 || (y.ndim() == 2 && y.shape(1) > 0);
  if (!fits || !is_contiguous || !is_aligned(y)) return {};
  const void* first = y.data();
  if (py::isinstance<py::array_t<std::int8_t>>(y)) return static_cast<const std::int8_t*>(first);
  if (py::isinstance<py::array_t<std::int16_t>>(y)) return static_cast<const std::int16_t*>(first);
  if (py::isinstance<py::array_t<std::int32_t>>(y)) return static_cast<const std::int32_t*>(first);
  if (py::isinstance<py::array_t<std::int64_t>>(y)) return static_cast<const std::int64_t*>(first);
  return {};
}

/// Adds weights to a view: a vector of float64, or a matrix with one column per position, of which
/// sample i has `positions[i]` (null: all columns).
inline void add_weights(const py::object& weights, SamplesView& view,
                        const std::int64_t* positions) {
  Samples& samples = view.samples;
  const index count = samples.size();
  if (!py::isinstance<py::array_t<double>>(weights)) {
    throw std::invalid_argument("weights must be float64");
  }
  const auto array = py::reinterpret_borrow<py::array>(weights);
  const bool fits = (array.ndim() == 1 || array.ndim() == 2) && array.shape(0) == count;
  if (!fits || (array.flags() & py::array::c_style) == 0 || !is_aligned(array)) {
    throw std::invalid_argument(
        "weights must be contiguous, one number per sample or a row of them, one per position");
  }
  samples.weights = static_cast<const double*>(array.data());
  if (array.ndim() == 1 || array.shape(1) == 1) return;
  samples.position_weights = samples.weights;
  samples.positions = array.shape(1);
  view.means.resize(static_cast<std::size_t>(count));
  const double* next = samples.position_weights;
  for (double& mean : view.means) {
    const index there =
        positions ? std::min<index>(*positions++, samples.positions) : samples.positions;
    for (index p = 0; p < there; ++p) mean += next[p];
    mean /= static_cast<double>(there);
    next += samples.positions;
  }
  samples.weights = view.means.data();
}

/// Samples from an input matrix, dense or sparse, and either an output matrix or labels, in a
/// vector or with one column per position; with weights, or None.
inline SamplesView samples_view(const py::object& x, const std::optional<py::array>& targets,
                                const py::object& weights = py::none()) {
  SamplesView view;
  Samples& samples = view.samples;
  samples.inputs = matrix_view(x, "x");
  const index count = samples.size();
  const bool are_sequences = py::isinstance<SequenceRows>(x);
  if (!weights.is_none()) {
    add_weights(weights, view, are_sequences ? x.cast<const SequenceRows&>().outputs() : nullptr);
  }
  if (!targets) return view;  // a loss in Python has its own
  const py::array& y = *targets;
  if (const Labels labels = labels_of(y)) {
    samples.labels = labels;
    const index positions = y.ndim() == 1 ? 1 : y.shape(1);
    if (samples.position_weights && samples.positions != positions) {
      throw std::invalid_argument("weights must have as many columns as y");
    }
    samples.positions = positions;
  } else {
    samples.outputs = matrix_view(y, "y");
  }
  if (y.shape(0) != count) {
    throw std::invalid_argument("x and y must have the same number of samples, got " +
                                std::to_string(count) + " and " + std::to_string(y.shape(0)));
  }
  return view;
}

}  // namespace foxnn::python
