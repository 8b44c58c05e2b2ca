// SPDX-License-Identifier: Apache-2.0
#include "base/dtype.h"

#include <array>

namespace assay {
namespace {

struct Row {
  DType type;
  std::string_view name;
  int64_t size;
};
constexpr std::array<Row, 13> kTypes = {{{DType::f32, "float32", 4},
                                         {DType::u8, "uint8", 1},
                                         {DType::i8, "int8", 1},
                                         {DType::u16, "uint16", 2},
                                         {DType::i16, "int16", 2},
                                         {DType::i32, "int32", 4},
                                         {DType::i64, "int64", 8},
                                         {DType::boolean, "bool", 1},
                                         {DType::f16, "float16", 2},
                                         {DType::f64, "float64", 8},
                                         {DType::u32, "uint32", 4},
                                         {DType::u64, "uint64", 8},
                                         {DType::bf16, "bfloat16", 2}}};

const Row* find(DType t) {
  for (const Row& row : kTypes)
    if (row.type == t) return &row;
  return nullptr;
}

}  // namespace

int64_t dtype_size(DType t) {
  const Row* row = find(t);
  return row ? row->size : 0;
}

std::string_view dtype_name(DType t) {
  const Row* row = find(t);
  return row ? row->name : "unknown";
}

Result<DType> dtype_from_name(std::string_view s) {
  for (const Row& row : kTypes)
    if (row.name == s) return row.type;
  return bad_input(fmt::format("unknown data type \"{}\"", s),
                   "use float32, float16, int64, uint8, ...");
}

Result<DType> dtype_from_onnx(int number) {
  if (const Row* row = find(static_cast<DType>(number))) return row->type;
  return bad_input(fmt::format("ONNX data type number {} cannot be carried by assay", number),
                   "use a numeric or boolean tensor type");
}

bool dtype_is_float(DType t) {
  return t == DType::f32 || t == DType::f16 || t == DType::f64 || t == DType::bf16;
}

int64_t TensorSpec::elements() const {
  int64_t n = 1;
  for (int64_t extent : shape) n *= extent;
  return n;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, "x"));
}

Json to_json(const TensorSpec& spec) {
  return {{"name", spec.name}, {"dtype", dtype_name(spec.dtype)}, {"shape", spec.shape}};
}

Result<TensorSpec> tensor_spec_from_json(const Json& j, std::string_view where) {
  TensorSpec spec;
  spec.name = get_string(j, "name");
  if (spec.name.empty()) return bad_input(fmt::format("{}: a tensor has no name", where));
  ASSAY_TRY(spec.dtype, dtype_from_name(get_string(j, "dtype")));
  const Json& shape = get_array(j, "shape");
  if (shape.size() > 8) {
    return bad_input(fmt::format("{}: tensor \"{}\" has rank {}, expected at most 8", where,
                                 spec.name, shape.size()));
  }
  int64_t bytes = dtype_size(spec.dtype);
  for (const Json& extent : shape) {
    const int64_t e = extent.is_number_integer() ? extent.get<int64_t>() : -1;
    if (e < 0 || e >= (int64_t{1} << 31) || (e > 0 && bytes > (int64_t{1} << 40) / e)) {
      return bad_input(
          fmt::format("{}: tensor \"{}\" has a bad shape {}", where, spec.name, dump_json(shape)));
    }
    bytes *= e;
    spec.shape.push_back(e);
  }
  return spec;
}

}  // namespace assay
