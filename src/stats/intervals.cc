// SPDX-License-Identifier: Apache-2.0
#include "stats/intervals.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "stats/quiet.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

namespace bm = boost::math;

// Clopper-Pearson limits at `alpha` on that side alone.
double upper_limit(int64_t x, int64_t n, double alpha) {
  if (x >= n) return 1;
  const double p =
      bm::ibetac_inv(static_cast<double>(x + 1), static_cast<double>(n - x), alpha, Quiet());
  return std::isfinite(p) ? std::clamp(p, 0.0, 1.0) : 1.0;  // fails towards the weaker claim
}
double lower_limit(int64_t x, int64_t n, double alpha) {
  if (x <= 0) return 0;
  const double p =
      bm::ibeta_inv(static_cast<double>(x), static_cast<double>(n - x + 1), alpha, Quiet());
  return std::isfinite(p) ? std::clamp(p, 0.0, 1.0) : 0.0;
}

}  // namespace

int64_t quantile_point(std::span<const int64_t> sorted, double q) {
  if (sorted.empty()) return 0;
  const auto n = static_cast<double>(sorted.size());
  // n*q of, say, 1000 * .999 may come out a hair above the integer: take that hair away before
  // ceil.
  double rank = std::ceil(n * q * (1 - 4 * std::numeric_limits<double>::epsilon()));
  if (!(rank >= 1)) rank = 1;
  return sorted[static_cast<size_t>(std::min(rank, n)) - 1];
}

std::optional<int64_t> upper_rank(int64_t n, double q, double confidence) {
  if (n < 1 || !(q > 0) || !(q <= 1)) return std::nullopt;
  const double wanted = clamp_confidence(confidence);
  // The cdf at n-1 decides whether there is a rank at all.
  if (1 - binomial_cdf(n - 1, n, q) > 1 - wanted) return std::nullopt;
  int64_t low = 1, high = n;
  while (low < high) {
    const int64_t mid = low + (high - low) / 2;
    if (binomial_cdf(mid - 1, n, q) >= wanted)
      high = mid;
    else
      low = mid + 1;
  }
  return low;
}

std::optional<int64_t> lower_rank(int64_t n, double q, double confidence) {
  if (n < 1 || !(q > 0) || !(q <= 1)) return std::nullopt;
  const double alpha = 1 - clamp_confidence(confidence);
  if (binomial_cdf(0, n, q) > alpha) return std::nullopt;
  int64_t low = 1, high = n;
  while (low < high) {
    const int64_t mid = low + (high - low + 1) / 2;
    if (binomial_cdf(mid - 1, n, q) <= alpha)
      low = mid;
    else
      high = mid - 1;
  }
  return low;
}

Ranks quantile_ranks(int64_t n, double q, double confidence) {
  const double one_side = 1 - (1 - clamp_confidence(confidence)) / 2;
  return {lower_rank(n, q, one_side), upper_rank(n, q, one_side)};
}

Interval quantile_interval(std::span<const int64_t> sorted, double q, double confidence) {
  Interval out;
  out.confidence = clamp_confidence(confidence);
  out.n = static_cast<int64_t>(sorted.size());
  if (sorted.empty()) return out;
  out.estimate = static_cast<double>(quantile_point(sorted, q));
  const Ranks ranks = quantile_ranks(out.n, q, confidence);
  if (ranks.lower) out.lower = static_cast<double>(sorted[*ranks.lower - 1]);
  if (ranks.upper) out.upper = static_cast<double>(sorted[*ranks.upper - 1]);
  const double half_alpha = (1 - out.confidence) / 2;
  if (!ranks.upper) out.n_needed = smallest_power(q, half_alpha);
  if (!ranks.lower) out.n_needed = std::max(out.n_needed, smallest_power(1 - q, half_alpha));
  return out;
}

int64_t quantile_n_needed(double q, double one_sided_confidence) {
  return smallest_power(q, 1 - clamp_confidence(one_sided_confidence));
}

Interval clopper_pearson(int64_t x, int64_t n, double confidence) {
  Interval out;
  out.confidence = clamp_confidence(confidence);
  out.n = std::max<int64_t>(n, 0);
  if (n < 1) {
    out.lower = 0;
    out.upper = 1;
    return out;
  }
  x = std::clamp<int64_t>(x, 0, n);
  const double half_alpha = (1 - out.confidence) / 2;
  out.estimate = static_cast<double>(x) / static_cast<double>(n);
  out.lower = lower_limit(x, n, half_alpha);
  out.upper = upper_limit(x, n, half_alpha);
  return out;
}

double clopper_pearson_upper(int64_t x, int64_t n, double confidence) {
  if (n < 1) return 1;
  return upper_limit(std::clamp<int64_t>(x, 0, n), n, 1 - clamp_confidence(confidence));
}

Proportion proportion(std::span<const uint8_t> hit, Design design,
                      std::span<const int64_t> clusters, double confidence) {
  Proportion out;
  out.confidence = clamp_confidence(confidence);
  out.unit = "none";
  out.n = static_cast<int64_t>(hit.size());
  for (const uint8_t h : hit) out.count += h != 0;
  if (design == Design::independent) {
    out.unit = "input";
    out.unit_count = out.count;
    out.units = out.n;
  } else if (design == Design::clustered && clusters.size() == hit.size()) {
    std::unordered_map<int64_t, bool> seen;
    for (size_t i = 0; i < hit.size(); ++i) {
      bool& any = seen[clusters[i]];
      any = any || hit[i] != 0;
    }
    out.unit = "cluster";
    out.units = static_cast<int64_t>(seen.size());
    for (const auto& [cluster, any] : seen) out.unit_count += any;
  }
  if (out.units < 1)
    return out;  // fixed, empty, or clusters that do not fit: no claim beyond the count
  if (out.unit_count == 0) {
    out.lower = 0;
    out.upper = clopper_pearson_upper(0, out.units, confidence);
  } else {
    const Interval bound = clopper_pearson(out.unit_count, out.units, confidence);
    out.lower = bound.lower;
    out.upper = bound.upper;
  }
  return out;
}

double mcnemar_p(int64_t b, int64_t c) {
  b = std::max<int64_t>(b, 0);
  c = std::max<int64_t>(c, 0);
  return std::min(1.0, 2 * binomial_cdf(std::min(b, c), b + c, 0.5));
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto value = [&](size_t i) {
    return p[i] >= 0 && p[i] <= 1 ? p[i] : 1.0;
  };  // NaN claims nothing
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return value(a) < value(b); });
  std::vector<double> adjusted(p.size());
  double running = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    running =
        std::max(running, std::min(1.0, static_cast<double>(p.size() - rank) * value(order[rank])));
    adjusted[order[rank]] = running;
  }
  return adjusted;
}

}  // namespace assay::stats
