// SPDX-License-Identifier: Apache-2.0
// Element types of tensors: the numbers of ONNX TensorProto.DataType, one table for all spellings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace assay {

enum class DType : int {
  f32 = 1,
  u8 = 2,
  i8 = 3,
  u16 = 4,
  i16 = 5,
  i32 = 6,
  i64 = 7,
  boolean = 9,
  f16 = 10,
  f64 = 11,
  u32 = 12,
  u64 = 13,
  bf16 = 16
};

int64_t dtype_size(DType t);                        // bytes of one element
std::string_view dtype_name(DType t);               // "float32", ...
Result<DType> dtype_from_name(std::string_view s);  // inverse of dtype_name
Result<DType> dtype_from_onnx(int number);          // usage error for types assay cannot carry
bool dtype_is_float(DType t);

// Name, type and static shape of a tensor.
struct TensorSpec {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;  // every extent >= 0

  int64_t elements() const;
  int64_t bytes() const { return elements() * dtype_size(dtype); }
  bool operator==(const TensorSpec&) const = default;
};
std::string shape_text(const std::vector<int64_t>& shape);  // "1x3x224x224"; "scalar" for rank 0
Json to_json(const TensorSpec& spec);                       // {"name","dtype","shape"}
// Rank <= 8, extents in [0, 2^31), total bytes < 2^40; anything else is a usage error naming
// `where`.
Result<TensorSpec> tensor_spec_from_json(const Json& j, std::string_view where);

}  // namespace assay
