// SPDX-License-Identifier: Apache-2.0
// Choice of the threshold of a generalised Pareto tail: Anderson-Darling with re-estimating
// bootstrap over candidate levels, ForwardStop, stability of xi. Source: statistics.md, section
// 6.3; Bader, Yan & Zhang (2018).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stats/gpd.h"

namespace assay::stats {

// A^2 and W^2 (Cramer-von Mises) of values that should be uniform on (0, 1); any order; values are
// kept off 0 and 1. Oracle: {.1,.2,.35,.5,.9}: .445295, .0891667. Empty: 0.
double anderson_darling_uniform(std::span<const double> values);
double cramer_von_mises_uniform(std::span<const double> values);
// p-values when no parameter was estimated (case 0): P(A^2 > a2), asymptotic law. Never for a
// fitted law (6.3).
double anderson_darling_case0_p(double a2);

// Goodness of a maximum likelihood fit. `excesses` in ascending order.
struct GpdGoodness {
  double a2 = 0, w2 = 0;
  double gap = 0;  // largest normalised spacing of the tail, see threshold.cc
  double p_a2 = 1, p_w2 = 1, p_gap = 1;
  int bootstrap = 0;
  GpdFit fit;
};
// Statistics and their p-values by parametric bootstrap that fits every replicate again:
// p = (1 + #{stat* >= stat}) / (B + 1). B = 0: statistics alone.
GpdGoodness gpd_goodness(std::span<const double> sorted_excesses, int bootstrap, uint64_t seed);

// Candidate levels. A candidate's threshold is the value u = x_(n-k); its exceedances are those > u
// (fewer than k when ties straddle u).
struct ThresholdOptions {
  int levels = 10;
  double top = 0.10, bottom = 0.005;  // shares of n
  int64_t k_min = 100, k_floor = 50, k_max = 1000;
  int bootstrap = 499;
  uint64_t seed = 1;
  double forward_stop = 0.10;  // false discovery rate
  double tick = 0;  // > 0: excesses are spread by U(-tick/2, tick/2) around their value (6.7, 3)
};
struct ThresholdCandidate {
  int64_t u = 0;       // threshold, ns
  int64_t k = 0;       // exceedances
  double zeta = 0;     // k / n
  double p_a2 = 1;     // bootstrap p of Anderson-Darling
  double forward = 0;  // -(1/j) sum_{i<=j} ln(1 - p_i), low to high threshold
  bool rejected = false;
  GpdGoodness goodness;
};
struct ThresholdChoice {
  std::vector<ThresholdCandidate> candidates;  // low threshold to high
  int chosen = -1;                             // index; -1: none left
};
// Sizes k of the candidates, descending (low threshold first), log-spaced from min(top n, k_max) to
// max(k_min, min(bottom n, a quarter of the former)). Empty: n too small.
std::vector<int64_t> candidate_sizes(int64_t n, const ThresholdOptions& options);
// Smallest n with a candidate: k_min / top.
int64_t threshold_n_needed(const ThresholdOptions& options);
// `top_sorted`: the largest values of n, ascending; at least candidate_sizes()[0] + 1 of them
// (all, for ties). ForwardStop: rejects the first max{j: forward_j <= forward_stop} levels.
ThresholdChoice choose_threshold(std::span<const int64_t> top_sorted, int64_t n,
                                 const ThresholdOptions& options);

// Excesses over u, ascending, as doubles; `tick` as above (seeded).
std::vector<double> excesses_over(std::span<const int64_t> top_sorted, int64_t u, double tick,
                                  uint64_t seed);

// xi at k, k/2, k/4 (6.3). Agreement: |xi_k - xi_j| <= z_{1-level/4} sqrt(var_j - var_k), the
// variance of a difference of nested fits, with asymptotic variances (1 + xi_k)^2 / j.
struct Stability {
  std::vector<int64_t> k;
  std::vector<double> xi, se;
  bool agree = false;
};
// `weight`: share of the exceedances that counts as independent.
Stability xi_stability(std::span<const double> sorted_excesses, double weight = 1,
                       double level = 0.05);

}  // namespace assay::stats
