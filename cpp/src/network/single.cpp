// One sample through the layers, or a few. A single row is contiguous both in compact panels and in
// plain rows, but for gaps between positions.
#include "foxnn/single.hpp"

#include <algorithm>
#include <cstdint>

#include "base/parallel.hpp"
#include "kernels/has_nan.hpp"
#include "layers/columns.hpp"
#include "layers/lanes.hpp"
#include "network/chunk.hpp"
#include "network/pass.hpp"

namespace foxnn {

namespace {

// A layer with more weights (128 KB) lies beyond the first-level cache, and reading them takes most
// of the time of an answer: looking for zeros in the inputs, whose weights are not read, takes a
// fiftieth of it.
template <class T>
constexpr index kFarWeights = (128 << 10) / static_cast<index>(sizeof(T));

template <class T>
bool is_worth_looking_for_zeros(const Network<T>& network) {
  for (index i = 0; i < network.size(); ++i) {
    const std::vector<index>& reads = network.node(i).reads;
    if (std::find(reads.begin(), reads.end(), kNetworkInput) != reads.end() &&
        network.layer(i).parameter_count() > kFarWeights<T>) {
      return true;
    }
  }
  return false;
}

}  // namespace

template <class T>
struct SingleSample<T>::Memory {
  explicit Memory(const Network<T>& network)
      : top(network.top()),
        pass(network, 1, {.looks_for_zeros = is_worth_looking_for_zeros(network)}),
        scratch(network, 1),
        columns(network.inputs()) {
    if (!top.output().layout.is_packed()) packed = Buffer<T>(network.outputs());
  }
  void forward() {
    pass.forward({}, 1, {}, scratch.get(), [] {});
    top.finish_rows(1, pass.output());
  }
  // Whether layers can read the sample where it lies: whole panels, without a list of zeros.
  bool reads_there(const MatrixView& x) {
    constexpr ElementType kOwn = sizeof(T) == 4 ? ElementType::f32 : ElementType::f64;
    return x.type == kOwn && columns % kPanelWidth<T> == 0 && !pass.nonzero();
  }
  // Whether the last layer can write its outputs to a plain row, since it writes whole panels of
  // each position.
  bool writes_there() const {
    const Form& form = top.output();
    return form.layout.is_packed() && form.shape.channels % kPanelWidth<T> == 0 &&
           is_one_run(1, pass.output());
  }

  const Layer<T>& top;
  Pass<T> pass;
  ScratchSpace<T> scratch;
  index columns;
  Buffer<T> packed;  // empty if there are no gaps
};

template <class T>
SingleSample<T>::SingleSample(const Network<T>& network)
    : memory_(std::make_unique<Memory>(network)) {}

template <class T>
SingleSample<T>::~SingleSample() = default;

template <class T>
T* SingleSample<T>::input() {
  if (std::uint32_t* nonzero = memory_->pass.nonzero()) {
    for (index left = memory_->columns; left > 0; left -= kPanelWidth<T>) {
      const index count = std::min(left, kPanelWidth<T>);
      *nonzero++ = static_cast<std::uint32_t>((std::uint64_t{1} << count) - 1);
    }
  }
  memory_->pass.read_at(nullptr);
  return memory_->pass.input().data;
}

template <class T>
bool SingleSample<T>::read(const MatrixView& x) {
  Pass<T>& pass = memory_->pass;
  if (memory_->reads_there(x)) {
    const T* const row = reinterpret_cast<const T*>(x.row(0));
    pass.read_at(row);
    return kernels<T>().all_finite(x.columns, row, T(1));
  }
  pass.read_at(nullptr);
  pass.read(x, 0, 1);
  return pass.inputs_are_finite(1);
}

template <class T>
const T* SingleSample<T>::answer() {
  memory_->forward();
  if (memory_->packed.size() == 0) return memory_->pass.output().data;
  copy_values<T>(memory_->top.output(), 1, memory_->pass.output(), memory_->packed.data());
  return memory_->packed.data();
}

template <class T>
void SingleSample<T>::answer(T* out) {
  if (memory_->writes_there()) {
    memory_->pass.write_at(out);
    memory_->forward();
    return memory_->pass.write_at(nullptr);
  }
  memory_->forward();
  copy_values<T>(memory_->top.output(), 1, memory_->pass.output(), out);
}

template <class T>
struct FewSamples<T>::Memory {
  Memory(const Network<T>& given, index rows)
      : network(given),
        most(rows),
        pass(given, rows, {.looks_for_zeros = false}),
        scratch(given, rows) {}
  const Network<T>& network;
  index most;  // rows that pass through the layers together
  Pass<T> pass;
  ScratchSpace<T> scratch;
};

// Memory for as many samples as may lie in lanes would compute all lanes for a single one, too.
template <class T>
FewSamples<T>::FewSamples(const Network<T>& network, index most)
    : memory_(std::make_unique<Memory>(
          network, std::min({most, chunk_rows(network, 0), kLeastInLanes<T> - 1}))) {
  allowed_workers(1);  // A wrong FOXNN_FORCE_THREADS is refused, as by Network::predict.
}

template <class T>
FewSamples<T>::~FewSamples() = default;

template <class T>
auto FewSamples<T>::predict(const MatrixView& x, T* out) -> typename Network<T>::Outcome {
  using Outcome = typename Network<T>::Outcome;
  const Network<T>& network = memory_->network;
  Pass<T>& pass = memory_->pass;
  const index width = network.outputs();
  const MatrixView samples = network.scaled_inputs(x);
  bool finite = true;
  for (index first = 0; first < x.rows; first += memory_->most) {
    const index rows = std::min(memory_->most, x.rows - first);
    pass.read(samples, first, rows);
    pass.forward({}, rows, {}, memory_->scratch.get(), [] {});
    network.top().finish_rows(rows, pass.output());
    copy_values<T>(network.output_form(), rows, pass.output(), out + first * width);
    finite = finite && pass.inputs_are_finite(rows);
  }
  network.finish_outputs(x.rows, out);
  if (!finite) return Outcome::not_finite;
  return has_nan(x.rows * width, out) ? Outcome::no_number : Outcome::done;
}

template class FewSamples<float>;
template class FewSamples<double>;
template class SingleSample<float>;
template class SingleSample<double>;

}  // namespace foxnn
