// SPDX-License-Identifier: Apache-2.0
// Does the response follow from its stages alone? The joint quantile of measured frames is the
// answer; what stages would say by themselves stands beside it (statistics.md, 8.1).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stream/result.h"

namespace assay::stream {

struct StageColumn {
  Stage stage = Stage::read;
  std::vector<int64_t> values;  // ns, the same frames in the same order in every column
};
struct ComposeOptions {
  double confidence = .95;  // one-sided, of the joint and of the Boole bound
  uint64_t seed = 1;
  bool dependent = true;    // false: frames are known to be independent
  int64_t draws = 400'000;  // sums of stages that are drawn independently of each other
};

// Joint: x_(ceil(nq)) of the sums and its upper bound. Boole: P(R > sum x_i) <= sum p_i whatever
// the dependence, with p_i = (1-q)/k and each of the k bounds at confidence 1 - alpha/k.
// Convolution: the quantile of the sum if stages were independent, by drawing each stage's values
// in orders of their own (relative error of its exceedance 1/sqrt(draws (1-q))). Stages whose
// values are all equal to 0 are left out. What n cannot carry is absent, and `note` says so.
Composition compose(std::span<const StageColumn> stages, double q, const ComposeOptions& options);

// P(B > b_q | A > a_q) with strict exceedance of the estimates; 0 when nothing exceeds.
double tail_dependence(std::span<const int64_t> a, std::span<const int64_t> b, double q);
// Spearman's correlation of mid-ranks; 0 when one side is constant.
double rank_correlation(std::span<const int64_t> a, std::span<const int64_t> b);

}  // namespace assay::stream
