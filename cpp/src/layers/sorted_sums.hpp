// Products whose terms are summed from the smallest to the largest: slow, and nearer to the exact
// sum where large terms cancel beside many small ones. Plain C++ outside of the kernel sets, so
// that all of them give the same bits here.
#pragma once

#include "foxnn/rows.hpp"

namespace foxnn {

/// c[m x width] = bias + a[m x k] . panel[k x width], without a bias where it is null. The products
/// and the bias are rounded one by one, and summed by magnitude, of two equal ones the negative
/// first. `terms` lends room for k + 1 numbers.
template <class T>
void multiply_sorted(index m, index k, const Rows<const T>& a, const T* panel, index width,
                     const T* bias, T* c, index ldc, T* terms);

}  // namespace foxnn
