// What can go wrong, as exceptions. Bad arguments are std::invalid_argument, bad positions
// std::out_of_range, missing memory std::bad_alloc; here is only what the standard lacks.
#pragma once

#include <stdexcept>

namespace foxnn {

/// Training made the loss stop being finite; the network holds its last finite weights.
class DivergedError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace foxnn
