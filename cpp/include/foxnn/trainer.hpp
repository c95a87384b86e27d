// Training: batches drawn from samples in a shuffled order, and a step of the optimizer for each.
#pragma once

#include <memory>
#include <vector>

#include "foxnn/network.hpp"

namespace foxnn {

/// Whether a step goes along the mean of the samples' gradients, or along their sum (FoxNN's way).
enum class Reduction { mean, sum };

struct TrainingPlan {
  index batch_size = 32;
  double learning_rate = 1e-3;
  Optimizer optimizer;
  Reduction reduction = Reduction::mean;
  bool shuffle = true;
  bool count_matches = false;  ///< also count the samples that the network classifies rightly
  int threads = 0;             ///< at most; 0: as many as pay

  // The objective is the loss, plus l1 |w| and l2 w^2 / 2 for every weight w (not for biases).
  double l1 = 0.0, l2 = 0.0;
  // The gradient of the objective is clipped: each of its numbers, or the whole; 0: not at all.
  double clip_value = 0.0, clip_norm = 0.0;
  /// The share of outputs that is left out at random, a number for each node but the last.
  std::vector<double> dropout;

  bool operator==(const TrainingPlan&) const = default;
  /// Throws std::invalid_argument when a value is out of its range, or of T's.
  template <class T>
  void check() const;
};

/// What some steps did.
struct StepReport {
  index steps = 0;
  index samples = 0;
  double loss = 0.0;    ///< sum over the samples, each at the weights of its step, times its weight
  double weight = 0.0;  ///< sum of the samples' weights; as many as samples where none are given
  double last_loss = 0.0;  ///< the mean of the last batch whose loss was finite; NaN: none was
  index correct = 0;
  bool stopped = false;   ///< the stop request ended them
  bool diverged = false;  ///< the loss or a weight stopped being finite: weights are set back, and
                          ///< the optimizer begins anew
};

/// Where the time of some steps went, in the first worker: barriers count with the phase before
/// them, and the optimizer is told from the gradient that it is fused with.
struct PhaseSeconds {
  double gather, forward, loss, backward, update;
};

template <class T>
class Run;

/// A training run over samples that must outlive it. Buffers are made once, at the beginning.
template <class T>
class Trainer {
 public:
  /// Throws std::invalid_argument where samples and network do not fit.
  Trainer(Network<T>& network, const Samples& samples, const TrainingPlan& plan);
  ~Trainer();

  void set_learning_rate(double rate);
  /// Asked within long steps, too: where it says yes, the step is dropped as if it had not begun,
  /// unless it has already changed a parameter. Without one every step is finished.
  void drop_steps_on(StopRequest request);
  /// How many workers a step gets.
  int workers() const;
  index steps_per_epoch() const;
  /// The rest of the epoch, or a whole one: every sample once, in a new order. The sums are those
  /// of the whole epoch, with the same bits wherever it was stopped by the way.
  StepReport run_epoch(const StopRequest& stop);
  /// That many steps, over as many epochs as they take.
  StepReport run_steps(index steps, const StopRequest& stop);
  /// The next step. Where it diverges, the weights of the epoch's start are set back: saving them
  /// at each step would take as long as a small one.
  StepReport run_batch(const StopRequest& stop);
  /// Begins an epoch; `run_epoch` and `run_batch` do so by themselves when the last one is over.
  /// False where `drop_steps_on` stops it: it has not begun then.
  bool begin_epoch();
  /// What these have done so far of the epoch that began last.
  const StepReport& epoch() const;
  /// Begins the epoch that another run had begun when the network's draw was `draw`, as if these
  /// steps were done; false as above. Throws std::invalid_argument where an epoch has no such
  /// steps.
  bool go_on_within_epoch(std::uint32_t draw, const StepReport& done);
  /// The network's draw when the last epoch began.
  std::uint32_t draw_of_epoch() const;
  /// Makes so many steps, and measures them.
  PhaseSeconds time_phases(index steps);
  /// One step on other samples, at most as many as a batch holds, in their order.
  StepReport step(const Samples& samples);
  /// The mean loss over all samples and its gradient, laid out as the parameters, without penalty,
  /// clipping and dropout; no step is made.
  double gradient(T* out);

 private:
  std::unique_ptr<Run<T>> run_;
};

/// Workers of a training step of so many samples, at most `threads` (0: as many as pay).
template <class T>
int training_workers(const Network<T>& network, index batch, int threads);

extern template class Trainer<float>;
extern template class Trainer<double>;

}  // namespace foxnn
