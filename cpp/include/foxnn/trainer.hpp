// Training: batches drawn from shuffled samples, and an optimizer step for each batch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "foxnn/network.hpp"
#include "foxnn/outside.hpp"
#include "foxnn/shards.hpp"

namespace foxnn {

/// Whether a step follows the mean of the samples' gradients, or their sum (as FoxNN does).
enum class Reduction { mean, sum };

struct TrainingPlan {
  index batch_size = 32;
  double learning_rate = 1e-3;
  Optimizer optimizer;
  Reduction reduction = Reduction::mean;
  bool shuffle = true;
  bool count_matches = false;  ///< also count the positions that the network classifies correctly
  int threads = 0;             ///< maximum number of workers; 0: as many as are worthwhile

  /// Gradients go back through so many steps of a sequence: its pieces of as many are each a step
  /// of the optimizer, and carry the states of layers on. 0: through all of it. Batches that
  /// `steps` and reports count have all pieces of their sequences.
  index truncate = 0;

  /// In place of targets y of classes, (1 - s) y + s / classes; two for yes or no (Szegedy et al.,
  /// "Rethinking the inception architecture for computer vision", 2016).
  double label_smoothing = 0.0;

  // The objective is the loss, plus l1 |w| and l2 w^2 / 2 for every weight w (biases are excluded).
  double l1 = 0.0, l2 = 0.0;
  // The gradient of the objective is clipped: each element, or the norm of the whole; 0: no
  // clipping.
  double clip_value = 0.0, clip_norm = 0.0;
  /// The fraction of outputs that are dropped at random, one for each node but the last.
  std::vector<double> dropout;

  bool operator==(const TrainingPlan&) const = default;
  /// Throws std::invalid_argument if a value is out of its range, or out of the range of T.
  template <class T>
  void check() const;
};

/// The result of a number of steps.
struct StepReport {
  index steps = 0;
  index samples = 0;
  double loss = 0.0;       ///< weighted sum over the samples, each at the weights of its step
  double weight = 0.0;     ///< sum of the sample weights, or the number of samples without weights
  double last_loss = 0.0;  ///< mean loss of the last batch with a finite loss; NaN: there was none
  index positions = 0;     ///< of all samples; a flat sample has one
  index correct = 0;       ///< positions that are classified correctly
  bool stopped = false;    ///< the stop request ended the steps
  bool diverged = false;   ///< the loss or a weight stopped being finite: weights are reset, and
                           ///< the optimizer is restarted
};

/// Where the time of a number of steps went, in the first worker. A barrier counts towards the
/// phase before it. The optimizer is measured separately from the gradient with which it is fused.
struct PhaseSeconds {
  double gather, forward, loss, backward, update;
};

template <class T>
class Run;
struct Spot;

/// A training run over samples that must outlive it. Buffers are allocated once, by the
/// constructor, for the network as it is then: while the run exists, no layer may be added, frozen
/// or given another activation.
template <class T>
class Trainer {
 public:
  /// Throws std::invalid_argument if the samples do not fit the network. With a loss outside, they
  /// need no targets, and come whole (TrainingPlan::truncate is 0). With shards, the samples are
  /// those of the shards that are here, and may be none; sequences come whole, and no layer that is
  /// trained may depend on the other samples of a batch (batch normalization).
  Trainer(Network<T>& network, const Samples& samples, const TrainingPlan& plan,
          const Outside<T>& outside = {}, const Shards<T>& shards = {});
  ~Trainer();

  void set_learning_rate(double rate);
  /// Continues with a rule of the same kind with other constants; moments are unchanged. Throws
  /// std::invalid_argument for another kind.
  void set_optimizer(const Optimizer& rule);
  /// `request` is also polled within long steps. If it returns true, the step is dropped as if it
  /// had not begun, unless it has already changed a parameter. Without a request, every step is
  /// finished.
  void drop_steps_on(StopRequest request);
  /// The number of workers of a step.
  int workers() const;
  index steps_per_epoch() const;
  /// Runs the rest of the epoch, or a whole one: every sample once, in a new order. The sums are
  /// those of the whole epoch, with the same bits whenever it was interrupted.
  StepReport run_epoch(const StopRequest& stop);
  /// Runs the given number of steps, over as many epochs as they take.
  StepReport run_steps(index steps, const StopRequest& stop);
  /// Runs the next step. If it diverges, the weights are reset to those at the start of the epoch:
  /// saving them at each step would take as long as a small step.
  StepReport run_batch(const StopRequest& stop);
  /// The same with other inputs of its samples: as many, in the order of `next_batch`. An epoch
  /// must have begun, and the constructor's samples must be dense.
  StepReport run_batch(const StopRequest& stop, const MatrixView& x);
  /// The positions of the next step's samples; none between epochs.
  std::span<const std::uint32_t> next_batch() const;
  /// Begins an epoch. `run_epoch` and `run_batch` call it themselves when the last epoch is over.
  /// Returns false if `drop_steps_on` stops it; the epoch has then not begun.
  bool begin_epoch();
  /// What `run_epoch` and `run_batch` have done so far in the current epoch.
  const StepReport& epoch() const;
  /// Begins the epoch that another run began when the network's draw was `draw`, as if the steps in
  /// `done` had been made, and so many pieces of the next batch, whose states these are. Returns
  /// false as `begin_epoch` does. Throws std::invalid_argument if an epoch cannot consist of such
  /// steps.
  /// With shards, `done` says how many positions the samples had, too.
  bool go_on_within_epoch(std::uint32_t draw, const StepReport& done, index pieces = 0,
                          const std::vector<std::vector<T>>& states = {});
  /// How many pieces of the next batch's sequences are done (TrainingPlan::truncate).
  index pieces_done() const;
  /// The states after these: of each layer that has one, those of the sequences that go on, one
  /// after the other. Empty before the first piece.
  std::vector<std::vector<T>> states() const;
  /// The network's draw when the current epoch began.
  std::uint32_t draw_of_epoch() const;
  /// Makes `steps` steps, and measures them.
  PhaseSeconds time_phases(index steps);
  /// Whether `step` and `set_samples` take these samples: they do not if one of them and the
  /// constructor's are sparse and the others are dense.
  bool takes(const Samples& samples) const;
  /// One step on other samples, in their order. There may be at most as many as a batch holds.
  StepReport step(const Samples& samples);
  /// Takes other samples forward and back without a step, with a loss outside that reaches the
  /// inputs. Returns false if outputs are not finite; the gradient is then zero.
  bool back(const Samples& samples);
  /// d loss / d inputs of the samples of the last `step` or `back`, [samples x inputs], for a loss
  /// outside that reaches the inputs; zero where a sequence has ended.
  void input_gradient(T* out) const;
  /// Continues on other samples, as many as before, from their first epoch on.
  void set_samples(const Samples& samples);
  /// The mean loss over all samples, and its gradient in the layout of the parameters, without
  /// penalties, clipping and dropout. Makes no step; steps made afterwards have no dropout. NaN,
  /// and half a gradient, if it has been dropped (`drop_steps_on`). Not for sequences in pieces.
  double gradient(T* out);

 private:
  void check_batch(const Samples& samples) const;
  void set_states(const Spot& spot, const std::vector<std::vector<T>>& states);

  bool is_outside_ = false;
  std::unique_ptr<Network<T>> pieces_;  // planned for pieces of sequences
  std::unique_ptr<Run<T>> run_;
};

/// The number of workers for a training step of `batch` samples, at most `threads` (0: as many as
/// are worthwhile).
template <class T>
int training_workers(const Network<T>& network, index batch, int threads);

extern template class Trainer<float>;
extern template class Trainer<double>;

}  // namespace foxnn
