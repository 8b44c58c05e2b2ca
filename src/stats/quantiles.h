// SPDX-License-Identifier: Apache-2.0
// Quantiles of latencies with bounds that hold for dependent samples too, or a refusal. Pure
// functions; intervals.h has the ranks for independent samples.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stats/intervals.h"

namespace assay::stats {

// Above this tau of the exceedance indicator the ranks use the effective sample size; below, the
// exact binomial ranks. Bought by simulation
// (quantiles_slow_test.cc, ThresholdOfTau): independent samples, n = 1000, exceed 1.1 in 22 %
// and 1.2 in 10 % of cases by chance; weak dependence under 1.2 costs the exact ranks under 1 % of
// coverage.
inline constexpr double kTauIndependent = 1.2;
// With dependence, the fewest effective exceedances n_e (1-q), and n_e q below, that carry a bound:
// under it the coverage breaks down (statistics.md section 4: 0.71 at nominal 0.95). The tau of
// section 4 is raised by 1.5 times its relative error, 1/sqrt(effective exceedances), before use:
// near this limit the rows that are carried are those whose tau came out small by chance. So an
// audit prints a wrong upper bound in 0.03 to 0.055 of cases (nominal 0.05; phi .95, q .99, n 10^4
// and 2 10^4, quantiles_slow_test.cc); but of the few rows printed right at the limit a quarter is
// wrong (n 10^4, where 87 % are refused).
inline constexpr double kFewestEffective = 10;

struct QuantileRow {
  double q = 0;
  int64_t estimate = 0;      // observed value x_(ceil(nq)), ns; to print only when carried()
  double tau = 1;            // of 1{x > estimate}, section 4
  double n_effective = 0;    // n / tau; above kTauIndependent less: tau is raised, see above
  double confidence = 0.95;  // of each bound below, after Bonferroni
  std::optional<int64_t> lower, upper;  // two-sided
  std::optional<int64_t> upper_one_sided;
  int64_t n_needed = 0;  // when not carried: the smallest n that could carry it at this tau
  std::string refusal;   // when not carried: why, in words; else empty
  // A row that n cannot carry is never printed as a number: "not available, need n >= n_needed".
  bool carried() const { return lower && upper; }
};

struct QuantileOptions {
  std::vector<double> q = {.5, .9, .95, .99, .999};
  double confidence = .95;
  bool simultaneous = false;  // Bonferroni over q: all bounds hold together
  bool dependent = true;      // false: samples known to be independent (run-level values)
};

// tau of the indicator that a sample exceeds the q-quantile's estimate; that it reaches it when
// none exceeds it (many ties at the top, as from a coarse clock). Spans as in quantile_table().
double quantile_tau(std::span<const int64_t> run_order, std::span<const int64_t> sorted, double q);

// One row per q. `run_order`: the samples as they came; `sorted`: the same, ascending (the caller
// has it anyway). q outside (0,1), empty or unequal spans: rows that are refused. Source:
// statistics.md section 4 (order statistics; with dependence q_U = 1 - BetaInv(alpha; n_e(1-q), n_e
// q + 1), bound x_(ceil(n q_U)), the lower bound by mirror image).
std::vector<QuantileRow> quantile_table(std::span<const int64_t> run_order,
                                        std::span<const int64_t> sorted,
                                        const QuantileOptions& options = {});
QuantileRow quantile_row(std::span<const int64_t> run_order, std::span<const int64_t> sorted,
                         double q, double confidence, bool dependent = true);

// One-sided ranks as in intervals.h when only n_effective of the n samples count, not rounded to
// whole samples. Absent when n_e (1-q) or n_e q is under kFewestEffective, or when not even the
// extreme sample is a bound at this confidence.
std::optional<int64_t> upper_rank(int64_t n, double q, double confidence, double n_effective);
std::optional<int64_t> lower_rank(int64_t n, double q, double confidence, double n_effective);

// Half width of the band about the whole empirical distribution function
// (Dvoretzky-Kiefer-Wolfowitz with Massart's constant): sqrt(ln(2/alpha) / 2n), at most 1; 1 for n
// < 1. For independent samples: pass n/tau for others.
double dkw_half_width(int64_t n, double confidence);

}  // namespace assay::stats
