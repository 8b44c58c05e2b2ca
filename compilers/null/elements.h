// SPDX-License-Identifier: Apache-2.0
// Elements of every type of the ABI, read and written as float: enough for a made-up inference.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "assay/runner.h"

namespace assay_null {

inline int64_t size_of(int dtype) {
  switch (dtype) {
    case ASSAY_U8:
    case ASSAY_I8:
    case ASSAY_BOOL:
      return 1;
    case ASSAY_U16:
    case ASSAY_I16:
    case ASSAY_F16:
    case ASSAY_BF16:
      return 2;
    case ASSAY_F64:
    case ASSAY_I64:
    case ASSAY_U64:
      return 8;
    default:
      return 4;
  }
}

template <class T>
T load(const void* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

inline float read_element(int dtype, const char* p) {
  switch (dtype) {
    case ASSAY_F32:
      return load<float>(p);
    case ASSAY_F64:
      return static_cast<float>(load<double>(p));
    case ASSAY_I8:
      return load<int8_t>(p);
    case ASSAY_U8:
    case ASSAY_BOOL:
      return load<uint8_t>(p);
    case ASSAY_I16:
      return load<int16_t>(p);
    case ASSAY_U16:
      return load<uint16_t>(p);
    case ASSAY_I32:
      return static_cast<float>(load<int32_t>(p));
    case ASSAY_U32:
      return static_cast<float>(load<uint32_t>(p));
    case ASSAY_I64:
      return static_cast<float>(load<int64_t>(p));
    case ASSAY_U64:
      return static_cast<float>(load<uint64_t>(p));
    default:
      return static_cast<float>(load<uint16_t>(p)) / 65536.0f;  // half formats: their bits will do
  }
}

template <class T>
void store_as(char* p, float value) {
  const T converted = static_cast<T>(value);
  std::memcpy(p, &converted, sizeof converted);
}

inline void write_element(int dtype, char* p, float value) {
  const float small = std::clamp(value, 0.0f, 100.0f);  // fits every whole-number type
  switch (dtype) {
    case ASSAY_F64:
      return store_as<double>(p, value);
    case ASSAY_I8:
    case ASSAY_U8:
      return store_as<uint8_t>(p, small);
    case ASSAY_BOOL:
      return store_as<uint8_t>(p, value > 0 ? 1.0f : 0.0f);
    case ASSAY_I16:
    case ASSAY_U16:
      return store_as<uint16_t>(p, small);
    case ASSAY_I32:
    case ASSAY_U32:
      return store_as<uint32_t>(p, small);
    case ASSAY_I64:
    case ASSAY_U64:
      return store_as<uint64_t>(p, small);
    default:
      return store_as<float>(p, value);
  }
}

}  // namespace assay_null
