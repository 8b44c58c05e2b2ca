// SPDX-License-Identifier: Apache-2.0
// What the files of the bootstrap share.
#pragma once

#include <string>
#include <vector>

#include "stats/bootstrap.h"

namespace assay::stats {

// Inverse of the distribution of the replicates, ascending and not empty.
double percentile(const std::vector<double>& sorted_replicates, double level);
bool usable(const BootstrapOptions& options);
// An interval that has what the options say and no numbers yet.
BootstrapInterval started(const BootstrapOptions& options, std::string method);

}  // namespace assay::stats
