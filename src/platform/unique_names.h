// SPDX-License-Identifier: Apache-2.0
// Two sensors with one label: the second becomes LABEL-2, in the order of the machine.
#pragma once

#include <fmt/format.h>

#include <set>
#include <string>

namespace assay::platform {

class UniqueNames {
 public:
  std::string take(const std::string& name) {
    if (taken_.insert(name).second) return name;
    for (int k = 2;; ++k) {
      auto other = fmt::format("{}-{}", name, k);
      if (taken_.insert(other).second) return other;
    }
  }

 private:
  std::set<std::string> taken_;
};

}  // namespace assay::platform
