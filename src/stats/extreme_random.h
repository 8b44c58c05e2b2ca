// SPDX-License-Identifier: Apache-2.0
// Random numbers that are equal on every platform: std::mt19937_64 is fixed by the standard, the
// distributions of the standard library are not, so the transforms are ours.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>

namespace assay::stats {

class ExtremeRandom {
 public:
  explicit ExtremeRandom(uint64_t seed) : engine_(seed) {}
  // Uniform on the open interval (0, 1), 53 bits; never 0 or 1, so that its logarithms are finite.
  double uniform() { return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53; }
  double exponential() { return -std::log(uniform()); }
  // Standard normal by Box-Muller; one of the pair is dropped, which keeps the object stateless.
  double normal() {
    const double r = std::sqrt(2 * exponential());
    return r * std::cos(2 * 3.14159265358979323846 * uniform());
  }
  // Uniform on 0..n-1 (n >= 1); the bias of at most n / 2^53 is far below any use here.
  int64_t below(int64_t n) {
    const auto i = static_cast<int64_t>(uniform() * static_cast<double>(n));
    return i < n ? i : n - 1;
  }

 private:
  std::mt19937_64 engine_;
};

// Seed of the i-th stream derived from one seed (splitmix64), so that parts do not share numbers.
inline uint64_t derived_seed(uint64_t seed, uint64_t stream) {
  uint64_t z = seed + 0x9E3779B97F4A7C15ULL * (stream + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace assay::stats
