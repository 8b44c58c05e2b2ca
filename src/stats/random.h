// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same on every platform: the engine is standardised, the library's
// distributions are not, so the transforms stand here.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>

#include "base/mix.h"

namespace assay::stats {

using Random = std::mt19937_64;

// Uniform in the open interval (0, 1), 53 bits; never 0 or 1, so that its logarithms are finite.
inline double uniform(Random& random) {
  return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53;
}

// Uniform in 0 .. n-1, n >= 1, without bias (rejection of the engine's last partial cycle).
inline uint64_t below(Random& random, uint64_t n) {
  const uint64_t reject = (0 - n) % n;  // 2^64 mod n
  uint64_t draw = random();
  while (draw < reject) draw = random();
  return draw % n;
}

inline double exponential(Random& random) { return -std::log(uniform(random)); }

// Standard normal by Box-Muller; one of the pair is dropped, so that no state is kept.
inline double normal(Random& random) {
  const double r = std::sqrt(2 * exponential(random));
  return r * std::cos(2 * std::numbers::pi * uniform(random));
}

// Seed of the i-th stream derived from one seed (splitmix64), so that parts do not share numbers.
inline uint64_t derived_seed(uint64_t seed, uint64_t stream) {
  return mix(seed + kGolden * stream);
}

}  // namespace assay::stats
