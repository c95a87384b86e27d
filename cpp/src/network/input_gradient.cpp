// How the outputs change with the inputs: for each output a backward pass down to the samples.
#include <algorithm>
#include <atomic>
#include <vector>

#include "base/parallel.hpp"
#include "base/stop_poll.hpp"
#include "foxnn/network.hpp"
#include "network/batch.hpp"
#include "network/cost.hpp"

namespace foxnn {
namespace {

// Rows that go through the layers together: some register tiles.
constexpr index kChunkRows = 56;

// What a worker keeps of a chunk: inputs, and each layer's outputs, slopes and errors.
template <class T>
struct Space {
  Space(const Network<T>& network, index rows)
      : x(Batch<T>::panels(rows, network.inputs())),
        error_of_x(Batch<T>::panels(rows, network.inputs())),
        scratch(network, rows) {
    nonzero.resize(static_cast<std::size_t>(panel_count<T>(network.inputs()) * rows));
    for (index i = 0; i < network.size(); ++i) {
      const Layer<T>& layer = network.layer(i);
      const auto make = i + 1 < network.size() ? Batch<T>::panels : Batch<T>::plain;
      y.push_back(make(rows, layer.output_width()));
      error.push_back(make(rows, layer.output_width()));
      slope.push_back(layer.keeps_slope() ? make(rows, layer.output_width()) : Batch<T>());
    }
  }
  Batch<T> x, error_of_x;
  std::vector<Batch<T>> y, slope, error;
  std::vector<std::uint32_t> nonzero;
  ScratchSpace<T> scratch;
};

template <class T>
void forward(const Network<T>& network, const MatrixView& samples, index first, index rows,
             Space<T>& space) {
  Rows<T> in = space.x.rows();
  for (index r = 0; r < rows; ++r) {
    read_row(samples, first + r, in.from_row(r), space.nonzero.data() + r);
  }
  in.nonzero = space.nonzero.data();
  for (index i = 0; i < network.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const Rows<T> y = space.y[at].rows();
    network.layer(i).forward(Share{}, rows, in, {.y = y, .slope = space.slope[at].rows()},
                             space.scratch.get());
    network.layer(i).finish_rows(rows, y);
    in = y;
  }
}

// Leaves d output / d input in error_of_x.
template <class T>
void backward(const Network<T>& network, index output, index rows, Space<T>& space) {
  const Layer<T>& top = network.layer(network.size() - 1);
  const Rows<T> start = space.error.back().rows();
  for (index r = 0; r < rows; ++r) {
    std::fill_n(start.at(r), top.output_width(), T(0));
    start.at(r)[output] = T(1);
  }
  top.backward_activation(0, rows, 0, top.output_width(), start, space.y.back().rows(),
                          space.slope.back().rows());
  for (index i = network.size() - 1; i >= 0; --i) {
    const auto at = static_cast<std::size_t>(i);
    typename Layer<T>::Below below;
    if (i > 0) {
      below = {&network.layer(i - 1), space.y[at - 1].rows(), space.slope[at - 1].rows()};
    }
    const Rows<T> target = i > 0 ? space.error[at - 1].rows() : space.error_of_x.rows();
    network.layer(i).backward_input(Share{}, rows, space.error[at].rows(), target, below,
                                    space.scratch.get());
  }
}

}  // namespace

template <class T>
bool Network<T>::input_gradient(const MatrixView& x, index first_output, index count, T* out,
                                int threads, const StopRequest& stop) const {
  const MatrixView samples = scaled_inputs(x);
  const index chunks = (x.rows + kChunkRows - 1) / kChunkRows, width = inputs();
  // A pass forward, and one back for each output.
  Cost cost = forward_cost(*this, x.rows);
  cost.alone *= static_cast<double>(count + 1);
  const int workers =
      std::max(1, static_cast<int>(std::min<index>(workers_for(cost, threads), chunks)));
  std::vector<Space<T>> spaces;
  for (int w = 0; w < workers; ++w) spaces.emplace_back(*this, std::min(x.rows, kChunkRows));
  std::atomic<bool> stopped{false};
  StopPoll poll;
  run_team(workers, [&](const Team& team) {
    const Share share = team.share();
    Space<T>& space = spaces[static_cast<std::size_t>(share.worker)];
    for (index c = share.first(chunks); c < share.last(chunks); ++c) {
      const index first = c * kChunkRows, rows = std::min(kChunkRows, x.rows - first);
      forward(*this, samples, first, rows, space);
      for (index k = 0; k < count; ++k) {
        if (stopped.load(std::memory_order_relaxed)) return;
        backward(*this, first_output + k, rows, space);
        const Rows<T> error = space.error_of_x.rows();
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
