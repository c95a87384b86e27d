// A stream on its way: what it remembers of the steps so far, and how it reads more.
#pragma once

#include <algorithm>

#include "base/stop_poll.hpp"
#include "kernels/has_nan.hpp"
#include "network/stream_chain.hpp"

namespace foxnn {

template <class T>
class StreamRun {
 public:
  using Outcome = typename Network<T>::Outcome;

  explicit StreamRun(const Network<T>& network) : chain_(network) {
    state_ = Buffer<T>(chain_.state_size());
    saved_ = Buffer<T>(chain_.state_size());
    // Steps do not lie beside each other in more columns than these.
    const index pitch = chain_.is_flat() ? 1 : panel_count<T>(chain_.channels()) * kPanelWidth<T>;
    input_ = Buffer<T>(kPiece * pitch + kPanelWidth<T>);
  }

  const StreamChain<T>& chain() const { return chain_; }
  StreamChain<T>& chain() { return chain_; }
  /// Steps so far.
  index count() const { return count_; }
  /// The numbers of recurrent layers.
  T* state() { return state_.data(); }
  const T* state() const { return state_.data(); }
  T* input() { return input_.data(); }

  /// Sets the number of steps, of which those of every window follow.
  void count_from(index steps) {
    count_ = steps;
    for (StreamStage<T>& stage : chain_.stages()) {
      stage.count = steps;
      steps = stage.outputs(steps);
    }
  }
  void save() {
    std::copy_n(state_.data(), state_.size(), saved_.data());
    saved_count_ = count_;
    for (StreamStage<T>& stage : chain_.stages()) {
      if (stage.is_window()) stage.save();
    }
  }
  void restore() {
    std::copy_n(saved_.data(), state_.size(), state_.data());
    count_from(saved_count_);
    for (StreamStage<T>& stage : chain_.stages()) {
      if (stage.is_window()) stage.restore();
    }
  }

  /// Reads the step in `input`. Returns the answer, or null if there is none yet.
  const T* step() {
    chain_.plan(1);
    save();
    T* const value = advance();
    if (!chain_.gives_sequences()) {
      return chain_.stages().back().count > 0 ? finish_last() : nullptr;
    }
    if (chain_.given() == 0) return nullptr;
    finish(value);
    return value;
  }

  /// Reads the rows of x and writes the answers; after another outcome than `done`, and after an
  /// exception, the state is what some of the steps have made.
  Outcome read(MatrixView x, T* out, const StopRequest& stop) {
    if (!chain_.input_scaling().empty()) x.scaling = &chain_.input_scaling();
    StopPoll poll;
    for (index first = 0; first < x.rows; first += kPiece) {
      const index steps = std::min(kPiece, x.rows - first);
      chain_.plan(steps);
      const index width = pitch_of(chain_.input_form(steps));
      for (index i = 0; i < steps; ++i) {
        T* const to = input_.data() + (chain_.is_flat() ? i : i * width);
        read_row(x, first + i, chain_.row(to));
      }
      if (!kernels<T>().all_finite(input_.size(), input_.data(), T(1))) {
        std::fill_n(input_.data(), input_.size(), T(0));
        return Outcome::not_finite;
      }
      T* const value = advance();
      if (chain_.gives_sequences() && chain_.given() > 0) {
        finish(value);
        if (!put(value, chain_.form(), out)) return Outcome::no_number;
        out += chain_.given() * chain_.outputs();
      }
      if (poll.after_step(stop)) return Outcome::stopped;
    }
    if (chain_.gives_sequences() || chain_.stages().back().count == 0) return Outcome::done;
    return put(finish_last(), chain_.form(), out) ? Outcome::done : Outcome::no_number;
  }

  // What users see of outputs: in the units that they know, and in order.
  void finish_answer(index size, T* out) const {
    chain_.network().sort_outputs(size, out);
    const Scaling& scaling = chain_.output_scaling();
    if (scaling.empty()) return;
    for (index i = 0; i < size; ++i) {
      const auto column = static_cast<std::size_t>(i % chain_.outputs());
      out[i] = static_cast<T>(scaling.undo(static_cast<double>(out[i]), column));
    }
  }

 private:
  // Steps that pass through the layers together: enough for a convolution to read its weights once
  // for a register tile of positions several times over, and few enough to stay near.
  static constexpr index kPiece = 64;

  // The numbers between two steps of a value.
  static index pitch_of(const Form& form) {
    return form.layout.positions > 1 ? form.layout.pitch : form.shape.channels;
  }

  // Reads the steps that were planned. Returns what the last stage has given.
  T* advance() {
    std::vector<StreamStage<T>>& stages = chain_.stages();
    T* value = input_.data();
    index pitch = pitch_of(chain_.input_form(stages.front().fresh));
    T* own = state_.data();
    for (StreamStage<T>& stage : stages) {
      if (stage.fresh > 0) {
        const T* from = value;
        if (stage.is_window()) from = stage.take(value, pitch, stage.fresh);
        if (stage.plan) {
          const index size = stage.state_size();
          // Zeros before the first step are told, because layers know a shorter way then.
          const bool is_first =
              stage.count == 0 && std::all_of(own, own + size, [](T x) { return x == T(0); });
          value = chain_.run(stage.plan->layers, from, size > 0 && !is_first ? own : nullptr,
                             size > 0 ? own : nullptr);
          pitch = pitch_of(stage.plan->output());
        }
        if (stage.is_window()) stage.drop(stage.fresh);
        stage.count += stage.fresh;
      }
      own += stage.state_size();
    }
    count_ += stages.front().fresh;
    return value;
  }

  // What the last layer still does to sequences.
  void finish(T* value) {
    chain_.stages().back().plan->layers.back()->finish_rows(1, chain_.row(value));
  }

  // The outputs behind a last state.
  const T* finish_last() {
    const StreamStage<T>& last = chain_.stages().back();
    const T* h = state_.data() + state_.size() - last.state_size();
    if (chain_.tail().empty()) return h;
    T* const from = chain_.inner();
    std::copy_n(h, last.units(), from);
    std::fill_n(from + last.units(), kPanelWidth<T>, T(0));
    T* const out = chain_.run(chain_.tail(), from, nullptr, nullptr);
    chain_.tail().back()->finish_rows(1, chain_.row(out));
    return out;
  }

  // The numbers of answers, in the units that users know. Returns whether all are numbers.
  bool put(const T* from, const Form& of, T* out) const {
    copy_values<T>(of, 1, Rows<const T>{from, kPanelWidth<T>, kPanelWidth<T>}, out);
    const index size = of.shape.size();
    finish_answer(size, out);
    return !has_nan(size, out);
  }

  StreamChain<T> chain_;
  index count_ = 0, saved_count_ = 0;
  Buffer<T> state_, saved_, input_;
};

}  // namespace foxnn
