// Prediction and evaluation. The samples are divided between the workers. Each worker takes its own
// rows through all layers, without barriers.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "base/parallel.hpp"
#include "base/stop_poll.hpp"
#include "foxnn/network.hpp"
#include "layers/columns.hpp"
#include "network/chunk.hpp"
#include "network/cost.hpp"
#include "network/judge.hpp"
#include "network/pass.hpp"

namespace foxnn {
namespace {

template <class T>
bool all_numbers(index count, const T* values) {
  return std::none_of(values, values + count, [](T value) { return std::isnan(value); });
}

// A worker's memory for a chunk of samples.
template <class T>
struct Chunk {
  Chunk(const Network<T>& network, index rows, index stored, const PassNeeds& needs)
      : pass(network, rows, needs),
        target(Batch<T>::packed(rows, network.output_shape())),
        of_positions(network, rows),
        scratch(network, rows) {
    pass.make_room(stored);
  }
  Pass<T> pass;
  Batch<T> target;
  PositionJudge<T> of_positions;
  ScratchSpace<T> scratch;
  Leaving* leaving = nullptr;
};

// Seconds of a chunk from which on it may be left: polls within it would be noticeable in a shorter
// one.
constexpr double kLongChunk = 0.02;

// The outputs of rows [first, first + rows) of x, or the preactivations unless `finish`.
template <class T>
Rows<const T> answers(const Network<T>& network, const MatrixView& x, index first, index rows,
                      Chunk<T>& chunk, bool finish) {
  chunk.pass.read(x, first, rows);
  Scratch<T> lent = chunk.scratch.get();
  lent.leaving = chunk.leaving;
  chunk.pass.forward({}, rows, {.raw = !finish}, lent, [] {});
  if (finish) network.top().finish_rows(rows, chunk.pass.output());
  return chunk.pass.output();
}

// Calls f(first, rows, chunk) for every chunk of the rows of x. Chunks are divided between the
// workers.
template <class T, class Function>
bool each_chunk(const Network<T>& network, const MatrixView& x, int threads,
                const StopRequest& stop, Function f, PassNeeds needs = {}) {
  const index n = x.rows, height = chunk_rows(network, needs.outputs ? 0 : n);
  const index chunks = (n + height - 1) / height;
  needs.stored = network.goes_by_stored(x);
  index stored = 0;
  for (index first = 0; needs.stored && first < n; first += height) {
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
    for (index c = share.first(chunks); c < share.last(chunks); ++c) {
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
  std::atomic<bool> finite{true}, numbers{true};
  const bool done =
      each_chunk(*this, samples, threads, stop, [&](index first, index rows, Chunk<T>& chunk) {
        const Rows<const T> y = answers(*this, samples, first, rows, chunk, true);
        // Checked while they are in the cache, rather than in a separate pass.
        if (!chunk.pass.inputs_are_finite(rows)) finite = false;
        copy_values<T>(output_form(), rows, y, out + first * width);
        unscale_outputs(rows, out + first * width);
        if (!all_numbers(rows * width, out + first * width)) numbers = false;
      });
  if (!finite) return Outcome::not_finite;
  if (!done) return Outcome::stopped;
  return numbers ? Outcome::done : Outcome::no_number;
}

template <class T>
auto Network<T>::node_outputs(const MatrixView& x, const std::vector<index>& nodes,
                              const std::vector<T*>& out, int threads,
                              const StopRequest& stop) const -> Outcome {
  const MatrixView samples = scaled_inputs(x);
  std::atomic<bool> finite{true};
  const bool done =
      each_chunk(*this, samples, threads, stop,
                 [&](index first, index rows, Chunk<T>& chunk) {
                   answers(*this, samples, first, rows, chunk, true);
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
  const index n = samples.size();
  const bool has_positions = output_shape().positions() > 1;
  std::vector<double> losses(static_cast<std::size_t>(n));
  std::vector<std::uint8_t> matches(has_positions ? 0 : static_cast<std::size_t>(n));
  std::vector<std::uint32_t> correct(has_positions ? static_cast<std::size_t>(n) : 0);
  const bool finish = !loss_takes_preactivations();
  const Judge<T> judge(*this);
  const bool done = each_chunk(
      *this, samples.inputs, threads, stop, [&](index first, index rows, Chunk<T>& chunk) {
        const Rows<const T> y = answers(*this, samples.inputs, first, rows, chunk, finish);
        const Rows<T> target = chunk.target.rows();
        for (index r = 0; r < rows; ++r) {
          read_target(samples, first + r, outputs(), target.from_row(r));
        }
        if (!has_positions) {
          judge(rows, y, target, T(1), {}, losses.data() + first, matches.data() + first);
          return;
        }
        chunk.of_positions(0, rows, chunk.pass.output(), target, T(1), {},
                           RowWeights(samples, nullptr, first), losses.data() + first,
                           correct.data() + first);
      });
  if (!done) return false;
  result.correct = std::accumulate(matches.begin(), matches.end(), index{0}) +
                   std::accumulate(correct.begin(), correct.end(), index{0});
  result.loss = weighted_sum(losses, n, samples) / total_weight(n, samples.weights);
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
