// Which processor each worker of a team begins on. A system may wake a worker on the processor of
// one that runs, while others are idle (of a Linux guest, an idle virtual processor looks like a
// busy one), and it looks again only after some milliseconds: until then both take turns there.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace foxnn {

/// The processors on which the workers of a team have begun.
class Apart {
 public:
  /// Called by each worker before its work. One that begins where another has begun goes to a
  /// processor on which none has, if it may use any. Systems other than Linux are left alone.
  void begin_worker();
  /// Called by the first worker after begin_worker: lets others go that wait for its processor.
  void let_go(int workers) const;

 private:
  static constexpr int kMost = 1024;
  // Returns false if another worker has begun there.
  bool take(int processor);
  void leave();

  std::atomic<int> begun_{0};
  std::array<std::atomic<std::uint64_t>, kMost / 64> taken_{};
};

}  // namespace foxnn
