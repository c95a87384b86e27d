// A network that reads one sequence as it comes, step by step, and remembers what the next steps
// need: the states of recurrent layers, and the last inputs of windows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "foxnn/network.hpp"

namespace foxnn {

/// Valid as long as the network has the same layers, activations and scaling; its parameters may
/// change. Not for use by several threads at once.
template <class T>
class Stream {
 public:
  /// Throws std::invalid_argument for a network that reads no sequences, or with a layer that needs
  /// steps to come.
  explicit Stream(const Network<T>& network);
  ~Stream();

  /// The numbers of a step, and of an answer.
  index channels() const;
  const Shape& step_shape() const;
  index outputs() const;
  /// Whether there is an answer for each step of the outputs, in place of one for all steps so far.
  bool gives_sequences() const;
  /// How many answers there are to so many more steps.
  index answers(index steps) const;
  /// Floating-point operations of a step, about.
  double flops() const;

  /// The memory for one step, scaled.
  T* input();
  /// Reads the step that is there. Returns the answer as the layers give it, or null if there is
  /// none yet. The bits are those of Network::predict for all steps so far.
  const T* step();
  /// Converts an answer to what users see, as Network::finish_outputs does.
  void finish(T* answer) const;
  /// Reads the rows of x, each a step, and writes the answers, in the units that users know. It has
  /// changed nothing unless the outcome is `done`.
  typename Network<T>::Outcome read(const MatrixView& x, T* out, const StopRequest& stop);

  // The state: a number of steps, and arrays.

  struct StateArray {
    index layer = 0;            ///< its number in the network's list
    std::string name;           ///< h or c, of a recurrent layer; inputs, of a window
    index first = 0, size = 0;  ///< its numbers; of a window, those of a step
    bool is_window = false;
  };
  const std::vector<StateArray>& state_arrays() const;
  index steps() const;
  /// How many steps of inputs a window keeps after so many steps of the stream.
  index kept_steps(const StateArray& array, index steps) const;
  /// Copies an array's numbers: `size`, or `size` for each step that is kept.
  void get_state(const StateArray& array, T* values) const;
  void set_state(const StateArray& array, const T* values);
  /// To be called first: how many steps windows keep follows from it.
  void set_steps(index steps);
  void reset();
  /// Goes back to the state before the last `step`.
  void restore();
  /// Takes the state of a stream of the same network, whose activations or scaling may have changed
  /// since. Returns false, and has changed nothing, if its layers have.
  bool take_state(const Stream& earlier);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

extern template class Stream<float>;
extern template class Stream<double>;

}  // namespace foxnn
