// The activation of columns that do not fill their last line: those of several rows go into one
// register together.
#pragma once

#include "foxnn/activation.hpp"
#include "foxnn/rows.hpp"

namespace foxnn {

/// Whether a register of values takes no longer than a few copies.
inline bool is_cheap(ActivationKind kind) {
  using enum ActivationKind;
  return kind == relu || kind == leaky_relu || kind == identity || kind == softmax;
}

/// z = f(z) on [rows x columns], in place. Some of the columns up to the next line become f(z),
/// too.
template <class T>
void activate_used(ActivationKind kind, index rows, index columns, T* z, index ldz, T parameter);

extern template void activate_used(ActivationKind, index, index, float*, index, float);
extern template void activate_used(ActivationKind, index, index, double*, index, double);

}  // namespace foxnn
