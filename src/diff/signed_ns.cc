// SPDX-License-Identifier: Apache-2.0
#include "diff/signed_ns.h"

#include <fmt/format.h>

#include <cmath>

#include "base/text.h"

namespace assay::diff {

std::string signed_ns(double ns) { return (ns < 0 ? "-" : "+") + format_ns(std::abs(ns)); }

std::string signed_ns(const stats::Interval& i) {
  if (!i.lower || !i.upper)
    return signed_ns(i.estimate) +
           (i.n_needed > 0 ? fmt::format(" [no bounds: n >= {}]", i.n_needed) : " [no bounds]");
  return fmt::format("{} [{}, {}]", signed_ns(i.estimate), signed_ns(*i.lower),
                     signed_ns(*i.upper));
}

}  // namespace assay::diff
