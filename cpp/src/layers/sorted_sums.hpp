// Products whose terms are summed from the smallest to the largest. This is slow, but closer to the
// exact sum if large terms cancel next to many small ones. It is plain C++ outside the kernel sets,
// so that all of them give the same bits here.
#pragma once

#include "foxnn/layer.hpp"

namespace foxnn {

/// c[m x width] = bias + a[m x k] . panel[k x width]; no bias is added if it is null. The products
/// and the bias are rounded individually and summed in order of magnitude; of two with equal
/// magnitude, the negative one comes first. `terms` is memory for k + 1 numbers.
template <class T>
void multiply_sorted(index m, index k, const Rows<const T>& a, const T* panel, index width,
                     const T* bias, T* c, index ldc, T* terms);

/// The same for rows first_row ... first_row + m - 1 of stored rows.
template <class T>
void multiply_sorted(index m, const StoredRows<T>& a, index first_row, const T* panel, index width,
                     const T* bias, T* c, index ldc, T* terms);

}  // namespace foxnn
