// SPDX-License-Identifier: Apache-2.0
// Layout of the sample buffer shared by parent and worker (docs/formats.md), in int64 words.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay::worker::sample_layout {

inline constexpr int64_t magic = 0x3153595341;  // "ASYS1"
inline constexpr int64_t version = 1;
inline constexpr int64_t max_capacity = int64_t{1} << 32;
enum : size_t { at_magic, at_version, at_capacity, at_written, at_warmup, header_words = 8 };

// Bytes of a buffer of `capacity` samples: header, samples, slots.
inline constexpr int64_t bytes(int64_t capacity) {
  return (static_cast<int64_t>(header_words) + 2 * capacity) *
         static_cast<int64_t>(sizeof(int64_t));
}

}  // namespace assay::worker::sample_layout
