// How the caller of a long function stops it early.
#pragma once

#include <functional>
#include <stdexcept>

namespace foxnn {

/// Polled by long calls, in the calling thread; true stops the call.
using StopRequest = std::function<bool()>;

/// Polled by a layer between the pieces of a long computation: whether to skip the rest, because
/// its result will not be used.
class Leaving {
 public:
  virtual ~Leaving() = default;
  virtual bool now() = 0;
};

/// Thrown by functions that have no result to return when they are stopped.
class Stopped : public std::runtime_error {
 public:
  Stopped() : std::runtime_error("stopped on request") {}
};

}  // namespace foxnn
