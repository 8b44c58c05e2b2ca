// SPDX-License-Identifier: Apache-2.0
// The intervention: engine A built again with one decision of engine B. How much of the difference
// between A and B goes with that decision? Pure; the launch is the unit.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "stats/intervals.h"

namespace assay::diff {

// Words for what the swap showed.
enum class SwapEffect {
  no_difference,  // A and B are not shown to differ: there is nothing to share out
  all,            // the share's interval holds 1 and not 0
  part,           // between, both ends excluded
  none,           // the share's interval holds 0 and not 1
  more,           // it lies above 1: other decisions of B cost what this one gains
  opposite,       // it lies below 0
  undecided       // it holds both, or there is none
};
// "no difference shown" "all of it" "a part of it" "none of it" "more than all of it"
// "the other way" "undecided"
std::string_view word(SwapEffect e);

struct SwapShare {
  double a_ns = 0, b_ns = 0, swapped_ns = 0;  // mean over launches of the launch medians
  stats::Interval total;                      // b - a
  stats::Interval moved;                      // swapped - a
  stats::Interval share;                      // moved / total (Fieller); no bounds without a total
  SwapEffect effect = SwapEffect::undecided;
};

// Launch medians in ns: number i of the three was taken side by side, in an order drawn for each i.
// Error: unequal numbers, none at all, or a median that is not above 0. The shares of several
// decisions need not add up to 1: kernels meet in caches.
Result<SwapShare> swap_share(std::span<const double> a, std::span<const double> b,
                             std::span<const double> swapped, double confidence = 0.95);

// `decision`: how the task is called.
std::string sentence(const SwapShare& s, std::string_view decision);
Json to_json(const SwapShare& s, std::string_view decision);

}  // namespace assay::diff
