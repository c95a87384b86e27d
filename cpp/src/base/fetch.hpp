// Prefetching of numbers that several workers use: many lines at once, where loads or stores would
// wait for one after the other. A line of another core takes 40 to 140 ns.
#pragma once

#include "foxnn/rows.hpp"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define FOXNN_CLAIMS [[gnu::target("prfchw")]]
#else
#define FOXNN_CLAIMS
#endif

namespace foxnn {

/// Numbers that are to be read, and that another worker may have written.
template <class T>
void fetch(const T* first, index count) {
  constexpr int kSecondLevel = 2;
  constexpr index kLine = 64 / static_cast<index>(sizeof(T));
  for (index i = 0; i < count; i += kLine) __builtin_prefetch(first + i, 0, kSecondLevel);
}

/// Numbers that are to be written, and that another worker may have read: so that its copies are
/// dropped meanwhile. (Processors without prfchw ignore it.)
template <class T>
FOXNN_CLAIMS void claim(const T* first, index count) {
  constexpr index kLine = 64 / static_cast<index>(sizeof(T));
  for (index i = 0; i < count; i += kLine) __builtin_prefetch(first + i, 1);
}

}  // namespace foxnn
