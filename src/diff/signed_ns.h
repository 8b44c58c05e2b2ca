// SPDX-License-Identifier: Apache-2.0
// Differences of times for people.
#pragma once

#include <string>

#include "stats/intervals.h"

namespace assay::diff {

std::string signed_ns(double ns);                 // "+1.2 us"
std::string signed_ns(const stats::Interval& i);  // "+1.2 us [+0.9 us, +1.5 us]", or why no bounds

}  // namespace assay::diff
