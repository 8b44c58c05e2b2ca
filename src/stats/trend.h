// SPDX-License-Identifier: Apache-2.0
// Does a quantity rise or fall with build order? Ordered alternatives: Jonckheere-Terpstra over
// independent groups, Page's L over blocks. Pure functions, exact where small. Values that are not
// finite make the test "not computed".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace assay::stats {

struct Trend {
  double statistic = 0;         // J or L
  double z = 0;                 // standardised, ties counted
  double p_up = 1, p_down = 1;  // one-sided: values rise / fall with the order
  double p = 1;                 // two-sided: min(1, 2 min(p_up, p_down))
  bool exact = false;           // by enumeration, else normal
  bool computed = false;
  int direction = 0;         // +1 rises, -1 falls, 0 neither (sign of z)
  double slope_percent = 0;  // per step of the order, % of the overall median (Theil-Sen over
                             // all pairs of different groups; over blocks: median of blocks)
  int64_t n = 0;
};

// groups in their order (builds), each with any number of values (launch medians). J = sum over
// pairs of groups i<j of #(x_i < x_j) + #(x_i = x_j)/2. Exact: all ways to deal the values to the
// groups, when those are at most 200 000; ties are then exact too.
Trend jonckheere_terpstra(std::span<const std::vector<double>> groups);

// blocks[b][t]: block b (network, input), treatment t in order (build 0, 1, ...); all blocks of the
// same length >= 2. L = sum_t t R_t with mid-ranks in a block. Exact: convolution of the blocks'
// own permutation laws when treatments <= 7 and blocks <= 100 (mid-ranks doubled to integers).
Trend page(std::span<const std::vector<double>> blocks);

// Blocks that rise strictly with the order, of those that can (no ties): chance of at least
// `rising` of `blocks` when every order is equally likely, 1/k! each. 9 of 10 with k=3: 8.3e-7
// (paper, Table 12).
double chance_all_rise(int64_t rising, int64_t blocks, int64_t treatments);

}  // namespace assay::stats
