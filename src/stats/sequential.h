// SPDX-License-Identifier: Apache-2.0
// Stopping rules that keep their error rate however often one looks. Source: statistics.md section
// 5. Pure functions; every look is logged so that an assessor can replay it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::stats {

enum class Decision { undecided, pass, fail };
std::string_view decision_word(Decision d);  // "UNDECIDED" "PASS" "FAIL"

// Logarithm of the beta-mixture test martingale after `exceedances` among t independent samples,
// for the requirement P(X > L) < p0: a = 1/2, b = 1/p0 - 1/2 (section 5.1). `pass`: evidence
// against p
// >= p0, mixture over p < p0; `fail`: evidence against p <= p0, mixture over p > p0. By Ville's
// inequality each reaches 1/alpha with probability at most alpha at any stopping time. -infinity
// where the evidence underflows, and for arguments without meaning.
double log_pass_martingale(int64_t exceedances, int64_t t, double p0);
double log_fail_martingale(int64_t exceedances, int64_t t, double p0);
// Smallest t at which `exceedances` pass at alpha. p0 = alpha = .01: S = 0, 1, 2, 5, 10, 50, 100 ->
// 534, 847, 1088, 1687, 2539, 8092, 14291. 0: none up to 10^12.
int64_t requirement_min_n(int64_t exceedances, double p0, double alpha);

struct Look {
  int64_t n = 0;  // samples used so far (after thinning)
  double statistic = 0, threshold = 0;
  Decision decision = Decision::undecided;
  int64_t exceedances = 0;  // requirement form
};

struct SequentialResult {
  Decision decision = Decision::undecided;
  int64_t n = 0;        // samples used (after thinning) when it stopped
  int64_t n_taken = 0;  // run-order samples read for them
  int64_t exceedances = 0, thin = 1;
  double tau = 1, p0 = 0, alpha = 0;
  std::vector<Look> looks;  // statistic: log martingale of the side that the data lean to
  std::string reason;       // why undecided, or what could not be used
};

// P(X > limit_ns) < p0 with error at most alpha in either direction. Samples in run order; when tau
// of 1{x > limit} exceeds 1.2 only every ceil(2 tau)-th is used: section 5.3 says tau, but what is
// left of the correlation at that distance triples the error (sequential_slow_test.cc). With fewer
// than 20 exceedances of the limit tau is also taken at the sample's 95 % quantile, and the larger
// counts: a limit that is hardly ever exceeded shows no dependence. Looks: at each n up to 100,
// then each 1 % further (validity needs no schedule; replay does), and at the end.
SequentialResult test_requirement(std::span<const int64_t> run_order, int64_t limit_ns, double p0,
                                  double alpha);

// Precision form: stop when the two-sided interval of the q-quantile is narrow, (U-L)/(2 estimate)
// <= relative; looks at n_0 2^k only, k < looks, each at alpha/looks by order statistics
// (ESS-aware, quantiles.h). pass: narrow enough at that look, and `interval` holds at 1-alpha.
struct PrecisionPlan {
  double q = 0.99;
  int64_t n0 = 0;  // 0: the smallest n that carries the interval at alpha/looks, doubled
  int looks = 8;
  double alpha = 0.05;
  double relative = 0;  // 0: default_precision(q)
};
double default_precision(double q);  // 1 % to .5, 2 % to .99, 5 % above
struct PrecisionResult {
  Decision decision = Decision::undecided;            // pass or undecided
  int64_t n = 0, estimate = 0, lower = 0, upper = 0;  // of the last look that carried an interval
  std::vector<Look> looks;  // statistic: half width over estimate; infinity when not carried
  int64_t next_n = 0;       // n of the next look when undecided and one is left, else 0
  std::string reason;
};
PrecisionResult test_precision(std::span<const int64_t> run_order, const PrecisionPlan& plan);

// MLPerf early stopping: the smallest n such that t overlatency queries among n reject "fraction
// within the limit <= p - d" at `confidence`: BinCDF(t; n, 1-p+d) <= 1-confidence. Shown for
// comparison: iterated as published it exceeds its nominal error many times (section 5).
// c=.99 d=0: p=.9: 44 64 81; p=.99: 459 662 838; p=.999: 4603 6636 8403 for t=0,1,2. 0: none.
int64_t mlperf_min_n(int64_t t, double p, double confidence, double d = 0);

}  // namespace assay::stats
