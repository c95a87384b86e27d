// One sequence through the layers, step by step or in blocks.
#include "foxnn/stream.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "base/parallel.hpp"
#include "base/stop_poll.hpp"
#include "network/stream_stage.hpp"

namespace foxnn {
namespace {

// Steps that pass through the layers together: enough for a convolution to read its weights once
// for a register tile of positions several times over, and few enough to stay near.
constexpr index kPiece = 64;

[[noreturn]] void refuse(const std::string& why) {
  throw std::invalid_argument("a stream cannot run through this network: " + why);
}

// The columns of one position of a scaling that is the same at all of them.
Scaling of_position(const Scaling& scaling, index channels, const char* what) {
  if (scaling.empty()) return {};
  const auto width = static_cast<std::size_t>(channels);
  for (std::size_t i = width; i < scaling.shift.size(); ++i) {
    if (scaling.shift[i] == scaling.shift[i % width] &&
        scaling.factor[i] == scaling.factor[i % width]) {
      continue;
    }
    refuse(std::string(what) + " are not scaled in the same way at every step");
  }
  Scaling one = scaling;
  one.shift.resize(width);
  one.factor.resize(width);
  return one;
}

template <class T>
bool all_zero(const T* values, index count) {
  return std::all_of(values, values + count, [](T value) { return value == T(0); });
}

LayerSpec without_activation(LayerSpec spec) {
  spec.options.erase("activation");
  spec.options.erase("parameters");
  return spec;
}

}  // namespace

template <class T>
struct Stream<T>::Memory {
  explicit Memory(const Network<T>& from) : network(from) {
    add_stages();
    add_tail();
    const index width = sequences ? form.shape.channels : network.outputs();
    of_inputs = of_position(network.input_scaling(), channels, "inputs");
    of_outputs = sequences ? of_position(network.output_scaling(), width, "outputs")
                           : network.output_scaling();
    outputs = width;
    state = Buffer<T>(state_size);
    saved = Buffer<T>(state_size);
    // Steps do not lie beside each other in more columns than these.
    pitch = is_flat ? 1 : panel_count<T>(channels) * kPanelWidth<T>;
    input = Buffer<T>(kPiece * pitch + kPanelWidth<T>);
    plan(1);
  }

  // The network's layers up to one that gives its last state.
  void add_stages() {
    const Shape& shape = network.input_shape();
    if (shape.axes.size() > 1) refuse("its samples have shape " + shape.text());
    is_flat = shape.is_flat();
    channels = is_flat ? 1 : shape.channels;
    step_shape = {{}, channels};
    bool seen = !is_flat;  // whether values are known to be sequences
    form = input_form(1);
    for (const Part& part : network.parts()) {
      specs.push_back(part.node < 0 ? part.spec : network.layer(part.node).spec());
      if (!sequences) continue;
      const index number = static_cast<index>(specs.size()) - 1;
      check(part, seen);
      const LayerSpec& spec = specs.back();
      const bool is_window = spec.options.contains("kernel");
      index span = 1, stride = 1;
      Form probe = form;
      if (is_window) {
        const Layer<T>& layer = network.layer(part.node);
        while (layer.output_steps(span) < 1) ++span;
        while (layer.output_steps(span + stride) < 2) ++stride;
        const Shape window{{span}, form.shape.channels};
        probe = {window, Layout::panels<T>(window)};
      }
      stages.emplace_back(network, part.node, number, probe);
      StreamStage<T>& stage = stages.back();
      const PlannedStage<T>& made = stage.at(probe, scratch_size, columns);
      flops += made.layers.back()->flops();
      if (is_window) {
        stage.make_window(span, stride);
        arrays.push_back({number, "inputs", 0, stage.channels(), true});
      }
      if (stage.state_size() > 0) {
        arrays.push_back({number, "h", state_size, stage.units()});
        if (stage.state_size() > stage.units()) {
          arrays.push_back({number, "c", state_size + stage.units(), stage.units()});
        }
        state_size += stage.state_size();
      }
      sequences = !stage.ends();
      form = made.output();
      if (!form.shape.is_flat()) seen = true;
    }
    if (!seen) refuse("its samples are no sequences");
  }

  void check(const Part& part, bool seen) const {
    const LayerSpec& spec = specs.back();
    const auto is = [&](const char* kind) { return spec.kind == kind; };
    const std::string name = "a layer of kind '" + spec.kind + "'";
    if (part.node < 0) refuse(name + " has branches");
    const bool is_recurrent = is("rnn") || is("gru") || is("lstm");
    if (is_recurrent && (spec.flag("bidirectional", false) || spec.flag("reverse", false))) {
      refuse(name + " reads steps from the end");
    }
    const bool is_window = is("conv1d") || is("max_pool1d") || is("average_pool1d");
    if (is_window && spec.text("padding", "valid") != "valid") {
      refuse(name + " with padding reads steps to come");
    }
    const bool is_at_each = is("activation") || is("dropout") || is("layer_norm") ||
                            is("batch_norm") || is("embedding") ||
                            (is("dense") && spec.flag("each_position", false));
    if (!is_recurrent && !is_window && !is_at_each) refuse(name + " reads all steps at once");
    if (!seen && !is("embedding")) refuse("its samples are no sequences");
    if (seen && is("embedding") && !is_flat) refuse("an embedding must read single numbers");
  }

  // What follows a last state.
  void add_tail() {
    if (sequences) return;
    const auto first = static_cast<std::size_t>(stages.back().layer()) + 1;
    if (first == specs.size()) return;
    for (std::size_t i = first; i < specs.size(); ++i) {
      if (network.parts()[i].node < 0)
        refuse("a layer of kind '" + specs[i].kind + "' has branches");
    }
    Plan<T> made(kNetworkInput, form, 0, false, false);
    made.append({specs.begin() + static_cast<index>(first), specs.end()});
    std::size_t part = first;
    for (Node<T>& node : made.nodes) {
      const bool is_inserted = node.is_inserted;
      tail.push_back(std::move(node.layer));
      Layer<T>& layer = *tail.back();
      layer.set_sorted_summation(network.sorted_summation());
      note(layer);
      flops += layer.flops();
      if (is_inserted) continue;
      const index from = network.parts()[part++].node;
      layer.attach(const_cast<T*>(network.parameters().data()) + network.offset(from));
    }
    form = tail.back()->output();
  }

  void note(const Layer<T>& layer) {
    const ScratchSize needed = layer.scratch_size(1);
    scratch_size.numbers = std::max(scratch_size.numbers, needed.numbers);
    scratch_size.items = std::max(scratch_size.items, needed.items);
    scratch_size.stretches = std::max(scratch_size.stretches, needed.stretches);
    columns = std::max(columns, layer.output().layout.columns());
  }

  Form input_form(index steps) const {
    const Shape shape = is_flat ? Shape{{}, steps} : Shape{{steps}, channels};
    return {shape, Layout::panels<T>(shape)};
  }
  Rows<T> row(T* first) const { return {first, kPanelWidth<T>, kPanelWidth<T>}; }

  // Prepares for so many steps: everything that may throw.
  void plan(index steps) {
    Form next = input_form(steps);
    index left = steps;
    for (StreamStage<T>& stage : stages) {
      stage.fresh = left;
      stage.made = stage.outputs(stage.count + left) - stage.outputs(stage.count);
      stage.plan = nullptr;
      if (stage.is_window()) stage.make_room(left);
      if (left == 0 || stage.made == 0) {
        left = 0;
        continue;
      }
      if (stage.is_window()) next = stage.window_form(steps_of_windows(stage));
      stage.plan = &stage.at(next, scratch_size, columns);
      next = stage.plan->output();
      left = stage.made;
    }
    given = left;
    if (sequences) form = next;
    if (numbers.size() < scratch_size.numbers) numbers = Buffer<T>(scratch_size.numbers);
    if (items.size() < scratch_size.items) items = Buffer<std::uint32_t>(scratch_size.items);
    if (static_cast<index>(stretches.size()) < scratch_size.stretches) {
      stretches.resize(static_cast<std::size_t>(scratch_size.stretches));
    }
    // Vectors that begin at the last number extend past it.
    const index size = rounded_up(columns, kPanelWidth<T>) + 2 * kPanelWidth<T>;
    for (Buffer<T>& value : values) {
      if (value.size() < size) value = Buffer<T>(size);
    }
  }
  // The steps of the windows that a stage has next.
  static index steps_of_windows(const StreamStage<T>& stage) {
    return (stage.made - 1) * stage.stride() + stage.span();
  }

  // Runs layers one after the other. Returns where the last one has written.
  T* run(const std::vector<std::unique_ptr<Layer<T>>>& layers, const T* from, const T* begin,
         T* end) {
    Scratch<T> scratch{numbers.data(), items.data(), stretches.data()};
    T* to = nullptr;
    for (const auto& layer : layers) {
      to = values[from == values[0].data() ? 1 : 0].data();
      const Rows<const T> x{from, kPanelWidth<T>, kPanelWidth<T>};
      Outputs<T> out{row(to)};
      if (&layer == &layers.back()) out.begin = begin, out.end = end;
      layer->forward({}, 1, &x, out, scratch);
      from = to;
    }
    return to;
  }

  // Reads the steps that were planned. Returns what the last stage has given.
  T* advance() {
    T* value = input.data();
    index pitch_of_value = form_pitch(input_form(stages.front().fresh));
    T* own = state.data();
    for (StreamStage<T>& stage : stages) {
      if (stage.fresh > 0) {
        const T* from = value;
        if (stage.is_window()) from = stage.take(value, pitch_of_value, stage.fresh);
        if (stage.plan) {
          const bool carries = stage.state_size() > 0;
          const bool is_fresh = stage.count == 0 && all_zero(own, stage.state_size());
          value = run(stage.plan->layers, from, carries && !is_fresh ? own : nullptr,
                      carries ? own : nullptr);
          pitch_of_value = form_pitch(stage.plan->output());
        }
        if (stage.is_window()) stage.drop(stage.fresh);
        stage.count += stage.fresh;
      }
      own += stage.state_size();
    }
    count += stages.front().fresh;
    return value;
  }
  static index form_pitch(const Form& form) {
    return form.layout.positions > 1 ? form.layout.pitch : form.shape.channels;
  }

  // The outputs behind a last state.
  const T* finish_last() {
    const StreamStage<T>& last = stages.back();
    const T* h = state.data() + state_size - last.state_size();
    if (tail.empty()) return h;
    T* const from = values[0].data();
    std::copy_n(h, last.units(), from);
    std::fill_n(from + last.units(), kPanelWidth<T>, T(0));
    T* const out = run(tail, from, nullptr, nullptr);
    tail.back()->finish_rows(1, row(out));
    return out;
  }

  void count_from(index steps) {
    count = steps;
    for (StreamStage<T>& stage : stages) {
      stage.count = steps;
      steps = stage.outputs(steps);
    }
  }

  void save() {
    std::copy_n(state.data(), state_size, saved.data());
    saved_count = count;
    for (StreamStage<T>& stage : stages) {
      if (stage.is_window()) stage.save();
    }
  }
  void restore() {
    std::copy_n(saved.data(), state_size, state.data());
    count_from(saved_count);
    for (StreamStage<T>& stage : stages) {
      if (stage.is_window()) stage.restore();
    }
  }

  using Outcome = typename Network<T>::Outcome;
  void unscale(index size, T* out) const;
  bool put(const T* from, const Form& of, T* out) const;
  Outcome read(MatrixView x, T* out, const StopRequest& stop);

  StreamStage<T>& stage_of(index layer) {
    return *std::find_if(stages.begin(), stages.end(),
                         [layer](const auto& stage) { return stage.layer() == layer; });
  }

  const Network<T>& network;
  std::vector<LayerSpec> specs;
  std::vector<StreamStage<T>> stages;
  std::vector<std::unique_ptr<Layer<T>>> tail;  // what follows a last state
  bool is_flat = false, sequences = true;
  index channels = 0, outputs = 0, pitch = 0;
  double flops = 0.0;
  Form form;
  Shape step_shape;
  Scaling of_inputs, of_outputs;
  std::vector<StateArray> arrays;
  index state_size = 0, count = 0, saved_count = 0, given = 0;
  Buffer<T> state, saved, input, values[2], numbers;
  Buffer<std::uint32_t> items;
  std::vector<Stretch> stretches;
  ScratchSize scratch_size;
  index columns = 0;
};

template <class T>
Stream<T>::Stream(const Network<T>& network) : memory_(std::make_unique<Memory>(network)) {
  allowed_workers(1);  // A wrong FOXNN_FORCE_THREADS is refused, as by Network::predict.
}

template <class T>
Stream<T>::~Stream() = default;

template <class T>
index Stream<T>::channels() const {
  return memory_->channels;
}

template <class T>
const Shape& Stream<T>::step_shape() const {
  return memory_->step_shape;
}

template <class T>
void Stream<T>::unscale(T* answer) const {
  memory_->unscale(memory_->outputs, answer);
}

template <class T>
index Stream<T>::outputs() const {
  return memory_->outputs;
}

template <class T>
bool Stream<T>::gives_sequences() const {
  return memory_->sequences;
}

template <class T>
index Stream<T>::answers(index steps) const {
  index before = memory_->count, after = before + steps;
  for (const StreamStage<T>& stage : memory_->stages) {
    if (stage.ends()) return after > 0 ? 1 : 0;
    before = stage.outputs(before);
    after = stage.outputs(after);
  }
  return after - before;
}

template <class T>
double Stream<T>::flops() const {
  return memory_->flops;
}

template <class T>
T* Stream<T>::input() {
  return memory_->input.data();
}

template <class T>
const T* Stream<T>::step() {
  Memory& m = *memory_;
  m.plan(1);
  m.save();
  T* const value = m.advance();
  if (!m.sequences) return m.stages.back().count > 0 ? m.finish_last() : nullptr;
  if (m.given == 0) return nullptr;
  m.stages.back().plan->layers.back()->finish_rows(1, m.row(value));
  return value;
}

template <class T>
void Stream<T>::Memory::unscale(index size, T* out) const {
  if (of_outputs.empty()) return;
  for (index i = 0; i < size; ++i) {
    const auto column = static_cast<std::size_t>(i % outputs);
    out[i] = static_cast<T>(of_outputs.undo(static_cast<double>(out[i]), column));
  }
}

// The numbers of answers, in the units that users know. Returns whether all are numbers.
template <class T>
bool Stream<T>::Memory::put(const T* from, const Form& of, T* out) const {
  copy_values<T>(of, 1, Rows<const T>{from, kPanelWidth<T>, kPanelWidth<T>}, out);
  const index size = of.shape.size();
  unscale(size, out);
  return std::none_of(out, out + size, [](T value) { return std::isnan(value); });
}

template <class T>
auto Stream<T>::Memory::read(MatrixView x, T* out, const StopRequest& stop) -> Outcome {
  if (!of_inputs.empty()) x.scaling = &of_inputs;
  StopPoll poll;
  for (index first = 0; first < x.rows; first += kPiece) {
    const index steps = std::min(kPiece, x.rows - first);
    plan(steps);
    const index width = form_pitch(input_form(steps));
    for (index i = 0; i < steps; ++i) {
      read_row(x, first + i, row(input.data() + (is_flat ? i : i * width)));
    }
    if (!kernels<T>().all_finite(input.size(), input.data(), T(1))) {
      std::fill_n(input.data(), input.size(), T(0));
      return Outcome::not_finite;
    }
    T* const value = advance();
    if (sequences && given > 0) {
      stages.back().plan->layers.back()->finish_rows(1, row(value));
      if (!put(value, form, out)) return Outcome::no_number;
      out += given * outputs;
    }
    if (poll.after_step(stop)) return Outcome::stopped;
  }
  if (sequences || stages.back().count == 0) return Outcome::done;
  return put(finish_last(), form, out) ? Outcome::done : Outcome::no_number;
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
  return memory_->arrays;
}

template <class T>
index Stream<T>::steps() const {
  return memory_->count;
}

template <class T>
index Stream<T>::kept_steps(const StateArray& array, index steps) const {
  for (const StreamStage<T>& stage : memory_->stages) {
    if (stage.layer() == array.layer) return stage.kept(steps);
    steps = stage.outputs(steps);
  }
  return 0;
}

template <class T>
void Stream<T>::get_state(const StateArray& array, T* values) const {
  if (!array.is_window) {
    std::copy_n(memory_->state.data() + array.first, array.size, values);
    return;
  }
  const StreamStage<T>& stage = memory_->stage_of(array.layer);
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
    std::copy_n(values, array.size, memory_->state.data() + array.first);
    return;
  }
  StreamStage<T>& stage = memory_->stage_of(array.layer);
  for (index i = 0; i < stage.kept(stage.count); ++i) {
    std::copy_n(values + i * array.size, array.size, stage.kept_step(i));
  }
}

template <class T>
void Stream<T>::reset() {
  std::fill_n(memory_->state.data(), memory_->state_size, T(0));
  memory_->count_from(0);
}

template <class T>
void Stream<T>::restore() {
  memory_->restore();
}

template <class T>
bool Stream<T>::take_state(const Stream& earlier) {
  const std::vector<LayerSpec>&own = memory_->specs, &others = earlier.memory_->specs;
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
