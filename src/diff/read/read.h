// SPDX-License-Identifier: Apache-2.0
// An engine map from files that are not trusted.
#pragma once

#include <string_view>

#include "base/files.h"
#include "diff/engine_map.h"

namespace assay::diff {

// `format`: "auto" or the name of one. Usage error that names the file and what was expected.
Result<EngineMap> read_engine(const fs::path& path, std::string_view format);

}  // namespace assay::diff
