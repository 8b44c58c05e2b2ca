// SPDX-License-Identifier: Apache-2.0
// One number of a tensor as a float, whatever its type.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/dtype.h"

namespace assay::vision {

inline float half_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16;
  const uint32_t exponent = h >> 10 & 0x1fu, fraction = h & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent == 0) {
    const float tiny = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -tiny : tiny;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

// Whether element() below knows the type.
inline bool is_score_type(DType t) {
  return t == DType::f32 || t == DType::f16 || t == DType::bf16 || t == DType::i8 ||
         t == DType::u8 || t == DType::i32 || t == DType::i64;
}

inline float element(const void* data, DType t, int64_t i) {
  const auto load = [&]<class T>(T value) {
    std::memcpy(&value, static_cast<const char*>(data) + i * static_cast<int64_t>(sizeof(T)),
                sizeof(T));
    return value;
  };
  switch (t) {
    case DType::f32:
      return load(float{});
    case DType::f16:
      return half_to_float(load(uint16_t{}));
    case DType::bf16:
      return std::bit_cast<float>(static_cast<uint32_t>(load(uint16_t{})) << 16);
    case DType::i8:
      return static_cast<float>(load(int8_t{}));
    case DType::u8:
      return static_cast<float>(load(uint8_t{}));
    case DType::i32:
      return static_cast<float>(load(int32_t{}));
    case DType::i64:
      return static_cast<float>(load(int64_t{}));
    default:
      return std::numeric_limits<float>::quiet_NaN();
  }
}

inline float sigmoid(float v) { return 1 / (1 + std::exp(-v)); }

}  // namespace assay::vision
