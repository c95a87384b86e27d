// The functions that normal random numbers are made with: log, sine and cosine in float64, rounded
// after every product and every sum. So they have had the same bits on every processor since the
// first version, and are fast on each of them.
#pragma once

#include "foxnn/rows.hpp"

namespace foxnn {

/// y[n] = f(x[n]); y may be x.
void draw_log(index n, const double* x, double* y);
void draw_sin(index n, const double* x, double* y);
void draw_cos(index n, const double* x, double* y);

}  // namespace foxnn
