// Rows into lanes, a pass forward, and outputs back to where each member's are.
#include "population/lane_answers.hpp"

#include <algorithm>
#include <cmath>

#include "layers/columns.hpp"

namespace foxnn {

template <class T>
LaneAnswers<T>::LaneAnswers(const std::vector<const Network<T>*>& members)
    : members_(members),
      versions_(members.size()),
      layout_(*members.front()),
      pass_(*members.front(), layout_, kMostRows, kMostRows, {}, false),
      parameters_(layout_.lines() * kLine),
      row_(members.front()->inputs()),
      outputs_row_(rounded_up(members.front()->outputs(), kLineWidth<T>)) {
  for (const Network<T>* const member : members) places_.push_back(&member->version_place());
  load();
}

// Without a branch for each member, so that the loads, most of which miss the first-level cache, do
// not wait for each other.
template <class T>
bool LaneAnswers<T>::is_loaded() const {
  std::uint64_t changes = 0;
  for (std::size_t m = 0; m < places_.size(); ++m) {
    changes |= places_[m]->load(std::memory_order_acquire) ^ versions_[m];
  }
  return changes == 0;
}

template <class T>
void LaneAnswers<T>::load() {
  std::vector<const T*> from;
  are_scaled_ = false;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    versions_[m] = members_[m]->version();
    from.push_back(members_[m]->parameters().data());
    are_scaled_ = are_scaled_ || !members_[m]->input_scaling().empty() ||
                  !members_[m]->output_scaling().empty();
  }
  layout_.load(from, parameters_.data());
}

template <class T>
bool LaneAnswers<T>::is_current() {
  if (is_loaded()) return true;
  for (const Network<T>* member : members_) {
    if (!LaneLayout<T>::holds(*member) || !LaneLayout<T>::are_alike(*members_.front(), *member)) {
      return false;
    }
  }
  for (const LaneStage<T>& stage : pass_.stages()) {
    const Activation now = members_.front()->layer(stage.node).activation();
    if (now.kind != stage.activation.kind || now.parameter != stage.activation.parameter) {
      return false;
    }
  }
  load();
  return true;
}

template <class T>
void LaneAnswers<T>::read(const MatrixView& x, index first, index rows, bool each) {
  const index columns = pass_.inputs(), pitch = pass_.pitch(columns) * kLine;
  const index distance = each ? rows : 0;
  // Members are far apart in memory: what is not needed of them is not looked at.
  const bool is_plain =
      !are_scaled_ && x.type == (sizeof(T) == 4 ? ElementType::f32 : ElementType::f64);
  for (std::size_t m = 0; m < members_.size(); ++m) {
    T* to = pass_.input() + m;
    for (index r = 0; r < rows; ++r, to += pitch) {
      const index row = first + index(m) * distance + r;
      const T* from = row_.data();
      if (is_plain) {
        from = reinterpret_cast<const T*>(x.row(row));
      } else {
        read_row(members_[m]->scaled_inputs(x), row, Rows<T>{row_.data(), kPanelWidth<T>});
      }
      for (index c = 0; c < columns; ++c) to[c * kLine] = from[c];
    }
  }
}

template <class T>
void LaneAnswers<T>::write(index rows, T* out) {
  const index n = pass_.outputs(), pitch = pass_.pitch(n) * kLine;
  const bool are_sorted = members_.front()->sorts_outputs();
  const bool is_softmax = members_.front()->top().finishes_rows();
  for (std::size_t m = 0; m < members_.size(); ++m) {
    T* const to = out + index(m) * rows * n;
    const T* from = pass_.output() + m;
    for (index r = 0; r < rows; ++r, from += pitch) {
      for (index c = 0; c < n; ++c) to[r * n + c] = from[c * kLine];
    }
    for (index r = 0; is_softmax && r < rows; ++r) {  // the kernel reads and writes whole lines
      std::copy_n(to + r * n, n, outputs_row_.data());
      kernels<T>().softmax(1, n, outputs_row_.data(), n);
      std::copy_n(outputs_row_.data(), n, to + r * n);
    }
    if (are_scaled_ || are_sorted) members_[m]->finish_outputs(rows, to);
  }
}

template <class T>
auto LaneAnswers<T>::answer(index rows, T* out) -> typename Network<T>::Outcome {
  using Outcome = typename Network<T>::Outcome;
  const KernelTable<T>& k = kernels<T>();
  const index inputs = rows * pass_.pitch(pass_.inputs()) * kLine;
  if (!k.all_finite(inputs, pass_.input(), T(1))) {
    // Not to be met by the next call.
    std::fill_n(pass_.input(), inputs, T(0));
    return Outcome::not_finite;
  }
  pass_.forward(rows, parameters_.data(), false, {});
  write(rows, out);
  const index numbers = static_cast<index>(members_.size()) * rows * pass_.outputs();
  if (k.all_finite(numbers, out, T(1))) return Outcome::done;
  const bool has_nan = std::any_of(out, out + numbers, [](T value) { return std::isnan(value); });
  return has_nan ? Outcome::no_number : Outcome::done;
}

template class LaneAnswers<float>;
template class LaneAnswers<double>;

}  // namespace foxnn
