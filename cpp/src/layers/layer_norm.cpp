// Workers divide the rows between them; of the parameters' gradient, the panels of channels.
#include "layers/layer_norm.hpp"

#include <algorithm>
#include <stdexcept>

#include "layers/columns.hpp"
#include "layers/few.hpp"
#include "layers/step_rows.hpp"

namespace foxnn {
namespace {}  // namespace

template <class T>
LayerNorm<T>::LayerNorm(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Layer<T>(spec, inputs),
      channels_(inputs.front().shape.channels),
      positions_(inputs.front().shape.positions()),
      panels_(panel_count<T>(channels_)),
      epsilon_(static_cast<T>(spec.number("epsilon"))) {
  if (!(epsilon_ > T(0))) throw std::invalid_argument("epsilon must be above 0");
  this->set_output(inputs.front());
  const index count = panels_ * kPanelWidth<T>;
  this->add_array("weights", {channels_}, count,
                  Array::Role::bias);  // penalties would pull it to 0
  this->add_array("bias", {channels_}, count, Array::Role::bias);
}

template <class T>
double LayerNorm<T>::flops() const {
  return 10.0 * static_cast<double>(this->output().shape.size());
}

template <class T>
void LayerNorm<T>::initialize(std::uint64_t, std::uint32_t, const StopRequest&) {
  std::fill_n(this->own_parameters(), channels_, T(1));
}

// A mean and a factor for each row of each position.
template <class T>
index LayerNorm<T>::kept_size(index batch) const {
  return 2 * batch * positions_;
}

template <class T>
void LayerNorm<T>::forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                           Scratch<T> scratch) const {
  const T *gain = this->parameters(), *shift = gain + panels_ * kPanelWidth<T>;
  if (batch == 1 && share.workers == 1 && !out.kept && !out.steps.y) {
    // The positions of a single sample are rows.
    return kernels<T>().layer_norm(positions_, channels_, every_panel(*x, 0, 0, panels_), gain,
                                   shift, epsilon_, every_panel(out.y, 0, 0, panels_), nullptr);
  }
  each_part<T>(share, batch, scratch, [&](index first, index rows) {
    for (index p = 0; p < positions_; ++p) {
      const index there = rows_with(out.steps.y, p, first, rows);
      if (there == 0) return;
      T* statistics = out.kept ? out.kept + 2 * (p * batch + first) : nullptr;
      kernels<T>().layer_norm(there, channels_, x->from_panel(p * panels_).from_row(first), gain,
                              shift, epsilon_, out.y.from_panel(p * panels_).from_row(first),
                              statistics);
    }
  });
}

template <class T>
void LayerNorm<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                                  const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                                  Scratch<T> scratch) const {
  each_part<T>(share, batch, scratch, [&](index first, index rows) {
    for (index p = 0; p < positions_; ++p) {
      const auto at = [&](const auto& all) { return all.from_panel(p * panels_).from_row(first); };
      const index there = rows_with(back.steps.y, p, first, rows);
      if (there == 0) break;
      kernels<T>().layer_norm_backward(there, channels_, at(*back.x), this->parameters(),
                                       back.kept + 2 * (p * batch + first), at(back.delta),
                                       at(delta_below));
    }
    below.finish_rows(first, rows, this->input().layout.columns(), delta_below);
  });
}

template <class T>
void LayerNorm<T>::backward_parameters(Share share, index batch, const Back<T>& back,
                                       GradientSink<T>& sink, Scratch<T> scratch) const {
  const Rows<const T>& x = *back.x;
  for (index q = share.first(panels_); q < share.last(panels_); ++q) {
    alignas(64) T gain[kPanelWidth<T>] = {}, shift[kPanelWidth<T>] = {};
    const index width =
        std::min(kPanelWidth<T>, rounded_up(channels_, kLineWidth<T>) - q * kPanelWidth<T>);
    for (index p = 0; p < positions_; ++p) {
      const index panel = p * panels_ + q;
      // All rows, not only those of the share: the kernel adds to the sums of the earlier rows.
      const index all = rows_with(back.steps.y, p, batch);
      each_part<T>({}, all, scratch, [&](index first, index rows) {
        kernels<T>().layer_norm_gradient(
            rows, width, x.at(first, panel), x.stride, back.kept + 2 * (p * batch + first),
            back.delta.at(first, panel), back.delta.stride, gain, shift);
      });
    }
    const index offset = q * kPanelWidth<T>;
    // The gradient of the padding is zero, so that the padding stays zero.
    const index used = std::min(kPanelWidth<T>, channels_ - offset);
    std::fill(gain + used, gain + kPanelWidth<T>, T(0));
    sink.take(offset, kPanelWidth<T>, gain);
    sink.take(panels_ * kPanelWidth<T> + offset, kPanelWidth<T>, shift);
  }
}

template class LayerNorm<float>;
template class LayerNorm<double>;

}  // namespace foxnn
