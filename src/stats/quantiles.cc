// SPDX-License-Identifier: Apache-2.0
#include "stats/quantiles.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

#include "stats/dependence.h"
#include "stats/quiet.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

namespace bm = boost::math;

constexpr double kCaution = 1.5;  // relative errors by which tau is raised

bool in_open_unit(double q) { return q > 0 && q < 1; }

// Smallest n whose samples carry both limits of the two-sided interval, independent samples.
int64_t needed_independent(double q, double confidence) {
  const double half_alpha = (1 - clamp_confidence(confidence)) / 2;
  return std::max(smallest_power(q, half_alpha), smallest_power(1 - q, half_alpha));
}

// n over tau, tau raised by 1.5 times its own relative error, which is about one over the root of
// the number of effective exceedances: else the rows that are carried are those whose tau came out
// too small by chance, and they miss twice as often as they may (quantiles_slow_test.cc).
double raised(double plain, double q) {
  return 1 + kCaution / std::sqrt(std::max(1.0, plain * std::min(q, 1 - q)));
}
double cautious_size(int64_t n, double q, double tau) {
  const double plain = static_cast<double>(n) / tau;
  return plain / raised(plain, q);
}

// The smallest n whose cautious size carries the limits when the samples depend.
int64_t needed_dependent(double q, double confidence, double tau) {
  const double effective = std::max(kFewestEffective / std::min(q, 1 - q),
                                    static_cast<double>(needed_independent(q, confidence)));
  double plain = effective;
  for (int i = 0; i < 50; ++i) plain = effective * raised(plain, q);  // a contraction
  const double n = std::ceil(tau * plain * (1 + 1e-12));
  return n < 9e15 ? static_cast<int64_t>(n) : 0;
}

}  // namespace

std::optional<int64_t> upper_rank(int64_t n, double q, double confidence, double n_effective) {
  if (n < 1 || !in_open_unit(q) || !(n_effective > 0) || !std::isfinite(n_effective))
    return std::nullopt;
  n_effective = std::min(n_effective, static_cast<double>(n));
  if (n_effective * std::min(q, 1 - q) < kFewestEffective) return std::nullopt;
  const double alpha = 1 - clamp_confidence(confidence);
  if (n_effective * std::log(q) > std::log(alpha)) return std::nullopt;  // not even the maximum
  // Of n_e samples n_e (1-q) exceed the estimate; the lower Clopper-Pearson limit of their share.
  const double share = bm::ibeta_inv(n_effective * (1 - q), n_effective * q + 1, alpha, Quiet());
  if (!(share >= 0) || !(share <= 1)) return std::nullopt;
  const double rank = std::ceil(static_cast<double>(n) * (1 - share));
  return std::clamp<int64_t>(static_cast<int64_t>(rank), 1, n);
}

std::optional<int64_t> lower_rank(int64_t n, double q, double confidence, double n_effective) {
  const auto mirror = upper_rank(n, 1 - q, confidence, n_effective);
  if (!mirror) return std::nullopt;
  return n + 1 - *mirror;
}

double quantile_tau(std::span<const int64_t> run_order, std::span<const int64_t> sorted, double q) {
  if (sorted.empty()) return 1;
  const int64_t estimate = quantile_point(sorted, q);
  const bool none_above = estimate == sorted.back() && estimate > sorted.front();
  return exceedance_tau(run_order, none_above ? estimate - 1 : estimate);
}

QuantileRow quantile_row(std::span<const int64_t> run_order, std::span<const int64_t> sorted,
                         double q, double confidence, bool dependent) {
  QuantileRow row;
  row.q = q;
  row.confidence = clamp_confidence(confidence);
  const auto n = static_cast<int64_t>(sorted.size());
  if (!in_open_unit(q)) {
    row.refusal = "not a quantile level in (0, 1)";
    return row;
  }
  row.n_needed = needed_independent(q, confidence);
  if (sorted.empty() || (dependent && run_order.size() != sorted.size())) {
    row.refusal = sorted.empty() ? "no samples" : "the samples in run order are missing";
    return row;
  }
  row.estimate = quantile_point(sorted, q);
  if (dependent) row.tau = quantile_tau(run_order, sorted, q);
  row.n_effective = static_cast<double>(n) / row.tau;
  if (row.tau > kTauIndependent) row.n_effective = cautious_size(n, q, row.tau);
  const double two_sided = 1 - (1 - row.confidence) / 2;
  const bool corrected = row.tau > kTauIndependent;
  const auto upper_at = [&](double level) -> std::optional<int64_t> {
    const auto rank =
        corrected ? upper_rank(n, q, level, row.n_effective) : upper_rank(n, q, level);
    return rank ? std::optional(sorted[static_cast<size_t>(*rank - 1)]) : std::nullopt;
  };
  const auto low =
      corrected ? lower_rank(n, q, two_sided, row.n_effective) : lower_rank(n, q, two_sided);
  if (low) row.lower = sorted[static_cast<size_t>(*low - 1)];
  row.upper = upper_at(two_sided);
  row.upper_one_sided = upper_at(row.confidence);
  if (row.carried()) {
    row.n_needed = 0;
  } else if (corrected) {
    row.n_needed = needed_dependent(q, row.confidence, row.tau);
    row.refusal = "samples depend on each other: too few effective exceedances";
  } else {
    row.refusal = "too few samples";
  }
  return row;
}

std::vector<QuantileRow> quantile_table(std::span<const int64_t> run_order,
                                        std::span<const int64_t> sorted,
                                        const QuantileOptions& options) {
  std::vector<QuantileRow> rows;
  double confidence = clamp_confidence(options.confidence);
  if (options.simultaneous && !options.q.empty())
    confidence = 1 - (1 - confidence) / static_cast<double>(options.q.size());
  for (const double q : options.q)
    rows.push_back(quantile_row(run_order, sorted, q, confidence, options.dependent));
  return rows;
}

double dkw_half_width(int64_t n, double confidence) {
  if (n < 1) return 1;
  const double alpha = 1 - clamp_confidence(confidence);
  return std::min(1.0, std::sqrt(std::log(2 / alpha) / (2 * static_cast<double>(n))));
}

}  // namespace assay::stats
