// Coefficients of the elementary functions, lowest power first; which function, on which
// range and with what error stands above each. Written by cpp/tools/fit_polynomials.py.
#pragma once

// clang-format off
namespace foxnn {
namespace {

template <class T> struct Polynomials;

template <> struct Polynomials<float> {
  // (e^r - 1 - r) / r^2 on [-3/4 ln(2), ln(2)/2]; weighted error 3.2e-11
  static constexpr float kExp[] = {
      5.0e-1f, 1.66666667e-1f, 4.16666422e-2f, 8.33331256e-3f,
      1.38927248e-3f, 1.98891392e-4f, 2.31180465e-5f,
  };
  // (2 atanh(s)/s - 2) / s^2 in s^2, |s| <= (sqrt(2)-1)/(sqrt(2)+1); weighted error 1.1e-11
  static constexpr float kLog[] = {
      6.66666658e-1f, 4.00003015e-1f, 2.85391078e-1f, 2.35523556e-1f,
  };
  // (sin(r) - r) / r^3 in r^2, |r| <= pi/4; weighted error 5.4e-12
  static constexpr float kSin[] = {
      -1.66666666e-1f, 8.33332956e-3f, -1.98393762e-4f, 2.71862458e-6f,
  };
  // (cos(r) - 1 + r^2/2) / r^4 in r^2, |r| <= pi/4; weighted error 1.9e-13
  static constexpr float kCos[] = {
      4.16666666e-2f, -1.38888856e-3f, 2.47999354e-5f, -2.72404078e-7f,
  };
  // (atan(x) - x) / x^3 in x^2, |x| <= tan(pi/8); weighted error 9.5e-10
  static constexpr float kAtan[] = {
      -3.33333238e-1f, 1.99989005e-1f, -1.42504449e-1f, 1.06387661e-1f,
      -6.18047654e-2f,
  };
  // e^(t^2) erfc(t) (1 + 2t) in v, t = 4 (1 + v)/(1 - v); weighted error 2.2e-9
  static constexpr float kErfcx[] = {
      1.23299512f, -1.39621091e-1f, 1.53798264e-2f, 6.80962635e-2f,
      -1.01041637e-1f, 9.37397032e-2f, -6.63159962e-2f, 3.71416174e-2f,
      -1.62363842e-2f, 5.08110314e-3f, -7.03725473e-4f, -2.48010393e-4f,
      1.12383767e-4f,
  };
};

template <> struct Polynomials<double> {
  // (e^r - 1 - r) / r^2 on [-3/4 ln(2), ln(2)/2]; weighted error 6.6e-20
  static constexpr double kExp[] = {
      5.0e-1, 1.6666666666666667e-1, 4.1666666666666526e-2, 8.3333333333324789e-3,
      1.3888888888953918e-3, 1.9841269844439172e-4, 2.4801587193207711e-5, 2.7557313916553916e-6,
      2.7557380754773366e-7, 2.5056205789031592e-8, 2.0883332059037559e-9, 1.4885602096354563e-10,
  };
  // (2 atanh(s)/s - 2) / s^2 in s^2, |s| <= (sqrt(2)-1)/(sqrt(2)+1); weighted error 2.2e-20
  static constexpr double kLog[] = {
      6.6666666666666664e-1, 4.0000000000003654e-1, 2.8571428569764516e-1, 2.2222222560135344e-1,
      1.8181781694578276e-1, 1.5386857289236166e-1, 1.3254846955410324e-1, 1.3212266741658518e-1,
  };
  // (sin(r) - r) / r^3 in r^2, |r| <= pi/4; weighted error 2.2e-21
  static constexpr double kSin[] = {
      -1.6666666666666667e-1, 8.3333333333333245e-3, -1.9841269841256681e-4, 2.7557319214889778e-6,
      -2.5052105068316716e-8, 1.6058384169063351e-10, -7.5794737629542676e-13,
  };
  // (cos(r) - 1 + r^2/2) / r^4 in r^2, |r| <= pi/4; weighted error 5.0e-23
  static constexpr double kCos[] = {
      4.1666666666666667e-2, -1.3888888888888885e-3, 2.4801587301579942e-5, -2.7557319218731149e-7,
      2.0876755067991351e-9, -1.1470367565149122e-11, 4.7412492680498677e-14,
  };
  // (atan(x) - x) / x^3 in x^2, |x| <= tan(pi/8); weighted error 2.0e-18
  static constexpr double kAtan[] = {
      -3.3333333333333313e-1, 1.9999999999983861e-1, -1.4285714282969964e-1, 1.1111110910648553e-1,
      -9.0909011377827371e-2, 7.6921161370568377e-2, -6.663698512627002e-2, 5.851953220901291e-2,
      -5.0565780441175146e-2, 3.8479998634237241e-2, -1.8339200484307019e-2,
  };
  // e^(t^2) erfc(t) (1 + 2t) in v, t = 4 (1 + v)/(1 - v); weighted error 1.9e-16
  static constexpr double kErfcx[] = {
      1.2329951186255526, -1.3962111684055717e-1, 1.5379652102605338e-2, 6.8097054254217365e-2,
      -1.0103906603564694e-1, 9.3732835010847889e-2, -6.6330365823897852e-2, 3.7167515385497172e-2,
      -1.6197733951483978e-2, 5.0319710077743541e-3, -7.5777385227389817e-4, -1.9926097331490941e-4,
      1.5062353359092565e-4, -2.4387745421697296e-5, -1.1225940633323165e-5, 5.6894741859396659e-6,
      2.9904561062579544e-7, -8.0196557387474819e-7, 7.0367063411106096e-8, 9.2927674108930179e-8,
      -1.6034043908677864e-8, -6.9875730973769797e-9, 1.5113133135155941e-9,
  };
};

}  // namespace
}  // namespace foxnn
// clang-format on
