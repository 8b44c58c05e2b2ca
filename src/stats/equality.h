// SPDX-License-Identifier: Apache-2.0
// Are two engines equal within a margin fixed beforehand? Two one-sided tests (TOST), never "the
// difference was not significant". Source: statistics.md section 7.1. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::stats {

// EQUIVALENT when the 1-2 alpha interval of the log ratio lies within +-ln(1+margin); DIFFERENT
// when the 1-alpha interval excludes 0 and the point lies outside the margin; IMMATERIAL when it
// excludes 0 but the point lies inside the margin; else INCONCLUSIVE.
enum class Equality { equivalent, different, immaterial, inconclusive };
std::string_view equality_word(Equality e);  // the one table of these words

// Two sets of run-level values (each > 0: one number per launch), Welch's t on logs. Fewer than 2
// values on a side, or a value that is not positive and finite: INCONCLUSIVE. Values without any
// scatter on both sides leave t no error: then p_difference is that of a permutation of the values
// and p_equivalence 2^-n, n of the smaller side (a sign test about the medians), and the interval
// is unbounded unless 2^-n < alpha. So equality of constants takes 5 launches a side at alpha .05.
struct LogRatio {
  double ratio = 1, lower = 0, upper = 0;  // b/a with the 1-alpha interval
  double tost_lower = 0, tost_upper = 0;   // 1-2 alpha: what is held against the margin
  double p_difference = 1;
  double p_equivalence = 1;  // TOST: the larger of the two one-sided p
  Equality equality = Equality::inconclusive;
  int64_t n_a = 0, n_b = 0;
};
LogRatio compare_log_ratio(std::span<const double> a, std::span<const double> b, double margin,
                           double alpha);
// The same for pairs (a[i], b[i]) measured side by side (rule 11).
LogRatio compare_log_ratio_paired(std::span<const double> a, std::span<const double> b,
                                  double margin, double alpha);

// "All engines are equal" is an intersection-union claim: every pair at alpha, no correction. The
// words of the whole: equivalent when each pair is; else different when some pair is and survives
// Holm over all pairs at alpha; else inconclusive. p_equivalence is the largest.
struct AllEqual {
  Equality equality = Equality::inconclusive;
  double p_equivalence = 1;
  int64_t pairs = 0, equivalent = 0, different = 0;
};
AllEqual all_equal(std::span<const LogRatio> pairs, double alpha);

// The q-quantiles of two single processes, each with its samples in run order (ns), by MOVER on
// logs: order-statistic limits of each side (ESS-aware, quantiles.h) combined to one interval of
// ln(qB/qA). Says nothing about the next launch of either. Refused (inconclusive, with `reason`)
// when a side cannot carry its limits or has values < 1 ns.
struct QuantileEquality {
  double q = 0.5;
  double ratio = 1, lower = 0, upper = 0;  // b/a, 1-2 alpha: for TOST
  double lower_wide = 0, upper_wide = 0;   // 1-alpha
  Equality equality = Equality::inconclusive;
  std::string reason;  // empty when the limits could be had
};
QuantileEquality compare_quantile(std::span<const int64_t> a_run_order,
                                  std::span<const int64_t> b_run_order, double q, double margin,
                                  double alpha);

// Regression words after nvbench: SAME when the interval [lower, upper] of the ratio new/old lies
// wholly within [1/(1+band), 1+band], FAST or SLOW when it lies wholly below or above that band,
// AMBG otherwise and for anything that is no interval. nvbench-compare-robust uses the same words
// for another rule: its intervals are [min, q3] of the samples (no confidence level), FAST and SLOW
// need a gap between the two of them that its clock rates confirm, and SAME needs near-equal
// samples or summaries; it has no error rate. Here the error rates are those of the interval: with
// 1-2 alpha limits each word errs with probability at most alpha.
enum class Regression { same, fast, slow, ambiguous };
Regression regression(double lower, double upper, double band);
std::string_view regression_word(Regression r);

// The smallest margin that a machine can decide: twice the half width, on the log scale, of the A/A
// comparison (same engine, two sets of launches) in its 1-2 alpha interval. A smaller margin is
// refused, and so is any when A/A itself comes out DIFFERENT or IMMATERIAL: the machine then moves.
struct MarginCheck {
  bool allowed = false;
  double minimum = 0;  // as a ratio minus 1; infinity when the A/A interval is unbounded
  std::string reason;  // empty when allowed
};
MarginCheck check_margin(double margin, const LogRatio& a_a);

}  // namespace assay::stats
