// SPDX-License-Identifier: Apache-2.0
// What the two documents of locks share.
#pragma once

#include <string>

#include "base/json.h"
#include "report/document.h"

namespace assay::report {

std::string proof_text(const std::string& proof);
std::string short_hash(const std::string& sha256);
std::string options_text(const Json& options);  // "trials=64 tuner=ga"
// Texts of a lock are anybody's: no control characters reach a terminal or an issue.
void clean(Document& document);
Part not_covered_part(const Json& lines);

}  // namespace assay::report
