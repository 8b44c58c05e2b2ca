// SPDX-License-Identifier: Apache-2.0
// Latencies in one unit, all with the same decimals, so that columns can be compared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::report {

class TimeScale {
 public:
  // Unit and decimals by a typical value in ns: five digits of it, never finer than 1 ns.
  explicit TimeScale(double typical_ns);
  std::string operator()(double ns) const;  // "1.2345"; "-" when not finite
  std::string operator()(const std::optional<double>& ns) const;
  std::string operator()(const std::optional<int64_t>& ns) const;
  std::string with_unit(double ns) const;  // "1.2345 ms"
  std::string_view unit() const { return unit_; }

 private:
  double scale_ = 1;
  int decimals_ = 0;
  std::string_view unit_ = "ns";
};

std::string count_with_plural(int64_t n, std::string_view one);  // "1 launch", "3 launches"
std::string probability_text(double p);                          // "1e-6", "0.0123"
std::string p_value_text(const std::optional<double>& p);        // "0.012", "<1e-6", "-"
std::string quantile_name(double q);                             // "p99.9"

}  // namespace assay::report
