// Rows into lanes, a pass forward, and outputs back to where each member's are.
#include "population/lane_answers.hpp"

#include <algorithm>
#include <cmath>

#include "layers/columns.hpp"

namespace foxnn {

template <class T>
LaneMembers<T>::LaneMembers(const std::vector<const Network<T>*>& members)
    : members_(members),
      versions_(members.size()),
      layout_(*members.front()),
      parameters_(layout_.lines() * kLineWidth<T>) {
  for (const Network<T>* const member : members) places_.push_back(&member->version_place());
  load();
}

template <class T>
void LaneMembers<T>::prefetch() const {
  for (const auto* const place : places_) __builtin_prefetch(place);
}

// Without a branch for each member, so that the loads do not wait for each other.
template <class T>
bool LaneMembers<T>::is_loaded() const {
  std::uint64_t changes = 0;
  for (std::size_t m = 0; m < places_.size(); ++m) {
    changes |= places_[m]->load(std::memory_order_acquire) ^ versions_[m];
  }
  return changes == 0;
}

template <class T>
bool LaneMembers<T>::have_layers_of(const LanePass<T>& pass) const {
  for (const Network<T>* member : members_) {
    if (!LaneLayout<T>::holds(*member) || !LaneLayout<T>::are_alike(*members_.front(), *member)) {
      return false;
    }
  }
  return std::all_of(pass.stages().begin(), pass.stages().end(), [&](const LaneStage<T>& stage) {
    const Activation now = members_.front()->layer(stage.node).activation();
    return now.kind == stage.activation.kind && now.parameter == stage.activation.parameter;
  });
}

template <class T>
void LaneMembers<T>::load() {
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
LaneDesk<T>::LaneDesk(const Network<T>& member)
    : pass_(member, LaneLayout<T>(member), kMostRows, kMostGroups * kMostRows, {}, false),
      row_(member.inputs()),
      outputs_row_(rounded_up(member.outputs(), kLineWidth<T>)) {}

template <class T>
std::optional<bool> LaneDesk<T>::load(Groups groups) {
  bool any = false;
  for (const auto& group : groups) {
    if (group->is_loaded()) continue;
    if (!group->have_layers_of(pass_)) return {};
    group->load();
    any = true;
  }
  return any;
}

template <class T>
void LaneDesk<T>::read(Groups groups, const LaneQuestion& question, index first) {
  T* lines = pass_.input();
  for (const auto& group : groups) {
    read(*group, question, question.each ? first * question.rows : 0, lines);
    lines += question.rows * pass_.pitch(pass_.inputs()) * kLine;
    first += group->size();
  }
}

template <class T>
void LaneDesk<T>::read(const LaneMembers<T>& group, const LaneQuestion& question, index first,
                       T* lines) {
  const MatrixView& x = question.x;
  const index columns = pass_.inputs(), count = group.size();
  const index distance = question.each ? question.rows : 0;
  const bool is_plain =
      !group.are_scaled() && x.type == (sizeof(T) == 4 ? ElementType::f32 : ElementType::f64);
  for (index r = 0; r < question.rows; ++r, lines += pass_.pitch(columns) * kLine) {
    if (!is_plain) {
      for (index m = 0; m < count; ++m) {
        read_row(group.member(m).scaled_inputs(x), first + r + m * distance,
                 Rows<T>{row_.data(), kPanelWidth<T>});
        for (index c = 0; c < columns; ++c) lines[c * kLine + m] = row_.data()[c];
      }
      continue;
    }
    const std::byte* const row = x.row(first + r);
    const index bytes = distance * x.row_bytes;
    for (index c = 0; c < columns; ++c) {
      const std::byte* from = row + c * static_cast<index>(sizeof(T));
      T* const to = lines + c * kLine;
      for (index m = 0; m < count; ++m, from += bytes) to[m] = *reinterpret_cast<const T*>(from);
    }
  }
}

template <class T>
void LaneDesk<T>::write(const LaneMembers<T>& group, index rows, T* out) {
  const index n = pass_.outputs(), pitch = pass_.pitch(n) * kLine;
  const bool are_sorted = group.member(0).sorts_outputs();
  const bool is_softmax = group.member(0).top().finishes_rows();
  for (index m = 0; m < group.size(); ++m, out += rows * n) {
    const T* from = pass_.output() + m;
    for (index r = 0; r < rows; ++r, from += pitch) {
      for (index c = 0; c < n; ++c) out[r * n + c] = from[c * kLine];
    }
    for (index r = 0; is_softmax && r < rows; ++r) {  // the kernel reads and writes whole lines
      std::copy_n(out + r * n, n, outputs_row_.data());
      kernels<T>().softmax(1, n, outputs_row_.data(), n);
      std::copy_n(outputs_row_.data(), n, out + r * n);
    }
    if (group.are_scaled() || are_sorted) group.member(m).finish_outputs(rows, out);
  }
}

template <class T>
auto LaneDesk<T>::answer(Groups groups, const LaneQuestion& question, index first, T* out)
    -> std::optional<Outcome> {
  const KernelTable<T>& k = kernels<T>();
  for (const auto& group : groups) group->prefetch();
  read(groups, question, first);
  const std::optional<bool> has_changed = load(groups);
  if (!has_changed) return {};
  if (*has_changed) read(groups, question, first);  // by their scaling now
  const index rows = static_cast<index>(groups.size()) * question.rows;
  const index inputs = rows * pass_.pitch(pass_.inputs()) * kLine;
  if (!k.all_finite(inputs, pass_.input(), T(1))) {
    // Not to be met by the next call.
    std::fill_n(pass_.input(), inputs, T(0));
    return Outcome::not_finite;
  }
  T* next = out;
  index row = 0;
  for (const auto& group : groups) {
    pass_.begin_with(row);
    pass_.forward(question.rows, group->parameters(), false, {});
    write(*group, question.rows, next);
    next += group->size() * question.rows * pass_.outputs();
    row += question.rows;
  }
  if (k.all_finite(next - out, out, T(1))) return Outcome::done;
  const bool has_nan = std::any_of(out, next, [](T value) { return std::isnan(value); });
  return has_nan ? Outcome::no_number : Outcome::done;
}

template class LaneMembers<float>;
template class LaneMembers<double>;
template class LaneDesk<float>;
template class LaneDesk<double>;

}  // namespace foxnn
