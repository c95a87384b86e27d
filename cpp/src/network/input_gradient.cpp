// The gradient of the outputs with respect to the inputs: one backward pass per output.
#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

#include "base/parallel.hpp"
#include "base/stop_poll.hpp"
#include "foxnn/network.hpp"
#include "layers/columns.hpp"
#include "network/cost.hpp"
#include "network/pass.hpp"

namespace foxnn {
namespace {

// Rows that pass through the layers together: a few register tiles.
constexpr index kChunkRows = 56;

// A worker's memory for a chunk.
template <class T>
struct Chunk {
  Chunk(const Network<T>& network, index rows, const MatrixView& samples)
      : pass(network, rows,
             {.backward = true,
              .gradient_of_input = true,
              .stored = network.goes_by_stored(samples)}),
        scratch(network, rows) {
    if (pass.stored()) pass.make_room(most_stored(samples, rows));
  }
  Pass<T> pass;
  ScratchSpace<T> scratch;
};

template <class T>
void forward(const Network<T>& network, const MatrixView& samples, index first, index rows,
             Chunk<T>& chunk) {
  chunk.pass.read(samples, first, rows);
  chunk.pass.forward({}, rows, {}, chunk.scratch.get(), [] {});
  network.top().finish_rows(rows, chunk.pass.output());
}

// Writes d output / d input to delta_of_input.
template <class T>
void backward(const Network<T>& network, index output, index rows, Chunk<T>& chunk) {
  const Layer<T>& top = network.top();
  const Rows<T> start = chunk.pass.delta_of_output();
  const Places parts = Places::parts_of(top.output().layout);
  const index width = rounded_up(parts.channels, kLineWidth<T>);
  for (index p = 0; p < parts.count; ++p) {
    for (index r = 0; r < rows; ++r) std::fill_n(parts.at(start, p).at(r), width, T(0));
  }
  const Places positions = Places::positions_of(top.output());
  const index channel = output % positions.channels;
  const Loss loss{network.loss(), network.loss_parameters()};
  const index each = loss.sorts_outputs() ? loss.outputs_per_target() : 1;
  for (index r = 0; r < rows; ++r) {
    index from = channel;
    if (each > 1) {
      const Rows<T> out = positions.at(chunk.pass.output(), output / positions.channels);
      const index first = channel / each * each;
      from = first + network.sorted_from(out.at(r) + first, channel % each);
    }
    positions.at(start, output / positions.channels).at(r)[from] = T(1);
  }
  top.backward_outputs(rows, start, chunk.pass.output(), chunk.pass.slope_of_output());
  Scratch<T> lent = chunk.scratch.get();
  chunk.pass.backward({}, rows, 0, lent, [] {}, [](index, const Back<T>&) { return true; });
}

}  // namespace

template <class T>
bool Network<T>::input_gradient(const MatrixView& x, index first_output, index count, T* out,
                                int threads, const StopRequest& stop) const {
  if (x.lengths) throw std::invalid_argument("gradients need sequences of one length");
  const MatrixView samples = scaled_inputs(x);
  const index chunks = (x.rows + kChunkRows - 1) / kChunkRows, width = inputs();
  bool spends = false;
  for (index i = 0; i < size(); ++i) spends = spends || layer(i).spends_kept();
  // One forward pass, and one backward pass per output, perhaps with a forward pass of its own.
  Cost cost = forward_cost(*this, x.rows);
  cost.alone *= static_cast<double>(count + 1);
  const int workers =
      std::max(1, static_cast<int>(std::min<index>(workers_for(cost, threads), chunks)));
  std::vector<Chunk<T>> held;
  for (int w = 0; w < workers; ++w) {
    held.emplace_back(*this, std::min(x.rows, kChunkRows), samples);
  }
  std::atomic<bool> stopped{false};
  StopPoll poll;
  run_team(workers, [&](const Team& team) {
    const Share share = team.share();
    Chunk<T>& chunk = held[static_cast<std::size_t>(share.worker)];
    for (index c = share.first(chunks); c < share.last(chunks); ++c) {
      const index first = c * kChunkRows, rows = std::min(kChunkRows, x.rows - first);
      for (index k = 0; k < count; ++k) {
        if (stopped.load(std::memory_order_relaxed)) return;
        if (k == 0 || spends) forward(*this, samples, first, rows, chunk);
        backward(*this, first_output + k, rows, chunk);
        const Rows<T> error = chunk.pass.delta_of_input();
        const auto output = static_cast<std::size_t>(first_output + k);
        const double gain = output_scaling_.empty() ? 1.0 : 1.0 / output_scaling_.factor[output];
        for (index r = 0; r < rows; ++r) {
          T* to = out + ((first + r) * count + k) * width;
          for (index i = 0; i < width; ++i) {
            const T value = error.at(r, i / kPanelWidth<T>)[i % kPanelWidth<T>];
            const double factor = input_scaling_.empty()
                                      ? gain
                                      : gain * input_scaling_.factor[static_cast<std::size_t>(i)];
            to[i] = factor == 1.0 ? value : static_cast<T>(static_cast<double>(value) * factor);
          }
        }
        if (team.is_first() && poll.after_step(stop)) stopped = true;
      }
    }
  });
  return !stopped;
}

template bool Network<float>::input_gradient(const MatrixView&, index, index, float*, int,
                                             const StopRequest&) const;
template bool Network<double>::input_gradient(const MatrixView&, index, index, double*, int,
                                              const StopRequest&) const;

}  // namespace foxnn
