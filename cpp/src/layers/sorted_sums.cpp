// Sorted sums, computed for one output at a time.
#include "layers/sorted_sums.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <type_traits>

namespace foxnn {
namespace {

// Maps a number to bits that sort by magnitude and then by sign, negative before positive. Unlike
// the numbers themselves, which may be NaN, the bits always have an order. The order is the same if
// subnormals count as zero.
template <class T>
auto rank_of(T value) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return std::rotl(std::bit_cast<Bits>(value), 1) ^ Bits { 1 };
}

template <class T>
T sorted_sum(T* first, T* last) {
  std::sort(first, last, [](T a, T b) { return rank_of(a) < rank_of(b); });
  T sum = 0;
  for (const T* term = first; term != last; ++term) sum += *term;
  return sum;
}

}  // namespace

template <class T>
void multiply_sorted(index m, index k, const Rows<const T>& a, const T* panel, index width,
                     const T* bias, T* c, index ldc, T* terms) {
  for (index row = 0; row < m; ++row) {
    for (index column = 0; column < width; ++column) {
      T* end = terms;
      // Zeros do not change a sum, and images contain many of them.
      const auto add = [&end](T term) {
        *end = term;
        end += term != T(0) ? 1 : 0;
      };
      if (bias) add(bias[column]);
      for (index first = 0; first < k; first += kPanelWidth<T>) {
        const T* x = a.at(row, first / kPanelWidth<T>);
        const T* weights = panel + first * width + column;
        const index count = std::min(kPanelWidth<T>, k - first);
        for (index i = 0; i < count; ++i) add(x[i] * weights[i * width]);
      }
      c[row * ldc + column] = sorted_sum(terms, end);
    }
  }
}

template <class T>
void multiply_sorted(index m, const StoredRows<T>& a, index first_row, const T* panel, index width,
                     const T* bias, T* c, index ldc, T* terms) {
  for (index row = 0; row < m; ++row) {
    const std::uint32_t first = a.starts[first_row + row], last = a.starts[first_row + row + 1];
    for (index column = 0; column < width; ++column) {
      T* end = terms;
      const auto add = [&end](T term) {
        *end = term;
        end += term != T(0) ? 1 : 0;
      };
      add(bias[column]);
      for (std::uint32_t i = first; i < last; ++i) {
        add(a.values[i] * panel[index{a.columns[i]} * width + column]);
      }
      c[row * ldc + column] = sorted_sum(terms, end);
    }
  }
}

template void multiply_sorted(index, index, const Rows<const float>&, const float*, index,
                              const float*, float*, index, float*);
template void multiply_sorted(index, index, const Rows<const double>&, const double*, index,
                              const double*, double*, index, double*);
template void multiply_sorted(index, const StoredRows<float>&, index, const float*, index,
                              const float*, float*, index, float*);
template void multiply_sorted(index, const StoredRows<double>&, index, const double*, index,
                              const double*, double*, index, double*);

}  // namespace foxnn
