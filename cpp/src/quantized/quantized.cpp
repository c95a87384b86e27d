// Quantized networks: their stages in order, and samples in chunks that are divided between the
// workers. A worker takes its chunks through all stages; those with positions sample by sample, so
// that what is between two of them stays in the first-level cache.
#include "foxnn/quantized.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/cost.hpp"
#include "base/parallel.hpp"
#include "base/stop_poll.hpp"
#include "foxnn/buffer.hpp"
#include "kernels/kernel_table.hpp"
#include "quantized/stage.hpp"

namespace foxnn {

namespace {

// Eight tiles of 14 rows: the weights of a dense layer are then read from the second-level cache
// once in 112 samples.
constexpr index kChunkRows = 112;
// What the samples of a chunk take between two stages stays in the second-level cache.
constexpr index kChunkBytes = 1 << 18;
// A stop is asked for within samples that take this long; in shorter ones, asking costs too much.
constexpr double kLongSample = 1e-3;
// What the windows of all stages may take: files that claim more must not take the memory.
constexpr index kMostWindowBytes = 1 << 29;

}  // namespace

struct QuantizedNetwork::Parts {
  index inputs = 0;
  ByteRounding input;
  std::vector<RunningStage> stages;
  const ByteKernels* kernels = nullptr;
  bool keeps_bytes = false;         // bytes of samples are taken as they are
  std::uint8_t of_bytes[256] = {};  // else they become these

  index widest() const {
    index most = inputs;
    for (const RunningStage& stage : stages) most = std::max(most, stage.outputs());
    return most;
  }
  index chunk_rows() const { return std::clamp<index>(kChunkBytes / widest(), 1, kChunkRows); }
  Cost cost(index samples) const {
    double lines = static_cast<double>(inputs) / 8;
    for (const RunningStage& stage : stages) lines += stage.lines();
    return {.alone = static_cast<double>(samples) * lines * kernels->seconds_per_line,
            .begin = kSecondsToBegin};
  }
};

namespace {

// A worker's memory.
struct Memory {
  Buffer<std::uint8_t> a, b, own[2];
  Buffer<float> row;
  std::vector<std::vector<std::uint8_t>> padded;

  Memory(const std::vector<RunningStage>& stages, index rows, index widest, index inputs)
      : a(rows * widest + kByteSlack),
        b(a.size()),
        row(panel_count<float>(inputs) * kPanelWidth<float>) {
    for (auto& one : own) one = Buffer<std::uint8_t>(widest + kByteSlack);
    for (const RunningStage& stage : stages) {
      padded.emplace_back(static_cast<std::size_t>(stage.padded_size()), stage.zero());
    }
  }
};

// The stages of so many samples, whose bytes are in memory.a.
void run_stages(const std::vector<RunningStage>& stages, const ByteKernels& kernels, index rows,
                Memory& memory, float* out, Leaving* leaving) {
  std::uint8_t *from = memory.a.data(), *to = memory.b.data();
  for (std::size_t i = 0; i < stages.size();) {
    if (leaving && leaving->now()) return;
    std::size_t end = i + 1;
    if (!stages[i].is_by_sample()) {
      stages[i].run(kernels, rows, from, to, out, nullptr, leaving);
    } else {
      while (end < stages.size() && stages[end].is_by_sample()) ++end;
      const RunningStage& last = stages[end - 1];
      for (index r = 0; r < rows; ++r) {
        const std::uint8_t* in = from + r * stages[i].inputs();
        for (std::size_t k = i; k < end; ++k) {
          std::uint8_t* const bytes =
              k + 1 == end ? to + r * last.outputs() : memory.own[k % 2].data();
          float* const numbers = last.gives_numbers() ? out + r * last.outputs() : nullptr;
          stages[k].run(kernels, 1, in, bytes, numbers, memory.padded[k].data(), leaving);
          if (leaving && leaving->now()) return;
          in = bytes;
        }
      }
    }
    std::swap(from, to);
    i = end;
  }
}

}  // namespace

QuantizedNetwork::QuantizedNetwork(index inputs, ByteRounding input, std::vector<ByteStage> stages,
                                   std::string_view kernels) {
  if (stages.empty()) throw std::invalid_argument("there must be at least one stage");
  auto parts = std::make_unique<Parts>();
  parts->kernels = kernels.empty() ? &active_byte_kernels()
                                   : &byte_kernels_by_name(std::string(kernels).c_str());
  check_input(input);
  parts->inputs = inputs;
  parts->input = input;
  index width = inputs, taken = 0;
  for (ByteStage& stage : stages) {
    if (!parts->stages.empty() && parts->stages.back().gives_numbers()) {
      throw std::invalid_argument("nothing can follow a stage that gives numbers");
    }
    parts->stages.emplace_back(std::move(stage), width, parts->kernels->subtracted);
    width = parts->stages.back().outputs();
    taken += parts->stages.back().windows_size();
    if (taken > kMostWindowBytes) {
      throw std::invalid_argument(
          "the lists and the padding of the windows of all stages must have at most 512 MiB");
    }
  }
  if (!parts->stages.back().gives_numbers()) {
    throw std::invalid_argument("the last stage must give numbers");
  }
  parts->keeps_bytes = true;
  for (int byte = 0; byte < 256; ++byte) {
    const auto number = static_cast<float>(byte);
    std::uint8_t& is = parts->of_bytes[byte];
    parts->kernels->quantize(1, &number, input.factor, input.lowest, input.highest, input.offset,
                             &is);
    parts->keeps_bytes = parts->keeps_bytes && is == byte;
  }
  parts_ = std::move(parts);
}

QuantizedNetwork::~QuantizedNetwork() = default;
QuantizedNetwork::QuantizedNetwork(QuantizedNetwork&&) noexcept = default;

index QuantizedNetwork::inputs() const { return parts_->inputs; }
index QuantizedNetwork::outputs() const { return parts_->stages.back().outputs(); }
std::string_view QuantizedNetwork::kernels() const { return parts_->kernels->name; }

auto QuantizedNetwork::predict(const MatrixView& x, float* out, int threads,
                               const StopRequest& stop) const -> Outcome {
  const Parts& parts = *parts_;
  const ByteKernels& kernels = *parts.kernels;
  const index n = x.rows, width = outputs();
  if (n == 0) return Outcome::done;
  const int wanted = workers_for(parts.cost(n), threads);
  const index height = std::min(parts.chunk_rows(), (n + wanted - 1) / wanted);
  const index chunks = (n + height - 1) / height;
  const int workers = static_cast<int>(std::min<index>(wanted, chunks));
  std::vector<Memory> held;
  for (int w = 0; w < workers; ++w) {
    held.emplace_back(parts.stages, height, parts.widest(), parts.inputs);
  }
  const bool are_plain = !x.scaling && !x.is_sparse() && !x.lengths;
  const bool are_bytes = are_plain && x.type == ElementType::u8;
  const bool are_floats = are_plain && x.type == ElementType::f32;
  active_kernels();  // read rows; before the team, in which nothing may throw
  std::atomic<bool> stopped{false}, finite{true};
  StopPoll poll;
  DroppedStep dropped;
  dropped.ask_by(stop);
  const bool are_long = dropped.can_be() && parts.cost(1).alone > kLongSample;
  run_team(workers, [&](const Team& team) {
    const Share share = team.share();
    Memory& memory = held[static_cast<std::size_t>(share.worker)];
    DroppedStep::View leaving(dropped, team.is_first());
    for (index c = share.first(chunks); c < share.last(chunks); ++c) {
      if (stopped.load(std::memory_order_relaxed)) return;
      const index first = c * height, rows = std::min(height, n - first);
      for (index r = 0; r < rows; ++r) {
        std::uint8_t* const to = memory.a.data() + r * parts.inputs;
        if (are_bytes) {
          const auto* from = reinterpret_cast<const std::uint8_t*>(x.row(first + r));
          if (parts.keeps_bytes) {
            std::memcpy(to, from, static_cast<std::size_t>(parts.inputs));
          } else {
            for (index i = 0; i < parts.inputs; ++i) to[i] = parts.of_bytes[from[i]];
          }
          continue;
        }
        const float* numbers = memory.row.data();
        if (are_floats) {
          numbers = reinterpret_cast<const float*>(x.row(first + r));
        } else {
          read_row(x, first + r, Rows<float>{memory.row.data(), kPanelWidth<float>});
        }
        if (!kernels.quantize(parts.inputs, numbers, parts.input.factor, parts.input.lowest,
                              parts.input.highest, parts.input.offset, to)) {
          finite = false;
        }
      }
      run_stages(parts.stages, kernels, rows, memory, out + first * width,
                 are_long ? &leaving : nullptr);
      if (dropped.is()) return;
      if (team.is_first() && poll.after_step(stop)) stopped = true;
    }
  });
  if (!finite) return Outcome::not_finite;
  return stopped || dropped.is() ? Outcome::stopped : Outcome::done;
}

}  // namespace foxnn
