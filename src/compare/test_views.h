// SPDX-License-Identifier: Apache-2.0
// Made-up outputs for the tests.
#pragma once

#include <cstring>
#include <random>
#include <vector>

#include "compare/compare.h"

namespace assay::compare {

template <class T>
View view_of(const std::vector<T>& values, DType dtype, int64_t n) {
  const auto item = n > 0 ? static_cast<int64_t>(values.size()) / n : 0;
  return {std::as_bytes(std::span(values)), dtype, n, item};
}

// `count` near-copies of one random output: same law of differences as rebuilt engines show.
inline std::vector<std::vector<float>> rebuilt(int count, int64_t n, int64_t item, uint64_t seed,
                                               float noise = 1e-3f) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> value(0, 3), change(0, noise);
  std::vector<float> base(static_cast<size_t>(n * item));
  for (auto& v : base) v = value(engine);
  std::vector<std::vector<float>> out(static_cast<size_t>(count), base);
  for (size_t c = 1; c < out.size(); ++c)
    for (auto& v : out[c])
      if (engine() % 4 != 0) v += change(engine);
  return out;
}

}  // namespace assay::compare
