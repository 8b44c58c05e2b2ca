// SPDX-License-Identifier: Apache-2.0
#include "diff/read/types.h"

#include <algorithm>

namespace assay::diff {
namespace {

struct Type {
  std::string_view name, precision;
  int64_t bits;
  std::string_view spelled[5];  // beside the name, lower case
};
constexpr Type kTypes[] = {
    {"float32", "fp32", 32, {"fp32", "float", "f32"}},
    {"float16", "fp16", 16, {"fp16", "half", "f16"}},
    {"bfloat16", "bf16", 16, {"bf16"}},
    {"float64", "fp64", 64, {"fp64", "double", "f64"}},
    {"float8", "fp8", 8, {"fp8", "f8", "e4m3", "f8e4m3", "float8e4m3fn"}},
    {"float4", "fp4", 4, {"fp4", "f4", "e2m1", "f4e2m1", "float4e2m1"}},
    {"int4", "int4", 4, {"i4"}},
    {"uint4", "uint4", 4, {"u4"}},
    {"int8", "int8", 8, {"i8"}},
    {"uint8", "uint8", 8, {"u8"}},
    {"int16", "int16", 16, {"i16"}},
    {"uint16", "uint16", 16, {"u16"}},
    {"int32", "int32", 32, {"i32"}},
    {"uint32", "uint32", 32, {"u32"}},
    {"int64", "int64", 64, {"i64"}},
    {"uint64", "uint64", 64, {"u64"}},
    {"bool", "bool", 8, {"boolean"}},
};

const Type* find(std::string_view word) {
  for (const Type& t : kTypes) {
    if (t.name == word) return &t;
    for (std::string_view s : t.spelled)
      if (!s.empty() && s == word) return &t;
  }
  return nullptr;
}

std::string lower(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

}  // namespace

std::string dtype_word(std::string_view spelled) {
  std::string word = lower(spelled);
  if (word.starts_with("tensor(") && word.ends_with(")")) word = word.substr(7, word.size() - 8);
  const Type* t = find(word);
  return t ? std::string(t->name) : word;
}

std::string precision_word(std::string_view dtype) {
  const Type* t = find(dtype);
  return std::string(t ? t->precision : dtype);
}

int64_t dtype_bits(std::string_view dtype) {
  const Type* t = find(dtype);
  return t ? t->bits : 0;
}

std::string dtype_in_format(std::string_view format) {
  const std::string text = lower(format);
  const auto in_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && in_word(text[end])) ++end;
    if (const Type* t = find(std::string_view(text).substr(at, end - at)))
      return std::string(t->name);
    at = end + 1;
  }
  return "";
}

}  // namespace assay::diff
