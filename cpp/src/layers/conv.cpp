// Convolution over the kernels: stretches of columns, and what each worker computes. Workers divide
// the output positions between them. The gradient of the inputs is in conv_input.cpp, that of the
// weights in conv_gradient.cpp.
#include "layers/conv.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "base/pieces.hpp"
#include "layers/columns.hpp"
#include "layers/few.hpp"
#include "layers/stretches.hpp"

namespace foxnn {

index checked_filters(const LayerSpec& spec) {
  const index filters = spec.whole("filters");
  if (filters < 1 || filters > kMostNumbers) {
    throw std::invalid_argument("filters must be from 1 to 2147483648, got " +
                                std::to_string(filters));
  }
  return filters;
}

index checked_groups(const LayerSpec& spec, index channels, index filters) {
  const index groups = spec.whole("groups");
  if (groups < 1 || channels % groups != 0 || filters % groups != 0) {
    throw std::invalid_argument("groups must divide the " + std::to_string(channels) +
                                " channels and the " + std::to_string(filters) + " filters, got " +
                                std::to_string(groups));
  }
  return groups;
}

template <class T>
Conv<T>::Columns::Columns(const Form& form)
    : pitch(form.layout.positions > 1 ? form.layout.pitch : form.shape.channels),
      channels(form.shape.channels),
      are_panels(form.layout.positions > 1) {}

template <class T>
Conv<T>::Conv(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Activated<T>(spec, inputs),
      window_(spec, inputs.front().shape),
      runs_(window_),
      filters_(checked_filters(spec)),
      groups_(checked_groups(spec, inputs.front().shape.channels, filters_)),
      group_channels_(inputs.front().shape.channels / groups_),
      group_filters_(filters_ / groups_),
      lines_(window_.places() * group_channels_),
      padded_(rounded_up(group_filters_, kLineWidth<T>)),
      has_bias_(spec.flag("bias", true)) {
  const Shape given{window_.output_axes(), filters_};
  this->set_output({given, Layout::panels<T>(given)});
  std::vector<index> shape = window_.kernel();
  shape.insert(shape.end(), {group_channels_, filters_});
  if (lines_ > kMostNumbers / filters_) throw std::bad_alloc();
  this->add_array("weights", shape, groups_ * lines_ * padded_, Array::Role::weight);
  if (has_bias_) {
    this->add_array("bias", {filters_}, panel_count<T>(filters_) * kPanelWidth<T>,
                    Array::Role::bias);
  }
  list_lanes();
  list_few();
}

template <class T>
double Conv<T>::flops() const {
  const Products counted = products();
  return 2.0 * (lane_lists_ ? counted.full : counted.forward);
}

template <class T>
index Conv<T>::blocks_of_group() const {
  return panel_count<T>(padded_);
}

template <class T>
auto Conv<T>::block(index group, index b) const -> Block {
  const index first = b * kPanelWidth<T>;
  return {group, first, std::min(kPanelWidth<T>, padded_ - first),
          std::min(kPanelWidth<T>, group_filters_ - first)};
}

// Where the weights of a block begin: [lines][width].
template <class T>
index Conv<T>::weights_of(const Block& block) const {
  return (block.group * padded_ + block.first) * lines_;
}

// Calls f(line of the user's array, its first filter, packed offset, count).
template <class T>
template <class Function>
void Conv<T>::each_line(const StopRequest& stop, const Function& f) const {
  Pieces pieces(stop);
  for (index g = 0; g < groups_; ++g) {
    for (index b = 0; b < blocks_of_group(); ++b) {
      const Block at = block(g, b);
      for (index line = 0; line < lines_; ++line) {
        f(line, g * group_filters_ + at.first, weights_of(at) + line * at.width, at.used);
        pieces.after(at.used);
      }
    }
  }
}

template <class T>
index Conv<T>::place_of_weight(index line, index filter) const {
  const index inside = filter % group_filters_;
  const Block at = block(filter / group_filters_, inside / kPanelWidth<T>);
  return weights_of(at) + line * at.width + inside % kPanelWidth<T>;
}

template <class T>
void Conv<T>::initialize(std::uint64_t seed, std::uint32_t place, const StopRequest& stop) {
  this->draw_filters(lines_, filters_, window_.places() * filters_, has_bias_, seed, place, stop,
                     [&](index line, index filter) { return place_of_weight(line, filter); });
}

template <class T>
void Conv<T>::unpack(const Array& array, const T* packed, T* values, Order order,
                     const StopRequest& stop) const {
  if (array.offset > 0) return Layer<T>::unpack(array, packed, values, order, stop);
  each_line(stop, [&](index line, index filter, index from, index count) {
    std::copy_n(packed + from, count, values + line * filters_ + filter);
  });
}

template <class T>
void Conv<T>::pack(const Array& array, const T* values, T* packed, const StopRequest& stop) const {
  if (array.offset > 0) return Layer<T>::pack(array, values, packed, stop);
  each_line(stop, [&](index line, index filter, index to, index count) {
    std::copy_n(values + line * filters_ + filter, count, packed + to);
  });
}

// Numbers: weights transposed, or the gradient of a block, and rows of a block of columns at some
// positions, or sums of lanes.
template <class T>
ScratchSize Conv<T>::scratch_size(index batch) const {
  const index most = std::max(group_channels_, group_filters_);
  const index of_weights = std::max(window_.places() * most * kPanelWidth<T>,
                                    weights_of_channels(transposed_channels()));
  const index of_rows = of_weights + kPositions * batch * kPanelWidth<T>;
  const index of_pair = is_pair_of(group_filters_, 0) ? 2 * lines_ * kPanelWidth<T> : 0;
  return {.numbers = std::max({of_rows, of_pair, scratch_of_few(batch), lane_numbers()}),
          .stretches = most_stretches() + batch};
}
template <class T>
index Conv<T>::most_stretches() const {
  const index most = std::max(group_channels_, group_filters_);
  return window_.places() * (most / kPanelWidth<T> + 2);
}

template <class T>
void Conv<T>::forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                      Scratch<T> scratch) const {
  if (out.lanes.y) return forward_in_lanes(share, batch, *x, out, scratch);
  if (out.steps.x) return forward_sequences(share, batch, *x, out, scratch);
  const Columns columns(this->output());
  const index positions = this->output().shape.positions();
  if (goes_by_positions<T>(batch, runs_, positions)) {
    return forward_few(share, batch, *x, out, scratch);
  }
  for (index p = share.first(positions); p < share.last(positions) && !scratch.leaves(); ++p) {
    forward_position(p, {0, batch}, *x, out, scratch);
    const index panel = columns.at(p, 0) / kPanelWidth<T>;
    each_panel<T>(filters_,
                  [&](index q, index width) { this->activate(batch, width, 0, panel + q, out); });
  }
}

// The sums of all filters at an output position, for some rows.
template <class T>
void Conv<T>::forward_position(index position, const ReadRun& run, const Rows<const T>& x,
                               const Outputs<T>& out, const Scratch<T>& scratch) const {
  const bool in_pairs = multiplies_pairs(x, out.y);
  for (index g = 0; g < groups_; ++g) {
    for (index b = 0, some = 1; b < blocks_of_group(); b += some) {
      some = in_pairs && is_pair(group_filters_, b * kPanelWidth<T>, lines_) ? 2 : 1;
      if (some == 2) {
        forward_pair(block(g, b), position, run, x, out, scratch);
      } else {
        forward_block(block(g, b), position, run, x, out, scratch);
      }
    }
  }
}

// Whether two panels may be multiplied at once, where their rows lie so.
template <class T>
bool Conv<T>::multiplies_pairs(const Rows<const T>& from, const Rows<const T>& to) const {
  return kernels<T>().multiply_stretches_pair && groups_ == 1 && from.stride == kPanelWidth<T> &&
         to.stride == kPanelWidth<T>;
}

// The columns that an output position reads, with their lines of a block's weights. Returns the
// number of stretches.
template <class T>
index Conv<T>::list_columns(const Block& block, index position, const ReadRun& run,
                            const Rows<const T>& x, Stretch* stretches) const {
  const Columns from(this->input());
  index count = 0;
  each_tap_of_output(window_, position, run.length, [&](const Tap& tap) {
    count =
        append_stretches<T>(stretches, count, from.at(tap.position, block.group * group_channels_),
                            tap.place * group_channels_, group_channels_, x.panel);
  });
  return count;
}

// The sums of a block of filters and those of the next at an output position, for some rows.
template <class T>
void Conv<T>::forward_pair(const Block& block, index position, const ReadRun& run,
                           const Rows<const T>& x, const Outputs<T>& out,
                           const Scratch<T>& scratch) const {
  const index count = list_columns(block, position, run, x, scratch.stretches);
  const T* const bias =
      has_bias_ ? this->parameters() + this->arrays().back().offset + block.first : nullptr;
  const index panel = Columns(this->output()).at(position, block.first) / kPanelWidth<T>;
  kernels<T>().multiply_stretches_pair(
      run.rows, scratch.stretches, count, x.at(run.first), this->parameters() + weights_of(block),
      lines_ * kPanelWidth<T>, bias, out.y.at(run.first, panel), out.y.panel);
}

// The sums of a block of filters at an output position, for some rows.
template <class T>
void Conv<T>::forward_block(const Block& block, index position, const ReadRun& run,
                            const Rows<const T>& x, const Outputs<T>& out,
                            Scratch<T> scratch) const {
  const index count = list_columns(block, position, run, x, scratch.stretches);
  const index filter = block.group * group_filters_ + block.first;
  const index column = Columns(this->output()).at(position, filter);
  const T* const weights = this->parameters() + weights_of(block);
  const T* const bias =
      has_bias_ ? this->parameters() + this->arrays().back().offset + filter : nullptr;
  if (is_aligned(filter, block.used)) {
    kernels<T>().multiply_stretches(run.rows, scratch.stretches, count, x.at(run.first), x.stride,
                                    weights, block.width, bias,
                                    out.y.at(run.first, column / kPanelWidth<T>), out.y.stride);
    return;
  }
  // The columns of a group begin or end within a panel.
  alignas(64) T init[kPanelWidth<T>] = {};
  if (bias) std::copy_n(bias, block.used, init);
  kernels<T>().multiply_stretches(run.rows, scratch.stretches, count, x.at(run.first), x.stride,
                                  weights, block.width, init, scratch.numbers, kPanelWidth<T>);
  const Rows<T> target = out.y.from_row(run.first);
  each_run<T>(1, block.used, {}, {.pitch = 0, .first = column}, [&](index a, index b, index n) {
    copy_columns<T>(0, run.rows, Rows<const T>{scratch.numbers, kPanelWidth<T>}, a, target, b, n);
  });
}

template class Conv<float>;
template class Conv<double>;

}  // namespace foxnn
