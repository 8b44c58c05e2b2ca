// SPDX-License-Identifier: Apache-2.0
#include "stats/special.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <numbers>

#include "stats/quiet.h"

namespace assay::stats {

namespace bm = boost::math;

double clamp_confidence(double confidence) {
  if (!(confidence > 0)) return 0.5;  // also NaN
  return std::min(confidence, 1 - 1e-12);
}

double binomial_cdf(int64_t k, int64_t n, double q) {
  if (k < 0) return 0;
  if (k >= n) return 1;
  if (q <= 0) return 1;
  if (q >= 1) return 0;
  return bm::ibetac(static_cast<double>(k + 1), static_cast<double>(n - k), q, Quiet());
}

double normal_cdf(double z) { return bm::erfc(-z / std::numbers::sqrt2, Quiet()) / 2; }

double normal_quantile(double p) {
  if (p <= 0) return -INFINITY;
  if (p >= 1) return INFINITY;
  return -std::numbers::sqrt2 * bm::erfc_inv(2 * p, Quiet());
}

double t_tail(double t, double df) { return bm::ibeta(df / 2, 0.5, df / (df + t * t), Quiet()); }

double t_critical(double two_sided, double df) {
  const double x = bm::ibeta_inv(df / 2, 0.5, two_sided, Quiet());
  return x > 0 ? std::sqrt(df * (1 - x) / x) : INFINITY;
}

double unit(double p) { return p >= 0 ? std::min(p, 1.0) : (p < 0 ? 0.0 : 1.0); }

double chi_square_tail(double x, double df) {
  if (!(df > 0) || !(x > 0)) return 1;
  if (std::isinf(x)) return 0;
  return unit(bm::gamma_q(df / 2, x / 2, Quiet()));
}

double kolmogorov_tail(double lambda) {
  if (!(lambda > 0)) return 1;
  if (lambda < 1.18) {  // the other series converges where this one does not
    const double y = std::exp(-std::numbers::pi * std::numbers::pi / (8 * lambda * lambda));
    const double sum = y + std::pow(y, 9) + std::pow(y, 25) + std::pow(y, 49);
    return unit(1 - std::sqrt(2 * std::numbers::pi) / lambda * sum);
  }
  double sum = 0;
  for (int j = 1; j <= 20; ++j) {
    const double term = std::exp(-2.0 * j * j * lambda * lambda);
    sum += j % 2 ? term : -term;
    if (term < 1e-17 * sum) break;
  }
  return unit(2 * sum);
}

int64_t smallest_power(double base, double alpha) {
  if (!(base > 0)) return 1;
  if (base >= 1) return 0;  // no n is large enough
  const double exact = std::log(alpha) / std::log(base);
  if (!(exact < 9e15)) return 0;
  auto n = static_cast<int64_t>(std::ceil(exact * (1 - 1e-14)));
  return std::max<int64_t>(n, 1);
}

}  // namespace assay::stats
