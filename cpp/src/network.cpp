// The network's buffers, and the passes that do not train: prediction and evaluation. There the
// workers share the samples: each carries its own rows through all layers, with no barrier.
#include "foxnn/network.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>

#include "batch.hpp"
#include "cost.hpp"
#include "parallel.hpp"
#include "passes.hpp"
#include "stop_poll.hpp"

namespace foxnn {
namespace {

// Rows that go through the layers together: eight register tiles of 14, enough to read each weight
// from the cache once for 112 samples, few enough that the activations of a layer stay in the
// second-level cache (112 rows of 512 floats: 229 KB).
constexpr index kChunkRows = 112;

// Of sorted sums, where a chunk shares nothing: few, so that few samples have many workers, and a
// stop request does not wait for long.
constexpr index kSortedChunkRows = 4;

// Two buffers for a chunk of activations, one for its input, one for a layer's output.
template <class T>
struct ForwardSpace {
  explicit ForwardSpace(const Network<T>& network, index rows) {
    index widest = 0;
    for (index i = 0; i < network.size(); ++i) {
      widest = std::max(widest, network.layer(i).output_width());
    }
    input = Batch<T>::panels(rows, network.inputs());
    input_count = rows * panel_count<T>(network.inputs()) * kPanelWidth<T>;
    for (Batch<T>& hidden : outputs) hidden = Batch<T>::panels(rows, widest);
    scratch = ScratchSpace<T>(network, rows);
    // What is done with the outputs is done with whole rows.
    last = Batch<T>::plain(rows, network.outputs());
    target = Batch<T>::plain(rows, network.outputs());
    nonzero.resize(static_cast<std::size_t>(panel_count<T>(network.inputs()) * rows));
  }
  Batch<T> input, outputs[2], last, target;
  index input_count;
  ScratchSpace<T> scratch;
  std::vector<std::uint32_t> nonzero;
};

// Outputs of rows [first, first + rows) of x; with `finish` a softmax is applied, too.
template <class T>
Rows<const T> forward_chunk(const Network<T>& network, const MatrixView& x, index first, index rows,
                            ForwardSpace<T>& space, bool finish) {
  Rows<T> in = space.input.rows();
  for (index r = 0; r < rows; ++r) {
    read_row(x, first + r, in.from_row(r), space.nonzero.data() + r);
  }
  in.nonzero = space.nonzero.data();
  for (index i = 0; i < network.size(); ++i) {
    const Layer<T>& layer = network.layer(i);
    const Rows<T> out = i + 1 < network.size() ? space.outputs[i % 2].rows() : space.last.rows();
    layer.forward(Share{}, rows, in, out, {}, space.scratch.get());
    if (finish) layer.finish_rows(rows, out);
    in = out;
  }
  return in;
}

// Calls f(first, rows, space) for every chunk of n rows, chunks divided between the workers.
template <class T, class Function>
bool each_chunk(const Network<T>& network, index n, int threads, const StopRequest& stop,
                Function f) {
  const index height = network.sorted_summation() ? kSortedChunkRows : kChunkRows;
  const index chunks = (n + height - 1) / height;
  const int workers =
      static_cast<int>(std::min<index>(workers_for(forward_cost(network, n), threads), chunks));
  std::vector<ForwardSpace<T>> spaces;
  for (int w = 0; w < std::max(workers, 1); ++w) {
    spaces.emplace_back(network, std::min(n, height));
  }
  std::atomic<bool> stopped{false};
  StopPoll poll;
  run_team(workers, [&](const Team& team) {
    const Share share = team.share();
    ForwardSpace<T>& space = spaces[static_cast<std::size_t>(share.worker)];
    for (index c = share.first(chunks); c < share.last(chunks); ++c) {
      if (stopped.load(std::memory_order_relaxed)) return;
      f(c * height, std::min(height, n - c * height), space);
      if (team.is_first() && poll.after_step(stop)) stopped = true;
    }
  });
  return !stopped;
}

}  // namespace

template <class T>
Network<T>::Network(const Network& other)
    : seed_(other.seed_),
      draws_(other.draws_),
      loss_(other.loss_),
      sorted_(other.sorted_),
      offsets_(other.offsets_),
      parameters_(other.parameters_),
      optimizer_(other.optimizer_) {
  for (const auto& layer : other.layers_) layers_.push_back(layer->clone());
  for (index i = 0; i < size(); ++i) layer(i).attach(parameters_.data() + offset(i));
}

template <class T>
void Network<T>::check_room(const std::vector<index>& sizes) {
  double bytes = 0.0;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    const double weights = static_cast<double>(sizes[i]) * static_cast<double>(sizes[i + 1]);
    bytes += weights * static_cast<double>(sizeof(T));
  }
  if (bytes > static_cast<double>(std::numeric_limits<index>::max())) throw std::bad_alloc();
  // Asked for and given back untouched: no page of it is ever taken.
  ::operator delete(::operator new(static_cast<std::size_t>(bytes)));
}

template <class T>
void Network<T>::append(std::unique_ptr<Layer<T>> added) {
  if (!layers_.empty() && added->inputs() != outputs()) {
    throw std::invalid_argument("a layer of " + std::to_string(added->inputs()) +
                                " inputs does not fit behind " + std::to_string(outputs()) +
                                " outputs");
  }
  if (!layers_.empty() && layers_.back()->finishes_rows()) {
    throw std::invalid_argument("softmax is for the output layer: nothing can come behind it");
  }
  const index count = added->parameter_count(), old = parameters_.size();
  if (count > std::numeric_limits<index>::max() / 16 - old) throw std::bad_alloc();
  Buffer<T> grown(old + count);
  std::copy_n(parameters_.data(), old, grown.data());
  added->set_sorted_summation(sorted_);
  layers_.reserve(layers_.size() + 1);
  offsets_.reserve(offsets_.size() + 1);
  parameters_ = std::move(grown);
  layers_.push_back(std::move(added));
  offsets_.push_back(old);
  optimizer_ = {};
  for (index i = 0; i < size(); ++i) layer(i).attach(parameters_.data() + offset(i));
}

template <class T>
void Network<T>::append_dense(index inputs, index neurons, Activation activation,
                              InitializerKind init) {
  append(std::make_unique<Dense<T>>(inputs, neurons, activation));
  const std::vector<double> drawn = initial_parameters(init, activation, inputs, neurons, seed_,
                                                       static_cast<std::uint32_t>(size() - 1));
  const std::vector<T> rounded(drawn.begin(), drawn.end());
  dense(size() - 1).set_weights(rounded.data());
  dense(size() - 1).set_bias(rounded.data() + inputs * neurons);
}

template <class T>
void Network<T>::set_activation(index i, Activation activation) {
  const bool softmax = activation.kind == ActivationKind::softmax, last = i == size() - 1;
  if (softmax && !last) {
    throw std::invalid_argument("softmax is for the output layer, not for layer " +
                                std::to_string(i));
  }
  if (last && !softmax && loss_ == LossKind::cross_entropy) {
    throw std::invalid_argument("loss 'cross_entropy' needs a softmax output layer");
  }
  dense(i).set_activation(activation);
}

template <class T>
void Network<T>::set_loss(LossKind loss) {
  if (loss == LossKind::cross_entropy && !layers_.back()->finishes_rows()) {
    throw std::invalid_argument("loss 'cross_entropy' needs a softmax output layer");
  }
  loss_ = loss;
}

template <class T>
void Network<T>::set_sorted_summation(bool sorted) {
  sorted_ = sorted;
  for (const auto& layer : layers_) layer->set_sorted_summation(sorted);
}

template <class T>
void Network<T>::use_optimizer(const Optimizer& rule) {
  rule.check();
  if (optimizer_.step > 0 && optimizer_.rule == rule) return;
  OptimizerState<T> fresh;
  fresh.rule = rule;
  for (int i = 0; i < rule.moments(); ++i) fresh.moments[i] = Buffer<T>(parameters_.size());
  optimizer_ = std::move(fresh);
}

template <class T>
auto Network<T>::predict(const MatrixView& x, T* out, int threads, const StopRequest& stop) const
    -> Outcome {
  const index width = outputs();
  const KernelTable<T>& k = active_kernels().table<T>();
  std::atomic<bool> finite{true};
  const bool done = each_chunk(
      *this, x.rows, threads, stop, [&](index first, index rows, ForwardSpace<T>& space) {
        const Rows<const T> y = forward_chunk(*this, x, first, rows, space, true);
        // Looked at where they are warm, rather than in a pass of their own. Panels of a last
        // chunk that is not full hold older rows, too.
        if (!k.all_finite(space.input_count, space.input.rows().data, T(1))) finite = false;
        for (index r = 0; r < rows; ++r) std::copy_n(y.at(r), width, out + (first + r) * width);
      });
  if (!finite) return Outcome::not_finite;
  return done ? Outcome::done : Outcome::stopped;
}

template <class T>
bool Network<T>::evaluate(const Samples& samples, Evaluation& result, int threads,
                          const StopRequest& stop) const {
  const index n = samples.size();
  std::vector<double> losses(static_cast<std::size_t>(n));
  std::vector<std::uint8_t> matches(static_cast<std::size_t>(n));
  const bool finish = loss_ != LossKind::cross_entropy;
  const bool done =
      each_chunk(*this, n, threads, stop, [&](index first, index rows, ForwardSpace<T>& space) {
        const Rows<const T> y = forward_chunk(*this, samples.inputs, first, rows, space, finish);
        const Rows<T> target = space.target.rows();
        for (index r = 0; r < rows; ++r) {
          read_target(samples, first + r, outputs(), target.from_row(r));
        }
        batch_loss<T>(loss_, rows, outputs(), y, target, T(1), {}, losses.data() + first,
                      matches.data() + first);
      });
  if (!done) return false;
  double sum = 0.0;
  result.correct = 0;
  for (index i = 0; i < n; ++i) {
    sum += losses[static_cast<std::size_t>(i)];
    result.correct += matches[static_cast<std::size_t>(i)];
  }
  result.loss = sum / static_cast<double>(n);
  return true;
}

template class Network<float>;
template class Network<double>;

}  // namespace foxnn
