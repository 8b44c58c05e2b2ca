// SPDX-License-Identifier: Apache-2.0
// Elements of every type as numbers: the scalar side of the comparison.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/dtype.h"

namespace assay::compare {

struct Half {
  uint16_t bits;
};  // IEEE binary16
struct Brain {
  uint16_t bits;
};  // bfloat16

inline float to_float(Brain v) { return std::bit_cast<float>(static_cast<uint32_t>(v.bits) << 16); }
inline float to_float(Half v) {
  const uint32_t sign = static_cast<uint32_t>(v.bits & 0x8000u) << 16;
  const uint32_t exponent = (v.bits >> 10) & 31u, fraction = v.bits & 1023u;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  const float tiny = static_cast<float>(fraction) * 5.9604644775390625e-8f;  // 2^-24, exact
  return sign ? -tiny : tiny;
}

template <class T>
T element(const std::byte* row, int64_t i) {  // any alignment
  T v;
  std::memcpy(&v, row + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return v;
}

template <class T>
double number(T v) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, Brain>)
    return to_float(v);
  else
    return static_cast<double>(v);
}

// Position in the order of all values of the type; floats: neighbours differ by 1, both zeros are
// 0.
template <class T>
int64_t rank_of(T v) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, Brain>) {
    const int64_t magnitude = v.bits & 0x7fff;
    return v.bits & 0x8000 ? -magnitude : magnitude;
  } else if constexpr (std::is_same_v<T, float>) {
    const auto bits = std::bit_cast<uint32_t>(v);
    const int64_t magnitude = bits & 0x7fffffffu;
    return bits >> 31 ? -magnitude : magnitude;
  } else if constexpr (std::is_same_v<T, double>) {
    const auto bits = std::bit_cast<uint64_t>(v);
    const auto magnitude = static_cast<int64_t>(bits & ~(uint64_t{1} << 63));
    return bits >> 63 ? -magnitude : magnitude;
  } else {
    return static_cast<int64_t>(v);
  }
}

template <class T>
uint64_t rank_distance(T a, T b) {
  if constexpr (std::is_same_v<T, uint64_t>) {
    return a > b ? a - b : b - a;
  } else {
    const int64_t x = rank_of(a), y = rank_of(b);
    return x > y ? static_cast<uint64_t>(x) - static_cast<uint64_t>(y)
                 : static_cast<uint64_t>(y) - static_cast<uint64_t>(x);
  }
}

// Calls f with a value of the element type of `t`.
template <class F>
auto with_type(DType t, F&& f) {
  switch (t) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::f16:
      return f(Half{});
    case DType::bf16:
      return f(Brain{});
    case DType::i8:
      return f(int8_t{});
    case DType::i16:
      return f(int16_t{});
    case DType::u16:
      return f(uint16_t{});
    case DType::i32:
      return f(int32_t{});
    case DType::u32:
      return f(uint32_t{});
    case DType::i64:
      return f(int64_t{});
    case DType::u64:
      return f(uint64_t{});
    case DType::u8:
    case DType::boolean:
      break;
  }
  return f(uint8_t{});
}

// Types whose every value and difference of ranks a float and a 32-bit integer carry: the vector
// kernels' side.
inline bool fits_kernels(DType t) {
  return t == DType::f32 || t == DType::f16 || t == DType::bf16 || t == DType::i8 ||
         t == DType::u8 || t == DType::i16 || t == DType::u16 || t == DType::boolean;
}

}  // namespace assay::compare
