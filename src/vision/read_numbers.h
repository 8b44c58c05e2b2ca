// SPDX-License-Identifier: Apache-2.0
// Numbers of any element type as floats, into memory that is there already.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/dtype.h"

namespace assay::vision {

inline float brain_to_float(uint16_t v) {
  return std::bit_cast<float>(static_cast<uint32_t>(v) << 16);
}
inline float half_to_float(uint16_t v) {
  const uint32_t sign = static_cast<uint32_t>(v & 0x8000u) << 16;
  const uint32_t exponent = (v >> 10) & 31u, fraction = v & 1023u;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  const float tiny = static_cast<float>(fraction) * 0x1p-24f;  // subnormal, exact
  return sign != 0 ? -tiny : tiny;
}

template <class T>
void read_as(const std::byte* from, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) {
    T v;  // any alignment
    std::memcpy(&v, from + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
    out[i] = static_cast<float>(v);
  }
}

// `n` elements at `from` to `out`; whole numbers beyond 2^24 are rounded. False for a type that
// is not carried (then nothing is written).
inline bool read_numbers(const void* from, DType dtype, int64_t n, float* out) noexcept {
  const auto* bytes = static_cast<const std::byte*>(from);
  const auto words = [&](auto convert) {
    for (int64_t i = 0; i < n; ++i) {
      uint16_t v;
      std::memcpy(&v, bytes + 2 * i, 2);
      out[i] = convert(v);
    }
    return true;
  };
  switch (dtype) {
    case DType::f32:
      std::memcpy(out, from, static_cast<size_t>(n) * sizeof(float));
      return true;
    case DType::f64:
      return read_as<double>(bytes, n, out), true;
    case DType::u8:
      return read_as<uint8_t>(bytes, n, out), true;
    case DType::i8:
      return read_as<int8_t>(bytes, n, out), true;
    case DType::i32:
      return read_as<int32_t>(bytes, n, out), true;
    case DType::i64:
      return read_as<int64_t>(bytes, n, out), true;
    case DType::f16:
      return words(half_to_float);
    case DType::bf16:
      return words(brain_to_float);
    default:
      return false;
  }
}

}  // namespace assay::vision
