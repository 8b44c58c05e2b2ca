// SPDX-License-Identifier: Apache-2.0
// Headers of NumPy's .npy files, versions 1 to 3.
#pragma once

#include <cstddef>
#include <span>

#include "base/dtype.h"

namespace assay::vision {

struct Npy {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  size_t offset = 0;  // of the first element
};

// Usage error naming `where` when it is no .npy file, is cut off or too long, big endian, in
// Fortran order, or of a type assay cannot carry.
Result<Npy> parse_npy(std::span<const std::byte> bytes, std::string_view where);

}  // namespace assay::vision
