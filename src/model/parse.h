// SPDX-License-Identifier: Apache-2.0
// The part of inspect() that reads bytes: apart, so that it can be fuzzed.
#pragma once

#include <cstddef>
#include <span>

#include "model/onnx_model.h"

namespace assay::model {

// As inspect(), of the file's content; external data are looked up in `folder`. Leaves name, path,
// sha256 empty and counts in `bytes` the content and the external files. `where` names the file in
// errors.
Result<ModelInfo> inspect_bytes(std::span<const std::byte> content, const fs::path& folder,
                                const Shapes& shapes, std::string_view where);

}  // namespace assay::model
