// The members of a population, and their answers: each of them in one worker, or one after the
// other in all workers where there are fewer members than these.
#include "foxnn/population.hpp"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>

#include "base/cost.hpp"
#include "network/cost.hpp"
#include "population/in_turn.hpp"
#include "population/lane_answers.hpp"

namespace foxnn {
namespace {

// Samples that a member answers in memory that is kept, since making it would take longer than a
// small answer: up to so many, of members whose values are small on their way.
constexpr index kFew = 8;
constexpr index kMostBytes = 1 << 16;

// From so many members on, a group in lanes takes less time than its members one by one.
constexpr index kFewInLanes = 4;

// How a layer's parameters were drawn does not matter.
LayerSpec without_init(LayerSpec spec) {
  spec.options.erase("init");
  return spec;
}

template <class T>
bool has_layers_of(const Network<T>& a, const Network<T>& b) {
  if (a.input_shape() != b.input_shape() || a.varies() != b.varies() || a.size() != b.size() ||
      a.loss() != b.loss() || a.parameters().size() != b.parameters().size()) {
    return false;
  }
  for (index i = 0; i < a.size(); ++i) {
    if (a.node(i).reads != b.node(i).reads) return false;
    if (!(without_init(a.layer(i).spec()) == without_init(b.layer(i).spec()))) return false;
  }
  return true;
}

// Rows [first, first + rows) of a matrix of any kind.
MatrixView own_rows(MatrixView x, index first, index rows) {
  x.rows = rows;
  if (x.is_sparse()) {
    x.starts += first;
  } else {
    x.data += first * x.row_bytes;
  }
  if (x.lengths) x.lengths += first;
  return x;
}

// The workers for some members, and those of each of them.
struct Workers {
  int together, each;

  Workers(Cost cost, index members, int threads) {
    const int most = workers_for(cost, threads);
    const bool are_few = members < most;
    together = are_few ? 1 : most;
    each = are_few ? threads : 1;
  }
};

// Of the answer of a small member in lanes, whatever its layers: 35 us for 1,024 of [4, 16, 2].
constexpr double kSecondsOfAnswer = 30e-9;

template <class T>
Cost cost_of_answers(const Network<T>& member, index members, index samples) {
  const double alone = forward_cost(member, samples).alone + kSecondsOfAnswer;
  return {.alone = static_cast<double>(members) * alone, .begin = kSecondsToBegin};
}

// A trained array: of which node, and its position among the numbers of a member.
struct TrainedArray {
  index node;
  Array array;
  index place;
};

// Those of all members, which have the same layers: they are listed once, since listing the arrays
// of a small network takes longer than copying their numbers.
struct TrainedArrays {
  std::vector<TrainedArray> each;
  index numbers = 0;  // of a member
};

template <class T>
TrainedArrays trained_arrays(const Network<T>& network) {
  TrainedArrays found;
  for (index i = 0; i < network.size(); ++i) {
    if (network.node(i).is_inserted) continue;
    for (const Array& array : network.layer(i).arrays()) {
      if (!array.is_trained()) continue;
      found.each.push_back({i, array, found.numbers});
      found.numbers += array.size();
    }
  }
  return found;
}

// Calls f(member) for all of them, whose arrays are copied. Members lie all over the memory, so
// workers mostly wait for it: 0.1 us for an array of any of 1,024 networks.
template <class Function>
void for_members(index members, const TrainedArrays& arrays, int threads, const Function& f) {
  constexpr double kSecondsPerArray = 0.1e-6, kSecondsPerNumber = 0.5e-9;
  constexpr index kAtOnce = 32;
  const double alone = static_cast<double>(arrays.each.size()) * kSecondsPerArray +
                       static_cast<double>(arrays.numbers) * kSecondsPerNumber;
  const int workers = workers_for(
      {.alone = static_cast<double>(members) * alone, .begin = kSecondsToBegin}, threads);
  Stops stops;
  stops.begin({});
  in_turn((members + kAtOnce - 1) / kAtOnce, workers, stops, [&](index turn) {
    for (index m = turn * kAtOnce; m < std::min(members, (turn + 1) * kAtOnce); ++m) f(m);
  });
}

// Of the outcomes of all members, the gravest.
template <class T>
class Outcomes {
 public:
  using Outcome = typename Network<T>::Outcome;

  // In any worker.
  void note(Outcome outcome) {
    if (outcome == Outcome::not_finite) finite_ = false;
    if (outcome == Outcome::no_number) numbers_ = false;
  }
  Outcome gravest(bool all) const {
    if (!finite_) return Outcome::not_finite;
    if (!all) return Outcome::stopped;
    return numbers_ ? Outcome::done : Outcome::no_number;
  }

 private:
  std::atomic<bool> finite_{true}, numbers_{true};
};

}  // namespace

template <class T>
Population<T>::Population(std::vector<Network<T>*> members) : members_(std::move(members)) {
  if (members_.empty()) throw std::invalid_argument("a population needs at least one member");
  for (index i = 1; i < size(); ++i) {
    if (!has_layers_of(member(0), member(i))) {
      throw std::invalid_argument("members must have the same layers and loss; member " +
                                  std::to_string(i) + " has others than member 0");
    }
  }
  std::vector<const Network<T>*> sorted(members_.begin(), members_.end());
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    throw std::invalid_argument("a network cannot be two members of a population");
  }
  const Network<T>& first = member(0);
  for (index i = 0; i < first.size(); ++i) {
    const index columns = first.layer(i).output().layout.columns();
    most_bytes_ = std::max(most_bytes_, columns * static_cast<index>(sizeof(T)));
  }
}

template <class T>
Population<T>::~Population() = default;

template <class T>
auto Population<T>::predict_one(index i, const MatrixView& x, T* out, int threads,
                                const StopRequest& stop) -> Outcome {
  Network<T>& network = member(i);
  const bool is_small = x.rows <= kFew && !x.is_sparse() && !x.lengths &&
                        most_bytes_ <= kMostBytes && !network.sorted_summation();
  if (!is_small) return network.predict(x, out, threads, stop);
  auto& few = few_[static_cast<std::size_t>(i)];
  if (!few) few = std::make_unique<FewSamples<T>>(network, kFew);
  const Outcome outcome = few->predict(x, out);
  // It would hold the samples that are not finite.
  if (outcome == Outcome::not_finite) few = nullptr;
  return outcome;
}

template <class T>
auto Population<T>::predict(const MatrixView& x, bool each, T* out, int threads,
                            const StopRequest& stop) -> Outcome {
  if (each && x.rows % size() != 0) {
    throw std::invalid_argument("x must have as many rows for each of the " +
                                std::to_string(size()) + " members, got " + std::to_string(x.rows));
  }
  const index rows = each ? x.rows / size() : x.rows;
  if (rows == 0) return Outcome::done;
  const index width = rows * member(0).outputs();
  const Workers workers(cost_of_answers(member(0), size(), rows), size(), threads);
  if (rows <= LaneDesk<T>::kMostRows && !x.is_sparse() && !x.lengths) {
    if (const auto found = predict_in_lanes({x, rows, each}, out, workers.together, stop)) {
      return *found;
    }
  }
  if (few_.empty()) few_.resize(members_.size());
  Outcomes<T> outcomes;
  Stops stops;
  stops.drop_on(stop);
  stops.begin({});
  const StopRequest within = stops.within_steps();
  // A worker takes many small members at once: taking one is a tenth of the time of its answer.
  constexpr index kAtOnce = 16;
  const index at_once = workers.together > 1 && size() >= kAtOnce * workers.together ? kAtOnce : 1;
  const bool done =
      in_turn((size() + at_once - 1) / at_once, workers.together, stops, [&](index turn) {
        for (index i = turn * at_once; i < std::min(size(), (turn + 1) * at_once); ++i) {
          MatrixView own = x;
          if (each) own = own_rows(x, i * rows, rows);
          outcomes.note(predict_one(i, own, out + i * width, workers.each, within));
        }
      });
  return outcomes.gravest(done);
}

template <class T>
auto Population<T>::predict(const OneEach<T>& x, T* out, int threads, const StopRequest& stop)
    -> Outcome {
  constexpr auto kSize = static_cast<index>(sizeof(T));
  const index columns = member(0).inputs();
  MatrixView view{.data = reinterpret_cast<const std::byte*>(x.data),
                  .type = kSize == 4 ? ElementType::f32 : ElementType::f64,
                  .rows = size(),
                  .columns = columns,
                  .row_bytes = x.member * kSize};
  const bool has_rows = x.column == 1 || columns == 1;
  const Workers workers(cost_of_answers(member(0), size(), 1), size(), threads);
  const LaneQuestion question{view, 1, true, has_rows ? 0 : x.column * kSize};
  const bool repeats = !has_rows && x.column == 0;  // one number for all columns
  if (!repeats) {
    if (const auto found = predict_in_lanes(question, out, workers.together, stop)) return *found;
  }
  if (has_rows) return predict(view, true, out, threads, stop);
  Buffer<T> rows(size() * columns);
  for (index m = 0; m < size(); ++m) {
    for (index c = 0; c < columns; ++c) {
      rows.data()[m * columns + c] = x.data[m * x.member + c * x.column];
    }
  }
  view.data = reinterpret_cast<const std::byte*>(rows.data());
  view.row_bytes = columns * kSize;
  return predict(view, true, out, threads, stop);
}

template <class T>
auto Population<T>::predict_in_lanes(const LaneQuestion& question, T* out, int workers,
                                     const StopRequest& stop) -> std::optional<Outcome> {
  constexpr index kAtOnce = LaneDesk<T>::kMostGroups;
  // A turn of [4, 16, 2] is under a microsecond; one of the largest members reads 16 MB.
  constexpr int kBetweenPolls = 8;
  for (;;) {
    if (!makes_lanes(workers)) return {};
    const bool are_loaded = Changes::none_since(loaded_at_);
    const std::uint64_t now = are_loaded ? loaded_at_ : Changes::now();
    const auto groups = static_cast<index>(lanes_.size());
    const index width = question.rows * member(0).outputs();
    Outcomes<T> outcomes;
    std::atomic<bool> are_current{true};
    Stops stops;
    stops.drop_on(stop);
    stops.begin({});
    const auto answer = [&](index turn, int worker) {
      const index begin = turn * kAtOnce, first = begin * kMostMembers<T>;
      const auto count = static_cast<std::size_t>(std::min(kAtOnce, groups - begin));
      const typename LaneDesk<T>::Groups some(lanes_.data() + begin, count);
      const auto found = desks_[static_cast<std::size_t>(worker)]->answer(
          some, question, first, are_loaded, out + first * width);
      if (found) {
        outcomes.note(*found);
      } else {
        are_current = false;
      }
    };
    const index turns = (groups + kAtOnce - 1) / kAtOnce;
    const bool all = in_turn(turns, workers, stops, answer, kBetweenPolls);
    if (are_current) {
      const Outcome outcome = outcomes.gravest(all);
      // Of a call that was stopped, or met bad samples, some groups may not have been looked at.
      loaded_at_ = all ? now : 0;
      return outcome;
    }
    // For others, or none.
    lanes_.clear();
    desks_.clear();
    loaded_at_ = 0;
  }
}

// Whether all members lie in lanes, with memory for so many workers. A single one is answered as
// fast alone.
template <class T>
bool Population<T>::makes_lanes(int workers) {
  const Network<T>& first = member(0);
  if (size() < kFewInLanes || first.parameters().size() > kMostBytes) return false;
  const auto groups = static_cast<std::size_t>((size() + kMostMembers<T> - 1) / kMostMembers<T>);
  const std::size_t wanted = std::min(groups, static_cast<std::size_t>(workers));
  // All desks have the layers of one moment: an older one would not notice that these have changed.
  if (desks_.size() < wanted) {
    lanes_.clear();
    desks_.clear();
    loaded_at_ = 0;
  }
  if (lanes_.empty()) {
    for (const Network<T>* const one : members_) {
      if (!LaneLayout<T>::holds(*one) || !LaneLayout<T>::are_alike(first, *one)) return false;
    }
    const LaneLayout<T> layout(first);
    const index numbers = layout.lines() * kLineWidth<T>;
    lane_parameters_ = Buffer<T>(static_cast<index>(groups) * numbers);
    for (index begin = 0; begin < size(); begin += kMostMembers<T>) {
      const index end = std::min(begin + kMostMembers<T>, size());
      lanes_.push_back(std::make_unique<LaneMembers<T>>(
          std::vector<const Network<T>*>(members_.begin() + begin, members_.begin() + end), layout,
          lane_parameters_.data() + begin / kMostMembers<T> * numbers));
    }
  }
  while (desks_.size() < wanted) {
    desks_.push_back(std::make_unique<LaneDesk<T>>(first));
  }
  return true;
}

template <class T>
bool Population<T>::evaluate(std::span<const index> which, std::span<const Samples> samples,
                             std::span<Evaluation> results, int threads,
                             const StopRequest& stop) const {
  const auto count = static_cast<index>(which.size());
  if (count == 0) return true;
  if ((samples.size() != 1 && samples.size() != which.size()) || results.size() != which.size()) {
    throw std::invalid_argument("there must be samples and a result for each member");
  }
  const Workers workers(cost_of_answers(member(0), count, samples.front().size()), count, threads);
  Stops stops;
  stops.drop_on(stop);
  stops.begin({});
  const StopRequest within = stops.within_steps();
  return in_turn(count, workers.together, stops, [&](index turn) {
    const auto i = static_cast<std::size_t>(turn);
    const Samples& own = samples[samples.size() == 1 ? 0 : i];
    member(which[i]).evaluate(own, results[i], workers.each, within);
  });
}

template <class T>
index Population<T>::parameter_count() const {
  return trained_arrays(member(0)).numbers;
}

template <class T>
void Population<T>::read_parameters(T* rows, int threads) const {
  const TrainedArrays arrays = trained_arrays(member(0));
  for_members(size(), arrays, threads, [&](index m) {
    const Network<T>& network = member(m);
    for (const TrainedArray& one : arrays.each) {
      network.layer(one.node).unpack(one.array,
                                     network.parameters().data() + network.offset(one.node),
                                     rows + m * arrays.numbers + one.place, Order::plain, {});
    }
  });
}

template <class T>
void Population<T>::set_parameters(const T* rows, int threads) {
  const TrainedArrays arrays = trained_arrays(member(0));
  for_members(size(), arrays, threads, [&](index m) {
    for (const TrainedArray& one : arrays.each) {
      member(m).set_array(one.node, one.array, rows + m * arrays.numbers + one.place);
    }
  });
}

template class Population<float>;
template class Population<double>;

}  // namespace foxnn
