// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same on every platform: the engine is standardised, the library's
// distributions are not, so the transforms stand here.
#pragma once

#include <cstdint>
#include <random>

namespace assay::stats {

using Random = std::mt19937_64;

// Uniform in the open interval (0, 1), 53 bits.
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

}  // namespace assay::stats
