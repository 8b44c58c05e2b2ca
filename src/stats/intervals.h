// SPDX-License-Identifier: Apache-2.0
// Distribution-free bounds on quantiles and exact bounds on proportions. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace assay::stats {

// A point estimate with a two-sided interval. `lower`/`upper` are absent when n cannot carry them
// at this confidence; `n_needed` is then the smallest n that could, else 0.
struct Interval {
  double estimate = 0;
  std::optional<double> lower, upper;
  double confidence = 0.95;
  int64_t n = 0;
  int64_t n_needed = 0;
};

// Point estimate x_(ceil(nq)) (inverse ECDF, R type 1). `sorted` ascending, non-empty, q in (0,1].
int64_t quantile_point(std::span<const int64_t> sorted, double q);

// Ranks (1-based) of the two-sided order-statistic interval of the q-quantile at `confidence`
// (alpha/2 a side, ties allowed, conservative); absent when the rank does not exist. Source:
// statistics.md section 4; oracle n=100 q=.5 (40,61), n=1000 q=.5 (469,532), n=10^4 q=.99
// (9880,9920).
struct Ranks {
  std::optional<int64_t> lower, upper;
};
Ranks quantile_ranks(int64_t n, double q, double confidence);
// One-sided ranks at confidence 1-alpha: upper s = min{s: BinCDF(s-1; n, q) >= 1-alpha}, lower r =
// max{r: BinCDF(r-1; n, q) <= alpha}; absent when there is none. Oracles (95 %): 299 of 299 and 472
// of 473 at .99, 99917 of 10^5 at .999.
std::optional<int64_t> upper_rank(int64_t n, double q, double confidence);
std::optional<int64_t> lower_rank(int64_t n, double q, double confidence);
Interval quantile_interval(std::span<const int64_t> sorted, double q, double confidence);
// Smallest n whose maximum is a one-sided upper bound of the q-quantile: ceil(ln(alpha)/ln(q)). 299
// for .99 at 95 %.
int64_t quantile_n_needed(double q, double one_sided_confidence);

// Clopper-Pearson two-sided interval of x successes of n (n >= 1). x=0: lower 0; x=n: upper 1.
Interval clopper_pearson(int64_t x, int64_t n, double confidence);
// One-sided upper bound; 0 of 50 000 at 95 % is 5.99e-5.
double clopper_pearson_upper(int64_t x, int64_t n, double confidence);

// A proportion as the sampling of its data set allows (design.md, rule 6). `hit` per input (0/1).
// fixed: exact count, no bound. independent: Clopper-Pearson over inputs. clustered: a cluster
// counts as hit when any of its inputs is; Clopper-Pearson over clusters bounds the chance that a
// cluster shows a hit at all.
struct Proportion {
  int64_t count = 0, n = 0;           // inputs
  int64_t unit_count = 0, units = 0;  // what the bound is over: inputs or clusters
  std::string unit;                   // "input" | "cluster" | "none"
  std::optional<double> lower,
      upper;  // two-sided at `confidence`; for count 0 the upper is one-sided
  double confidence = 0.95;
};
enum class Design { independent, clustered, fixed };
Proportion proportion(std::span<const uint8_t> hit, Design design,
                      std::span<const int64_t> clusters, double confidence);

// Exact two-sided McNemar p = min(1, 2 BinCDF(min(b,c); b+c, 1/2)); b=10 c=4: .1795654.
double mcnemar_p(int64_t b, int64_t c);

// Holm step-down: adjusted p-values in the order given.
std::vector<double> holm(std::span<const double> p);

}  // namespace assay::stats
