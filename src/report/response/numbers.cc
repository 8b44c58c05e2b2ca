// SPDX-License-Identifier: Apache-2.0
// Times and rates as the tables of a response report print them.
#include <algorithm>
#include <cmath>

#include "report/figures.h"
#include "report/response/parts.h"
#include "report/series/numbers.h"
#include "report/svg/canvas.h"

namespace assay::report {
namespace {

// Four significant digits of `ns` in its unit, never finer than 1 ns.
struct Shown {
  double scale = 1;
  int decimals = 0;
  std::string_view unit;
};
Shown shown_as(double ns) {
  const double size = std::fabs(ns);
  const svg::Unit u = svg::time_unit(2 * size);
  const int finest = u.scale >= 1e9 ? 9 : u.scale >= 1e6 ? 6 : u.scale >= 1e3 ? 3 : 0;
  const double value = std::max(size / u.scale, 1.0);
  const int decimals = 3 - static_cast<int>(std::floor(std::log10(value)));
  return {u.scale, std::clamp(decimals, 0, finest), u.name};
}

}  // namespace

std::string ns_text(double ns) {
  if (!std::isfinite(ns)) return "unknown";
  const Shown s = shown_as(ns);
  return fmt::format("{:.{}f} {}", ns / s.scale, s.decimals, s.unit);
}
std::string ns_text(const std::optional<double>& ns) {
  return ns && std::isfinite(*ns) ? ns_text(*ns) : std::string("not available");
}

std::string span_text(double ns, double lower, double upper) {
  if (!std::isfinite(lower) || !std::isfinite(upper)) return ns_text(ns);
  const Shown s = shown_as(ns);
  return fmt::format("{:.{}f} {} [{:.{}f}, {:.{}f}]", ns / s.scale, s.decimals, s.unit,
                     lower / s.scale, s.decimals, upper / s.scale, s.decimals);
}

std::string quantile_text(const stats::QuantileRow* row) {
  if (row == nullptr) return "unknown";
  if (row->carried())
    return span_text(static_cast<double>(row->estimate), static_cast<double>(*row->lower),
                     static_cast<double>(*row->upper));
  if (row->n_needed > 0)
    return fmt::format("not available, need n >= {}", count_text(row->n_needed));
  return row->refusal.empty() ? "not available" : "not available: " + row->refusal;
}

const stats::QuantileRow* row_of(const StageResult& s, double q) {
  for (const auto& row : s.quantiles)
    if (std::fabs(row.q - q) < 1e-12) return &row;
  return nullptr;
}

std::string quantile_text(const StageResult& s, double q) { return quantile_text(row_of(s, q)); }

std::string percent(double share) {
  return std::isfinite(share) ? fmt::format("{:.1f} %", 100 * share + 0.0) : std::string("unknown");
}

std::string rate_text(const std::optional<double>& rate) {
  return rate && std::isfinite(*rate) ? probability_text(*rate) : std::string("not available");
}
std::string rate_text(const std::optional<double>& rate, const std::optional<double>& lower,
                      const std::optional<double>& upper) {
  if (!rate || !std::isfinite(*rate)) return "not available";
  if (!lower || !upper) return fmt::format("no bound ({} seen)", probability_text(*rate));
  return fmt::format("{} [{}, {}]", probability_text(*rate), probability_text(*lower),
                     probability_text(*upper));
}

std::string joined(const std::vector<std::string>& texts, std::string_view between) {
  return fmt::format("{}", fmt::join(texts, between));
}

std::string stage_name(Stage stage) {
  switch (stage) {
    case Stage::infer:
      return "inference";
    case Stage::second:
      return "second task";
    default:
      return std::string(stream::word(stage));
  }
}

}  // namespace assay::report
