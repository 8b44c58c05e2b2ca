// SPDX-License-Identifier: Apache-2.0
#include "audit/build_pairs.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "stats/intervals.h"

namespace assay::audit {
namespace {

using stats::Equality;

// The estimate of a ratio needs one launch a side, its interval two. Absent for no values, and for
// any under 1 ns: they have no ratio.
std::optional<double> geometric_mean(const std::vector<double>& v) {
  double sum = 0;
  for (double x : v) {
    if (!(x >= 1)) return std::nullopt;
    sum += std::log(x);
  }
  if (v.empty()) return std::nullopt;
  return std::exp(sum / static_cast<double>(v.size()));
}

}  // namespace

PairClaims compare_builds(const std::vector<BuildValues>& builds, double margin, double alpha,
                          bool equivalence) {
  std::vector<stats::LogRatio> ratios;
  std::vector<std::pair<size_t, size_t>> which;
  std::vector<double> p;
  for (size_t i = 0; i < builds.size(); ++i) {
    for (size_t j = i + 1; j < builds.size(); ++j) {
      ratios.push_back(stats::compare_log_ratio(builds[i].values, builds[j].values, margin, alpha));
      which.emplace_back(i, j);
      p.push_back(ratios.back().p_difference);
    }
  }
  const std::vector<double> adjusted = stats::holm(p);
  PairClaims out;
  out.count = static_cast<int64_t>(ratios.size());
  out.p_equivalent = ratios.empty() ? 1 : 0;
  for (size_t k = 0; k < ratios.size(); ++k) {
    stats::LogRatio& r = ratios[k];
    if ((r.equality == Equality::different || r.equality == Equality::immaterial) &&
        adjusted[k] >= alpha)
      r.equality = Equality::inconclusive;
    if (!equivalence && r.equality == Equality::equivalent) r.equality = Equality::inconclusive;
    if (r.equality == Equality::different) {
      ++out.different;
      out.p_different = std::min(out.p_different, adjusted[k]);
    }
    // Immaterial is a difference whose interval may leave the margin: no proof of equivalence.
    out.equivalent += r.equality == Equality::equivalent;
    out.p_equivalent = std::max(out.p_equivalent, r.p_equivalence >= 0 ? r.p_equivalence : 1.0);
    const BuildValues& a = builds[which[k].first];
    const BuildValues& b = builds[which[k].second];
    Json ratio;
    const auto mean_a = geometric_mean(a.values), mean_b = geometric_mean(b.values);
    if (mean_a && mean_b) {
      const double estimate = *mean_b / *mean_a;
      out.widest = std::max({out.widest.value_or(1), estimate, 1 / estimate});
      ratio = estimate;
    }
    const bool bounded = r.lower > 0 && std::isfinite(r.upper);
    out.pairs.push_back({{"a", a.build},
                         {"b", b.build},
                         {"ratio", ratio},
                         {"lower", bounded ? Json(r.lower) : Json()},
                         {"upper", bounded ? Json(r.upper) : Json()},
                         {"p", adjusted[k]},
                         {"p_equivalence", r.p_equivalence},
                         {"word", stats::equality_word(r.equality)},
                         {"nvbench", bounded ? Json(stats::regression_word(stats::regression(
                                                   r.tost_lower, r.tost_upper, margin)))
                                             : Json()}});
  }
  return out;
}

std::string widest_text(const PairClaims& pairs) {
  return pairs.widest ? fmt::format("by up to {:.2f} %", (*pairs.widest - 1) * 100)
                      : std::string("by an unknown share");
}

}  // namespace assay::audit
