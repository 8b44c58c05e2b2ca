// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace assay::diff {

// "gemm_myl0_2" -> "gemm": TensorRT's graph compiler (Myelin) ends names with the number of the
// graph and of the instruction in it, which change when anything before them does.
std::string without_myelin_counter(std::string_view name);

}  // namespace assay::diff
