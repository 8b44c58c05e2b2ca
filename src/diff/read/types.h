// SPDX-License-Identifier: Apache-2.0
// Element types as other tools spell them, in the words of assay.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace assay::diff {

// "FP16", "Half", "f16", "tensor(float16)" -> "float16"; what is not known in lower case, as it is.
std::string dtype_word(std::string_view spelled);
// "float16" -> "fp16", "bfloat16" -> "bf16"; others as they are.
std::string precision_word(std::string_view dtype);
int64_t dtype_bits(std::string_view dtype);  // 0: not known
// Of TensorRT's one text for both ("Channel major FP16 format where channel % 8 == 0"): the type,
// "" when none is told.
std::string dtype_in_format(std::string_view format);

}  // namespace assay::diff
