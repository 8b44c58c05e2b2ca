// SPDX-License-Identifier: Apache-2.0
// How `assay doctor` prints what a machine tells of itself.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "platform/facts.h"

namespace assay::cli {

// format: text, md, json, jsonl or csv. `roots` says whether it is this machine.
Status print_facts(const platform::Roots& roots, const std::vector<platform::Fact>& facts,
                   const std::string& format, bool colours);

}  // namespace assay::cli
