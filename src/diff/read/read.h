// SPDX-License-Identifier: Apache-2.0
// An engine map from files that are not trusted.
#pragma once

#include <string>
#include <string_view>

#include "base/files.h"
#include "diff/engine_map.h"

namespace assay::diff {

std::string format_names();  // "auto, engine", for help

// `format`: one of format_names(). Usage error that names the file and what was expected.
Result<EngineMap> read_engine(const fs::path& path, std::string_view format = "auto");

// Adds times and shares of `profile` to the layers of `engine` with the same name, occurrence by
// occurrence.
void add_profile(EngineMap& engine, const EngineMap& profile);

}  // namespace assay::diff
