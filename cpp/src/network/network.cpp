// The network's buffers, and the passes that do not train: prediction and evaluation. There the
// workers share the samples: each carries its own rows through all layers, with no barrier.
#include "foxnn/network.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <new>
#include <numeric>
#include <stdexcept>
#include <string>

#include "base/parallel.hpp"
#include "base/stop_poll.hpp"
#include "network/batch.hpp"
#include "network/cost.hpp"
#include "network/passes.hpp"

namespace foxnn {
namespace {

// Rows that go through the layers together: eight register tiles of 14, enough to read each weight
// from the cache once for 112 samples, few enough that the activations of a layer stay in the
// second-level cache (112 rows of 512 floats: 229 KB).
constexpr index kChunkRows = 112;

// Of sorted sums, where a chunk shares nothing: few, so that few samples have many workers, and a
// stop request does not wait for long.
constexpr index kSortedChunkRows = 4;

// A softmax over one output is 1 whatever comes in.
void check_outputs(const Activation& activation, index outputs) {
  if (activation.kind == ActivationKind::softmax && outputs < 2) {
    throw std::invalid_argument("softmax needs at least two outputs, got 1 (sigmoid suits one)");
  }
}

template <class T>
bool all_numbers(index count, const T* values) {
  return std::none_of(values, values + count, [](T value) { return std::isnan(value); });
}

template <class T>
void check_behind(const Layer<T>& before, const Layer<T>& added) {
  if (added.inputs() != before.outputs()) {
    throw std::invalid_argument("a layer of " + std::to_string(added.inputs()) +
                                " inputs does not fit behind " + std::to_string(before.outputs()) +
                                " outputs");
  }
  if (before.activation().is_for_output()) {
    throw std::invalid_argument(std::string(before.activation().name()) +
                                " is for the output layer: nothing can come behind it");
  }
}

// Shares, labels and counts mean what they are.
void check_scaled_loss(LossKind loss) {
  if (loss == LossKind::mse || loss == LossKind::mae || loss == LossKind::huber) return;
  throw std::invalid_argument("outputs can be scaled for the losses mse, mae and huber, not for '" +
                              std::string(loss_name(loss)) + "'");
}

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

// Outputs of rows [first, first + rows) of x; without `finish` they are the preactivations.
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
    const bool raw = !finish && i + 1 == network.size();
    layer.forward(Share{}, rows, in, {.y = out, .raw = raw}, space.scratch.get());
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
      input_scaling_(other.input_scaling_),
      output_scaling_(other.output_scaling_),
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
  Layers all;
  all.push_back(std::move(added));
  append(std::move(all));
}

template <class T>
void Network<T>::append(Layers added) {
  index count = parameters_.size();
  const Layer<T>* before = layers_.empty() ? nullptr : layers_.back().get();
  std::vector<index> offsets;
  for (const auto& next : added) {
    check_outputs(next->activation(), next->outputs());
    if (before) check_behind(*before, *next);
    next->set_sorted_summation(sorted_);
    offsets.push_back(count);
    if (next->parameter_count() > std::numeric_limits<index>::max() / 16 - count) {
      throw std::bad_alloc();
    }
    count += next->parameter_count();
    before = next.get();
  }
  if (!output_scaling_.empty()) {
    throw std::invalid_argument("nothing can come behind outputs that are scaled");
  }
  Buffer<T> grown(count);
  std::copy_n(parameters_.data(), parameters_.size(), grown.data());
  layers_.reserve(layers_.size() + added.size());
  offsets_.insert(offsets_.end(), offsets.begin(), offsets.end());
  parameters_ = std::move(grown);
  for (auto& next : added) {
    layers_.push_back(std::move(next));
  }
  optimizer_ = {};
  for (index i = 0; i < size(); ++i) layer(i).attach(parameters_.data() + offset(i));
}

template <class T>
void Network<T>::append_dense(index inputs, index neurons, Activation activation,
                              InitializerKind init, const StopRequest& stop) {
  append_dense({inputs, neurons}, {activation}, init, stop);
}

template <class T>
void Network<T>::append_dense(const std::vector<index>& sizes,
                              const std::vector<Activation>& activations, InitializerKind init,
                              const StopRequest& stop) {
  if (sizes.size() != activations.size() + 1) {
    throw std::invalid_argument("there must be an activation for each layer, got " +
                                std::to_string(activations.size()) + " for " +
                                std::to_string(sizes.size()) + " sizes");
  }
  Layers added;
  for (std::size_t i = 0; i < activations.size(); ++i) {
    added.push_back(std::make_unique<Dense<T>>(sizes[i], sizes[i + 1], activations[i]));
  }
  const index before = size();
  append(std::move(added));
  for (index i = before; i < size(); ++i) {
    Dense<T>& made = dense(i);
    const Buffer<double> drawn =
        initial_parameters(init, made.activation(), made.inputs(), made.outputs(), seed_,
                           static_cast<std::uint32_t>(i), stop);
    Buffer<T> rounded(drawn.size());
    constexpr index kAtOnce = 1 << 20;
    for (index first = 0; first < drawn.size(); first += kAtOnce) {
      if (first > 0 && stop && stop()) throw Stopped();
      const index last = std::min(first + kAtOnce, drawn.size());
      for (index j = first; j < last; ++j) rounded.data()[j] = static_cast<T>(drawn.data()[j]);
    }
    made.set_weights(rounded.data());
    made.set_bias(rounded.data() + made.inputs() * made.outputs());
  }
}

template <class T>
void Network<T>::set_activation(index i, Activation activation) {
  const bool last = i == size() - 1;
  if (activation.is_for_output() && !last) {
    throw std::invalid_argument(std::string(activation.name()) +
                                " is for the output layer, not for layer " + std::to_string(i));
  }
  check_outputs(activation, layer(i).outputs());
  if (last) check_loss(loss_, activation);
  dense(i).set_activation(activation);
}

template <class T>
void Network<T>::set_loss(LossKind loss) {
  check_loss(loss, layers_.back()->activation());
  if (!output_scaling_.empty()) check_scaled_loss(loss);
  loss_ = loss;
}

template <class T>
void Network<T>::set_scaling(Scaling of_inputs, Scaling of_outputs) {
  const auto check = [](const Scaling& scaling, index columns, const char* what) {
    const auto count = static_cast<std::size_t>(columns);
    if (scaling.empty() || (scaling.shift.size() == count && scaling.factor.size() == count))
      return;
    throw std::invalid_argument("the scaling of the " + std::string(what) + " must have " +
                                std::to_string(columns) + " columns, got " +
                                std::to_string(scaling.shift.size()));
  };
  check(of_inputs, inputs(), "inputs");
  check(of_outputs, outputs(), "outputs");
  if (!of_outputs.empty()) check_scaled_loss(loss_);
  input_scaling_ = std::move(of_inputs);
  output_scaling_ = std::move(of_outputs);
}

template <class T>
MatrixView Network<T>::scaled_inputs(MatrixView x) const {
  if (!input_scaling_.empty()) x.scaling = &input_scaling_;
  return x;
}

template <class T>
Samples Network<T>::scaled(Samples samples) const {
  samples.inputs = scaled_inputs(samples.inputs);
  if (!output_scaling_.empty()) samples.outputs.scaling = &output_scaling_;
  return samples;
}

template <class T>
void Network<T>::unscale_outputs(index rows, T* values) const {
  if (output_scaling_.empty()) return;
  const auto count = static_cast<std::size_t>(outputs());
  for (index r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < count; ++c, ++values) {
      *values = static_cast<T>(output_scaling_.undo(static_cast<double>(*values), c));
    }
  }
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
  for (int i = 0; i < 2; ++i) {
    if (rule.remembers(i)) fresh.moments[i] = Buffer<T>(parameters_.size());
  }
  optimizer_ = std::move(fresh);
}

template <class T>
void Network<T>::restore(const Network& earlier) {
  if (earlier.parameters_.size() != parameters_.size()) {
    throw std::invalid_argument("the layers have changed since");
  }
  OptimizerState<T> memory = earlier.optimizer_;
  // In place: layers point into the buffer.
  std::copy_n(earlier.parameters_.data(), parameters_.size(), parameters_.data());
  optimizer_ = std::move(memory);
}

template <class T>
auto Network<T>::predict(const MatrixView& x, T* out, int threads, const StopRequest& stop) const
    -> Outcome {
  const index width = outputs();
  const KernelTable<T>& k = active_kernels().table<T>();
  const MatrixView samples = scaled_inputs(x);
  std::atomic<bool> finite{true}, numbers{true};
  const bool done = each_chunk(
      *this, x.rows, threads, stop, [&](index first, index rows, ForwardSpace<T>& space) {
        const Rows<const T> y = forward_chunk(*this, samples, first, rows, space, true);
        // Looked at where they are warm, rather than in a pass of their own. Panels of a last
        // chunk that is not full hold older rows, too.
        if (!k.all_finite(space.input_count, space.input.rows().data, T(1))) finite = false;
        for (index r = 0; r < rows; ++r) std::copy_n(y.at(r), width, out + (first + r) * width);
        unscale_outputs(rows, out + first * width);
        if (!all_numbers(rows * width, out + first * width)) numbers = false;
      });
  if (!finite) return Outcome::not_finite;
  if (!done) return Outcome::stopped;
  return numbers ? Outcome::done : Outcome::no_number;
}

template <class T>
bool Network<T>::evaluate(const Samples& given, Evaluation& result, int threads,
                          const StopRequest& stop) const {
  const Samples samples = scaled(given);
  const index n = samples.size();
  std::vector<double> losses(static_cast<std::size_t>(n));
  std::vector<std::uint8_t> matches(static_cast<std::size_t>(n));
  const bool finish = !loss_takes_preactivations();
  const Judge<T> judge(*this);
  const bool done =
      each_chunk(*this, n, threads, stop, [&](index first, index rows, ForwardSpace<T>& space) {
        const Rows<const T> y = forward_chunk(*this, samples.inputs, first, rows, space, finish);
        const Rows<T> target = space.target.rows();
        for (index r = 0; r < rows; ++r) {
          read_target(samples, first + r, outputs(), target.from_row(r));
        }
        judge(rows, y, target, T(1), {}, losses.data() + first, matches.data() + first);
      });
  if (!done) return false;
  result.correct = std::accumulate(matches.begin(), matches.end(), index{0});
  result.loss = weighted_sum(losses, n, samples.weights) / total_weight(n, samples.weights);
  return true;
}

template class Network<float>;
template class Network<double>;

}  // namespace foxnn
