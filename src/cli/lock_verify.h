// SPDX-License-Identifier: Apache-2.0
// assay lock verify.
#pragma once

#include "cli/cli.h"

namespace assay::cli {

void add_lock_verify(App& app, CLI::App& lock);

}  // namespace assay::cli
