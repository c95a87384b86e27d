// Prediction and evaluation. The samples are divided between the workers. Each worker takes its own
// rows through all layers, without barriers.
#include <algorithm>
#include <atomic>
#include <numeric>
#include <span>
#include <stdexcept>
#include <vector>

#include "base/parallel.hpp"
#include "base/stop_poll.hpp"
#include "foxnn/network.hpp"
#include "kernels/has_nan.hpp"
#include "layers/columns.hpp"
#include "network/chunk.hpp"
#include "network/cost.hpp"
#include "network/judge.hpp"
#include "network/pass.hpp"

namespace foxnn {
namespace {

// A worker's memory for a chunk of samples.
template <class T>
struct Chunk {
  Chunk(const Network<T>& network, index rows, index stored, const PassNeeds& needs)
      : pass(network, rows, needs),
        target(Batch<T>::packed(rows, network.output_shape())),
        of_positions(network, rows),
        scratch(network, rows),
        packed(needs.lengths ? rows * network.outputs() : 0),
        positions(needs.lengths ? static_cast<std::size_t>(rows) : 0) {
    pass.make_room(stored);
  }
  Pass<T> pass;
  Batch<T> target;
  PositionJudge<T> of_positions;
  ScratchSpace<T> scratch;
  Buffer<T> packed;                      // outputs of sequences, before they go to their places
  std::vector<std::uint32_t> positions;  // of the outputs of sequences
  Leaving* leaving = nullptr;
};

// The order in which samples pass through the layers.
class PassOrder {
 public:
  using Chosen = std::span<const std::uint32_t>;

  /// `rows`: which samples (empty: all). Sequences of different lengths: the longest first, so that
  /// those of a chunk are nearly of one length.
  explicit PassOrder(const MatrixView& x, Chosen rows = {}) : rows_(rows) {
    if (!x.lengths) return;
    places_.resize(rows.empty() ? static_cast<std::size_t>(x.rows) : rows.size());
    std::iota(places_.begin(), places_.end(), 0u);
    const auto length = [&](std::uint32_t i) { return x.lengths[rows.empty() ? i : rows[i]]; };
    std::stable_sort(places_.begin(), places_.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return length(a) > length(b); });
    if (rows.empty()) return;
    for (const std::uint32_t place : places_) sorted_.push_back(rows[place]);
    rows_ = sorted_;
  }
  /// Which row of the arrays each sample is, in this order; null: 0, 1, 2, ...
  const std::uint32_t* data() const {
    return !rows_.empty() ? rows_.data() : are_sorted() ? places_.data() : nullptr;
  }
  index operator[](index i) const { return data() ? index{data()[i]} : i; }
  bool are_sorted() const { return !places_.empty(); }
  /// The place of sample i of this order among the samples.
  index place(index i) const {
    return are_sorted() ? index{places_[static_cast<std::size_t>(i)]} : i;
  }

 private:
  std::vector<std::uint32_t> places_, sorted_;
  Chosen rows_;
};

// Seconds of a chunk from which on it may be left: polls within it would be noticeable in a shorter
// one.
constexpr double kLongChunk = 0.02;

// The outputs of rows [first, first + rows) of x, or the preactivations unless `finish`.
template <class T>
Rows<const T> answers(const Network<T>& network, const MatrixView& x, index first, index rows,
                      Chunk<T>& chunk, bool finish, const PassOrder& order) {
  chunk.pass.read(x, first, rows, order.data());
  Scratch<T> lent = chunk.scratch.get();
  lent.leaving = chunk.leaving;
  chunk.pass.forward({}, rows, {.raw = !finish}, lent, [] {});
  if (finish) network.top().finish_rows(rows, chunk.pass.output());
  return chunk.pass.output();
}

// Copies the outputs of a chunk of sequences to their places among those of all samples. Steps that
// a sequence does not have become zero. Returns whether all of them are numbers.
template <class T>
bool put_back(const Network<T>& network, index first, index rows, Chunk<T>& chunk,
              const PassOrder& order, T* out) {
  const index width = network.outputs();
  copy_values<T>(network.output_form(), rows, chunk.pass.output(), chunk.packed.data());
  network.finish_outputs(rows, chunk.packed.data());
  const std::uint32_t* const with_step = chunk.pass.rows_of_output(0);
  const Shape& shape = network.output_shape();
  bool are_numbers = true;
  for (index r = 0; r < rows; ++r) {
    index steps = 0;
    while (with_step && steps < shape.positions() && index{with_step[steps]} > r) ++steps;
    const index count = with_step ? steps * shape.channels : width;
    const T* const from = chunk.packed.data() + r * width;
    T* const to = out + order.place(first + r) * width;
    std::fill(std::copy_n(from, count, to), to + width, T(0));
    are_numbers = are_numbers && !has_nan(count, from);
  }
  return are_numbers;
}

// Calls f(first, rows, chunk) for every chunk of the rows of x. Chunks are divided between the
// workers.
template <class T, class Function>
bool each_chunk(const Network<T>& network, const MatrixView& x, int threads,
                const StopRequest& stop, Function f, PassNeeds needs = {},
                std::span<const std::uint32_t> chosen = {}) {
  const index n = chosen.empty() ? x.rows : static_cast<index>(chosen.size());
  const index height = chunk_rows(network, needs.outputs || x.lengths ? 0 : n);
  const index chunks = (n + height - 1) / height;
  needs.stored = network.goes_by_stored(x);
  needs.lengths = x.lengths != nullptr;
  index stored = 0;
  if (needs.stored && !chosen.empty()) stored = most_stored(x, height);
  for (index first = 0; needs.stored && chosen.empty() && first < n; first += height) {
    stored = std::max(stored, x.stored(first, std::min(first + height, n)));
  }
  const Cost cost =
      needs.stored ? forward_cost(network, n, stored_per_row(x)) : forward_cost(network, n);
  const int workers = static_cast<int>(std::min<index>(workers_for(cost, threads), chunks));
  std::vector<Chunk<T>> held;
  for (int w = 0; w < std::max(workers, 1); ++w) {
    held.emplace_back(network, std::min(n, height), stored, needs);
  }
  std::atomic<bool> stopped{false};
  StopPoll poll;
  DroppedStep dropped;
  if (forward_cost(network, std::min(n, height)).alone > kLongChunk) dropped.ask_by(stop);
  active_kernels();  // before the team, in which nothing may throw: an unknown name does
  run_team(workers, [&](const Team& team) {
    const Share share = team.share();
    Chunk<T>& chunk = held[static_cast<std::size_t>(share.worker)];
    DroppedStep::View view(dropped, team.is_first());
    if (dropped.can_be()) chunk.leaving = &view;
    // Where the longest sequences come first, each worker takes every so manieth chunk.
    const index step = needs.lengths ? share.workers : 1;
    const index begin = needs.lengths ? share.worker : share.first(chunks);
    const index end = needs.lengths ? chunks : share.last(chunks);
    for (index c = begin; c < end; c += step) {
      if (stopped.load(std::memory_order_relaxed)) return;
      f(c * height, std::min(height, n - c * height), chunk);
      if (dropped.is()) stopped = true;
      if (team.is_first() && poll.after_step(stop)) stopped = true;
    }
  });
  return !stopped;
}

}  // namespace

template <class T>
auto Network<T>::predict(const MatrixView& x, T* out, int threads, const StopRequest& stop) const
    -> Outcome {
  const index width = outputs();
  const MatrixView samples = scaled_inputs(x);
  const PassOrder order(samples);
  std::atomic<bool> finite{true}, numbers{true};
  const bool done =
      each_chunk(*this, samples, threads, stop, [&](index first, index rows, Chunk<T>& chunk) {
        const Rows<const T> y = answers(*this, samples, first, rows, chunk, true, order);
        // Checked while they are in the cache, rather than in a separate pass.
        if (!chunk.pass.inputs_are_finite(rows)) finite = false;
        if (order.are_sorted()) {
          if (!put_back(*this, first, rows, chunk, order, out)) numbers = false;
          return;
        }
        copy_values<T>(output_form(), rows, y, out + first * width);
        finish_outputs(rows, out + first * width);
        if (has_nan(rows * width, out + first * width)) numbers = false;
      });
  if (!finite) return Outcome::not_finite;
  if (!done) return Outcome::stopped;
  return numbers ? Outcome::done : Outcome::no_number;
}

template <class T>
auto Network<T>::node_outputs(const MatrixView& x, const std::vector<index>& nodes,
                              const std::vector<T*>& out, int threads,
                              const StopRequest& stop) const -> Outcome {
  if (x.lengths) throw std::invalid_argument("the outputs of nodes need sequences of one length");
  const MatrixView samples = scaled_inputs(x);
  const PassOrder order(samples);
  std::atomic<bool> finite{true};
  const bool done =
      each_chunk(*this, samples, threads, stop,
                 [&](index first, index rows, Chunk<T>& chunk) {
                   answers(*this, samples, first, rows, chunk, true, order);
                   if (!chunk.pass.inputs_are_finite(rows)) finite = false;
                   for (std::size_t i = 0; i < nodes.size(); ++i) {
                     const Form& form = layer(nodes[i]).output();
                     const Rows<const T> y = chunk.pass.output_of(nodes[i]);
                     copy_values<T>(form, rows, y, out[i] + first * form.shape.size());
                   }
                 },
                 {.outputs = true});
  if (!finite) return Outcome::not_finite;
  return done ? Outcome::done : Outcome::stopped;
}

template <class T>
bool Network<T>::evaluate(const Samples& given, Evaluation& result, int threads,
                          const StopRequest& stop) const {
  const Samples samples = scaled(given);
  check_positions(output_shape(), samples);
  if (loss() == LossKind::outside) {
    throw std::invalid_argument("the engine does not know the loss of this network");
  }
  const index n = samples.size();
  const bool has_positions = output_shape().positions() > 1;
  std::vector<double> losses(static_cast<std::size_t>(n));
  std::vector<std::uint8_t> matches(has_positions ? 0 : static_cast<std::size_t>(n));
  std::vector<std::uint32_t> correct(has_positions ? static_cast<std::size_t>(n) : 0);
  const bool finish = !loss_takes_preactivations();
  const Judge<T> judge(*this);
  const PassOrder order(samples.inputs, samples.rows);
  std::atomic<index> positions{0};
  const bool done = each_chunk(
      *this, samples.inputs, threads, stop,
      [&](index first, index rows, Chunk<T>& chunk) {
        const Rows<const T> y = answers(*this, samples.inputs, first, rows, chunk, finish, order);
        const Rows<T> target = chunk.target.rows();
        for (index r = 0; r < rows; ++r) {
          read_target(samples, order[first + r], outputs(), target.from_row(r));
        }
        if (!has_positions) {
          judge(rows, y, target, T(1), {}, losses.data() + first, matches.data() + first);
          return;
        }
        const std::uint32_t* const with_step = chunk.pass.rows_of_output(0);
        chunk.of_positions(0, rows, chunk.pass.output(), target, T(1), {},
                           RowWeights(samples, order.data(), first), losses.data() + first,
                           correct.data() + first, with_step, chunk.positions.data());
        if (!with_step) return;
        positions +=
            std::accumulate(chunk.positions.begin(), chunk.positions.begin() + rows, index{0});
      },
      {}, samples.rows);
  if (!done) return false;
  if (order.are_sorted()) {  // losses in the order of the samples, in which they are added up
    std::vector<double> in_order(losses.size());
    for (index i = 0; i < n; ++i) {
      in_order[static_cast<std::size_t>(order.place(i))] = losses[static_cast<std::size_t>(i)];
    }
    losses = std::move(in_order);
  }
  result.positions = has_positions && order.are_sorted() && outputs_vary()
                         ? positions.load()
                         : n * output_shape().positions();
  result.correct = std::accumulate(matches.begin(), matches.end(), index{0}) +
                   std::accumulate(correct.begin(), correct.end(), index{0});
  const std::uint32_t* const sample = samples.rows.empty() ? nullptr : samples.rows.data();
  result.loss =
      weighted_sum(losses.data(), n, samples, sample) / total_weight(n, samples.weights, sample);
  return true;
}

template auto Network<float>::predict(const MatrixView&, float*, int, const StopRequest&) const
    -> Outcome;
template auto Network<double>::predict(const MatrixView&, double*, int, const StopRequest&) const
    -> Outcome;
template auto Network<float>::node_outputs(const MatrixView&, const std::vector<index>&,
                                           const std::vector<float*>&, int,
                                           const StopRequest&) const -> Outcome;
template bool Network<float>::evaluate(const Samples&, Evaluation&, int, const StopRequest&) const;
template auto Network<double>::node_outputs(const MatrixView&, const std::vector<index>&,
                                            const std::vector<double*>&, int,
                                            const StopRequest&) const -> Outcome;
template bool Network<double>::evaluate(const Samples&, Evaluation&, int, const StopRequest&) const;

}  // namespace foxnn
