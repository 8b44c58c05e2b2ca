// SPDX-License-Identifier: Apache-2.0
// Seeded order of input slots: every pass over the slots is a fresh permutation.
#pragma once

#include <cstdint>

namespace assay::measure {

// Fills order[0, n) with slot numbers: consecutive groups of `slots` entries are permutations of
// 0..slots-1, each drawn anew (SplitMix64, Fisher-Yates); the last group may be cut. Equal seeds
// give equal orders on every machine. slots >= 1, n >= 0.
void permuted_order(uint64_t seed, int64_t slots, int64_t n, int64_t* order);

}  // namespace assay::measure
