// SPDX-License-Identifier: Apache-2.0
#include "worker/compare_bits.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace assay::worker {
namespace {

template <class T>
T load(const std::byte* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits.
double half_value(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == 31)
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

}  // namespace

double element_value(DType type, const std::byte* p) {
  switch (type) {
    case DType::f32:
      return load<float>(p);
    case DType::f64:
      return load<double>(p);
    case DType::f16:
      return half_value(load<uint16_t>(p));
    case DType::bf16:
      return std::bit_cast<float>(uint32_t{load<uint16_t>(p)} << 16);
    case DType::u8:
      return load<uint8_t>(p);
    case DType::boolean:
      return load<uint8_t>(p);
    case DType::i8:
      return load<int8_t>(p);
    case DType::u16:
      return load<uint16_t>(p);
    case DType::i16:
      return load<int16_t>(p);
    case DType::i32:
      return load<int32_t>(p);
    case DType::u32:
      return load<uint32_t>(p);
    case DType::i64:
      return static_cast<double>(load<int64_t>(p));
    case DType::u64:
      return static_cast<double>(load<uint64_t>(p));
  }
  return 0;
}

BitDifference compare_bits(DType type, std::span<const std::byte> a, std::span<const std::byte> b) {
  BitDifference result;
  if (a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0))
    return result;
  result.equal = false;
  const auto size = static_cast<size_t>(dtype_size(type));
  const size_t common = std::min(a.size(), b.size());
  for (size_t at = 0; at + size <= common; at += size) {
    if (std::memcmp(a.data() + at, b.data() + at, size) == 0) continue;
    if (result.elements++ == 0) result.first = static_cast<int64_t>(at / size);
    const double difference =
        std::abs(element_value(type, a.data() + at) - element_value(type, b.data() + at));
    // NaN fails the comparison too and counts as the largest possible difference: JSON carries no
    // infinity.
    result.max_abs = std::isfinite(difference) ? std::max(result.max_abs, difference)
                                               : std::numeric_limits<double>::max();
  }
  return result;
}

}  // namespace assay::worker
