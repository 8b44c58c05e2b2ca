// SPDX-License-Identifier: Apache-2.0
#include "stats/noninferiority.h"

#include <algorithm>
#include <cmath>

#include "stats/intervals.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

// Score statistic of "the loss is delta": the difference over its standard error under that
// hypothesis, with the share of c estimated by maximum likelihood (root of a quadratic, Tango
// 1998). Falls from +infinity to -infinity as delta goes from -1 to 1.
double score(double b, double c, double n, double delta) {
  const double linear = -b - c + (2 * n - b + c) * delta;
  const double constant = -c * delta * (1 - delta);
  const double root = std::sqrt(std::max(0.0, linear * linear - 8 * n * constant));
  const double share = std::max({0.0, -delta, (root - linear) / (4 * n)});
  const double variance = n * (2 * share + delta * (1 - delta));
  const double distance = b - c - n * delta;
  if (variance > 0) return distance / std::sqrt(variance);
  return distance > 0 ? INFINITY : distance < 0 ? -INFINITY : 0;
}

// The delta at which the score is z.
double solve(double b, double c, double n, double z) {
  double low = -1, high = 1;
  for (int i = 0; i < 100; ++i) {
    const double mid = (low + high) / 2;
    (score(b, c, n, mid) > z ? low : high) = mid;
  }
  return (low + high) / 2;
}

}  // namespace

AccuracyLoss accuracy_loss(int64_t b, int64_t c, int64_t n, double margin, double alpha) {
  AccuracyLoss out;
  out.method = "none";
  if (n < 1 || b < 0 || c < 0 || b > n || c > n - b || !(alpha > 0) || !(alpha < 0.5)) return out;
  const auto worse = static_cast<double>(b), better = static_cast<double>(c),
             total = static_cast<double>(n);
  out.loss = (worse - better) / total;
  if (b + c < 10) {
    out.method = "exact";
    // Each limit of the difference takes one limit of b and one of c: alpha/2 each keeps alpha.
    const double confidence = 1 - alpha;  // two-sided, so alpha/2 on each side
    const Interval up = clopper_pearson(b, n, confidence), down = clopper_pearson(c, n, confidence);
    out.upper = *up.upper - *down.lower;
    out.lower = *up.lower - *down.upper;
  } else {
    out.method = "score";
    const double z = normal_quantile(1 - alpha);
    out.upper = solve(worse, better, total, -z);
    out.lower = solve(worse, better, total, z);
  }
  out.noninferior = out.upper < margin;
  return out;
}

}  // namespace assay::stats
