// SPDX-License-Identifier: Apache-2.0
// Law of A^2 when nothing was estimated.
#include <cmath>

#include "stats/threshold.h"

namespace assay::stats {

// Anderson & Darling (1952), their series for the limit law:
// P(A^2 <= z) = sqrt(2 pi) / z sum_j (-1)^j G(j + 1/2) / (G(1/2) j!) (4 j + 1)
//   exp(-(4 j + 1)^2 pi^2 / (8 z)) int_0^inf exp(z / (8 (w^2 + 1)) - (4 j + 1)^2 pi^2 w^2 / (8 z))
//   dw
double anderson_darling_case0_p(double a2) {
  if (!(a2 > 0.02)) return 1;
  if (a2 > 60) return 0;
  constexpr double kPi = 3.14159265358979323846;
  double sum = 0, coefficient = 1;
  for (int j = 0; j < 20; ++j) {
    if (j > 0) coefficient *= -(j - 0.5) / j;
    const double t = (4 * j + 1) * (4 * j + 1) * kPi * kPi / (8 * a2);
    if (t > 700) break;
    // The integrand is analytic and falls like a normal density: the trapezoid rule is exact
    // enough.
    const double reach = std::sqrt(40 / t), h = reach / 400;
    double integral = 0;
    for (int i = 0; i <= 400; ++i) {
      const double w = h * i;
      integral += (i == 0 ? 0.5 : 1) * std::exp(a2 / (8 * (w * w + 1)) - t * w * w);
    }
    sum += coefficient * (4 * j + 1) * std::exp(-t) * integral * h;
  }
  const double p = 1 - std::sqrt(2 * kPi) / a2 * sum;
  return p < 0 ? 0 : (p > 1 ? 1 : p);
}

}  // namespace assay::stats
