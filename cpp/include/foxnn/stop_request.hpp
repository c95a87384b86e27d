// How the user of a long call ends it before its time.
#pragma once

#include <functional>
#include <stdexcept>

namespace foxnn {

/// Asked now and then by the long calls, in the thread that called; true makes them stop.
using StopRequest = std::function<bool()>;

/// Asked by a layer that computes for long, between pieces of its work: whether to leave the rest
/// undone, since nobody will use it.
class Leaving {
 public:
  virtual ~Leaving() = default;
  virtual bool now() = 0;
};

/// Thrown by calls that have nothing to return when they were stopped.
class Stopped : public std::runtime_error {
 public:
  Stopped() : std::runtime_error("stopped on request") {}
};

}  // namespace foxnn
