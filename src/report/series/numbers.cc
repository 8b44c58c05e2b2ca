// SPDX-License-Identifier: Apache-2.0
#include "report/series/numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::report {

TimeScale::TimeScale(double typical) {
  int most = 0;  // decimals down to 1 ns
  if (typical >= 1e9) {
    scale_ = 1e9, unit_ = "s", most = 9;
  } else if (typical >= 1e6) {
    scale_ = 1e6, unit_ = "ms", most = 6;
  } else if (typical >= 1e3) {
    scale_ = 1e3, unit_ = "us", most = 3;
  }
  const double shown = std::max(typical / scale_, 1.0);
  decimals_ = std::clamp(4 - static_cast<int>(std::floor(std::log10(shown))), 0, most);
}

std::string TimeScale::operator()(double ns) const {
  return std::isfinite(ns) ? fmt::format("{:.{}f}", ns / scale_, decimals_) : "-";
}
std::string TimeScale::operator()(const std::optional<double>& ns) const {
  return ns ? (*this)(*ns) : "-";
}
std::string TimeScale::operator()(const std::optional<int64_t>& ns) const {
  return ns ? (*this)(static_cast<double>(*ns)) : "-";
}
std::string TimeScale::with_unit(double ns) const {
  return fmt::format("{} {}", (*this)(ns), unit_);
}

std::string count_with_plural(int64_t n, std::string_view one) {
  if (one == "latency" && n != 1) return fmt::format("{} latencies", n);
  const char* plural = n == 1 ? "" : one.ends_with("ch") ? "es" : "s";
  return fmt::format("{} {}{}", n, one.ends_with("series") ? "series" : one,
                     one.ends_with("series") ? "" : plural);
}

std::string probability_text(double p) {
  if (!std::isfinite(p)) return "-";
  if (p == 0) return "0";
  if (p >= .001) return fmt::format("{:.4g}", p);
  const int exponent = static_cast<int>(std::floor(std::log10(p) + 1e-9));
  return fmt::format("{:.3g}e{}", p / std::pow(10.0, exponent), exponent);  // 1e-4, 1.58e-12
}

std::string p_value_text(const std::optional<double>& p) {
  if (!p || !std::isfinite(*p)) return "-";
  return *p < 1e-6 ? "<1e-6" : *p < .001 ? probability_text(*p) : fmt::format("{:.3f}", *p);
}

std::string quantile_name(double q) { return fmt::format("p{:.6g}", q * 100); }

}  // namespace assay::report
