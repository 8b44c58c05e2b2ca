// SPDX-License-Identifier: Apache-2.0
// TOML files as JSON values, so that one set of checked accessors serves both.
#pragma once

#include "base/files.h"
#include "base/json.h"

namespace assay::audit {

// Usage error with file, line and column when it is not TOML. Dates become texts.
Result<Json> read_toml(const fs::path& file);
Result<Json> parse_toml(std::string_view text, std::string_view where);

}  // namespace assay::audit
