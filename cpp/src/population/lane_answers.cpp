// Rows into lanes, a pass forward, and outputs back to where each member's are.
#include "population/lane_answers.hpp"

#include <algorithm>
#include <array>

#include "kernels/has_nan.hpp"
#include "layers/columns.hpp"

namespace foxnn {

template <class T>
LaneMembers<T>::LaneMembers(const std::vector<const Network<T>*>& members,
                            const LaneLayout<T>& layout, T* parameters)
    : members_(members), versions_(members.size()), layout_(layout), parameters_(parameters) {
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
  layout_.load(from, parameters_);
}

template <class T>
LaneDesk<T>::LaneDesk(const Network<T>& member)
    : pass_(member, LaneLayout<T>(member), kMostRows, kMostGroups * kMostRows, {}, false),
      row_(member.inputs()),
      outputs_row_(rounded_up(member.outputs(), kLineWidth<T>)),
      given_(static_cast<std::size_t>(member.inputs())) {}

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
  constexpr auto kSize = static_cast<index>(sizeof(T));
  const MatrixView& x = question.x;
  const index columns = pass_.inputs(), count = group.size();
  const index distance = question.each ? question.rows : 0;
  const index column = question.column_bytes ? question.column_bytes : kSize;
  const bool is_plain =
      !group.are_scaled() && x.type == (sizeof(T) == 4 ? ElementType::f32 : ElementType::f64);
  for (index r = 0; r < question.rows; ++r, lines += pass_.pitch(columns) * kLine) {
    if (!is_plain) {
      for (index m = 0; m < count; ++m) {
        read_scaled(group.member(m), question, first + r + m * distance);
        for (index c = 0; c < columns; ++c) lines[c * kLine + m] = row_.data()[c];
      }
      continue;
    }
    const std::byte* from = x.row(first + r);
    const index member = distance * x.row_bytes;
    if (count == kLine && column == kSize && member == columns * kSize) {
      member_kernels<T>().put_together(columns, reinterpret_cast<const T*>(from), lines);
      continue;
    }
    for (index c = 0; c < columns; ++c, from += column) {
      T* const to = lines + c * kLine;
      if (member == kSize) {  // the numbers of the members lie side by side
        std::copy_n(reinterpret_cast<const T*>(from), count, to);
        continue;
      }
      const std::byte* next = from;
      for (index m = 0; m < count; ++m, next += member) to[m] = *reinterpret_cast<const T*>(next);
    }
  }
}

template <class T>
void LaneDesk<T>::read_scaled(const Network<T>& member, const LaneQuestion& question, index row) {
  const Rows<T> to{row_.data(), kPanelWidth<T>};
  if (!question.column_bytes) return read_row(member.scaled_inputs(question.x), row, to);
  const std::byte* from = question.x.row(row);
  for (T& number : given_) {
    number = *reinterpret_cast<const T*>(from);
    from += question.column_bytes;
  }
  MatrixView own = question.x;
  own.data = reinterpret_cast<const std::byte*>(given_.data());
  own.rows = 1;
  read_row(member.scaled_inputs(own), 0, to);
}

template <class T>
void LaneDesk<T>::write(const LaneMembers<T>& group, index rows, const T* lines, T* out) {
  const index n = pass_.outputs(), pitch = pass_.pitch(n) * kLine;
  const bool are_sorted = group.member(0).sorts_outputs();
  const bool is_softmax = group.member(0).top().finishes_rows();
  const bool is_finished = !is_softmax && !are_sorted && !group.are_scaled();
  if (is_finished && rows == 1 && group.size() == kLine) {
    return member_kernels<T>().take_apart(n, lines, out);
  }
  for (index m = 0; m < group.size(); ++m, out += rows * n) {
    const T* from = lines + m;
    for (index r = 0; r < rows; ++r, from += pitch) {
      for (index c = 0; c < n; ++c) out[r * n + c] = from[c * kLine];
    }
    if (is_finished) continue;
    for (index r = 0; is_softmax && r < rows; ++r) {  // the kernel reads and writes whole lines
      std::copy_n(out + r * n, n, outputs_row_.data());
      kernels<T>().softmax(1, n, outputs_row_.data(), n);
      std::copy_n(outputs_row_.data(), n, out + r * n);
    }
    if (group.are_scaled() || are_sorted) group.member(m).finish_outputs(rows, out);
  }
}

template <class T>
auto LaneDesk<T>::answer(Groups groups, const LaneQuestion& question, index first, bool are_loaded,
                         T* out) -> std::optional<Outcome> {
  const KernelTable<T>& k = kernels<T>();
  if (!are_loaded) {
    for (const auto& group : groups) group->prefetch();
  }
  read(groups, question, first);
  if (!are_loaded) {
    const std::optional<bool> has_changed = load(groups);
    if (!has_changed) return {};
    if (*has_changed) read(groups, question, first);  // by their scaling now
  }
  const index rows = static_cast<index>(groups.size()) * question.rows;
  const index inputs = rows * pass_.pitch(pass_.inputs()) * kLine;
  if (!k.all_finite(inputs, pass_.input(), T(1))) {
    // Not to be met by the next call.
    std::fill_n(pass_.input(), inputs, T(0));
    return Outcome::not_finite;
  }
  T* next = out;
  const auto at_once = static_cast<std::size_t>(kMostRows / question.rows);
  for (std::size_t done = 0; done < groups.size(); done += at_once) {
    const Groups some = groups.subspan(done, std::min(at_once, groups.size() - done));
    std::array<const T*, kMostGroups> parameters;
    for (std::size_t g = 0; g < some.size(); ++g) parameters[g] = some[g]->parameters();
    pass_.begin_with(static_cast<index>(done) * question.rows);
    pass_.forward(question.rows, {parameters.data(), some.size()});
    const T* lines = pass_.output();
    for (const auto& group : some) {
      write(*group, question.rows, lines, next);
      lines += question.rows * pass_.pitch(pass_.outputs()) * kLine;
      next += group->size() * question.rows * pass_.outputs();
    }
  }
  return has_nan(next - out, out) ? Outcome::no_number : Outcome::done;
}

template class LaneMembers<float>;
template class LaneMembers<double>;
template class LaneDesk<float>;
template class LaneDesk<double>;

}  // namespace foxnn
