// One sequence through the layers, step by step or in blocks.
#include "foxnn/stream.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "network/stream_run.hpp"

namespace foxnn {
namespace {

// What the shape of a state depends on.
LayerSpec without_activation(LayerSpec spec) {
  spec.options.erase("activation");
  spec.options.erase("parameters");
  return spec;
}

}  // namespace

template <class T>
struct Stream<T>::Memory : StreamRun<T> {
  using StreamRun<T>::StreamRun;
};

template <class T>
Stream<T>::Stream(const Network<T>& network) : memory_(std::make_unique<Memory>(network)) {
  allowed_workers(1);  // A wrong FOXNN_FORCE_THREADS is refused, as by Network::predict.
}

template <class T>
Stream<T>::~Stream() = default;

template <class T>
index Stream<T>::channels() const {
  return memory_->chain().channels();
}

template <class T>
const Shape& Stream<T>::step_shape() const {
  return memory_->chain().step_shape();
}

template <class T>
void Stream<T>::finish(T* answer) const {
  memory_->finish_answer(outputs(), answer);
}

template <class T>
index Stream<T>::outputs() const {
  return memory_->chain().outputs();
}

template <class T>
bool Stream<T>::gives_sequences() const {
  return memory_->chain().gives_sequences();
}

template <class T>
index Stream<T>::answers(index more) const {
  index before = steps(), after = before + more;
  for (const StreamStage<T>& stage : memory_->chain().stages()) {
    if (stage.ends()) return after > 0 ? 1 : 0;
    before = stage.outputs(before);
    after = stage.outputs(after);
  }
  return after - before;
}

template <class T>
double Stream<T>::flops() const {
  return memory_->chain().flops();
}

template <class T>
T* Stream<T>::input() {
  return memory_->input();
}

template <class T>
const T* Stream<T>::step() {
  return memory_->step();
}

template <class T>
auto Stream<T>::read(const MatrixView& x, T* out, const StopRequest& stop) ->
    typename Network<T>::Outcome {
  using Outcome = typename Network<T>::Outcome;
  memory_->save();
  try {
    const Outcome outcome = memory_->read(x, out, stop);
    if (outcome != Outcome::done) memory_->restore();
    return outcome;
  } catch (...) {
    memory_->restore();
    throw;
  }
}

template <class T>
auto Stream<T>::state_arrays() const -> const std::vector<StateArray>& {
  return memory_->chain().arrays();
}

template <class T>
index Stream<T>::steps() const {
  return memory_->count();
}

template <class T>
index Stream<T>::kept_steps(const StateArray& array, index steps) const {
  for (const StreamStage<T>& stage : memory_->chain().stages()) {
    if (stage.layer() == array.layer) return stage.kept(steps);
    steps = stage.outputs(steps);
  }
  return 0;
}

template <class T>
void Stream<T>::get_state(const StateArray& array, T* values) const {
  if (!array.is_window) {
    std::copy_n(memory_->state() + array.first, array.size, values);
    return;
  }
  const StreamStage<T>& stage = memory_->chain().stage_of(array.layer);
  for (index i = 0; i < stage.kept(stage.count); ++i) {
    std::copy_n(stage.kept_step(i), array.size, values + i * array.size);
  }
}

template <class T>
void Stream<T>::set_steps(index steps) {
  memory_->count_from(steps);
}

template <class T>
void Stream<T>::set_state(const StateArray& array, const T* values) {
  if (!array.is_window) {
    std::copy_n(values, array.size, memory_->state() + array.first);
    return;
  }
  StreamStage<T>& stage = memory_->chain().stage_of(array.layer);
  for (index i = 0; i < stage.kept(stage.count); ++i) {
    std::copy_n(values + i * array.size, array.size, stage.kept_step(i));
  }
}

template <class T>
void Stream<T>::reset() {
  std::fill_n(memory_->state(), memory_->chain().state_size(), T(0));
  memory_->count_from(0);
}

template <class T>
void Stream<T>::restore() {
  memory_->restore();
}

template <class T>
bool Stream<T>::take_state(const Stream& earlier) {
  const std::vector<LayerSpec>&own = memory_->chain().specs(),
        &others = earlier.memory_->chain().specs();
  const bool are_same = std::equal(own.begin(), own.end(), others.begin(), others.end(),
                                   [](const LayerSpec& a, const LayerSpec& b) {
                                     return without_activation(a) == without_activation(b);
                                   });
  if (!are_same || channels() != earlier.channels()) return false;
  set_steps(earlier.steps());
  for (const StateArray& array : state_arrays()) {
    Buffer<T> values(array.size * std::max<index>(1, kept_steps(array, steps())));
    earlier.get_state(array, values.data());
    set_state(array, values.data());
  }
  return true;
}

template class Stream<float>;
template class Stream<double>;

}  // namespace foxnn
