// SPDX-License-Identifier: Apache-2.0
// splitmix64 (Steele, Lea, Flood 2014): scrambles a number so that neighbours have nothing in
// common. For seeds of independent streams and for hashes of tables; not for secrets.
#pragma once

#include <cstdint>

namespace assay {

inline constexpr uint64_t kGolden = 0x9e3779b97f4a7c15u;  // 2^64 / golden ratio, odd

// The finaliser alone.
constexpr uint64_t scramble(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// The number that a splitmix64 generator in state `z` gives next.
constexpr uint64_t mix(uint64_t z) { return scramble(z + kGolden); }

}  // namespace assay
