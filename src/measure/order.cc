// SPDX-License-Identifier: Apache-2.0
#include "measure/order.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "base/mix.h"

namespace assay::measure {
namespace {

// 64-bit state, passes BigCrush, the same on every machine.
uint64_t next_random(uint64_t& state) { return scramble(state += kGolden); }

// Uniform in [0, bound) without bias: values above the largest multiple of bound are drawn again.
uint64_t below(uint64_t& state, uint64_t bound) {
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t value = next_random(state);
  while (value >= limit) value = next_random(state);
  return value % bound;
}

}  // namespace

void permuted_order(uint64_t seed, int64_t slots, int64_t n, int64_t* order) {
  std::vector<int64_t> pass(static_cast<size_t>(slots));
  std::iota(pass.begin(), pass.end(), int64_t{0});
  uint64_t state = seed;
  for (int64_t begin = 0; begin < n; begin += slots) {
    for (size_t i = pass.size(); i > 1; --i) std::swap(pass[i - 1], pass[below(state, i)]);
    std::copy_n(pass.begin(), std::min(slots, n - begin), order + begin);
  }
}

}  // namespace assay::measure
