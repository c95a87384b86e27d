// The functions that normal random numbers are made with.
#include "kernels/draw_functions.hpp"

namespace foxnn {
namespace {

using FourFloats = float __attribute__((vector_size(16)));
using TwoDoubles = double __attribute__((vector_size(16)));

// What vec_reference.hpp multiplies and adds with.
template <class V>
V multiply_add(V a, V b, V c) {
  return a * b + c;
}

}  // namespace
}  // namespace foxnn

#include "kernels/vec_reference.hpp"

#include "kernels/math-inl.hpp"

namespace foxnn {

void draw_log(index n, const double* x, double* y) { map<double, log<double>>(n, x, y); }
void draw_sin(index n, const double* x, double* y) { map<double, sin<double>>(n, x, y); }
void draw_cos(index n, const double* x, double* y) { map<double, cos<double>>(n, x, y); }

}  // namespace foxnn
