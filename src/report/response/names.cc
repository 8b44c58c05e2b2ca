// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "report/response/parts.h"
#include "report/series/numbers.h"

namespace assay::report {
namespace {

std::string cpus_text(const std::vector<int>& cpus) {
  return fmt::format("CPUs {}", fmt::join(cpus, ","));
}

template <class Member>
bool differs(const Results& r, Member&& member) {
  return std::any_of(r.cells.begin(), r.cells.end(), [&](const CellResult& c) {
    return member(c.cell) != member(r.cells.front().cell);
  });
}

}  // namespace

CellNames::CellNames(const Results& r)
    : recipe_(differs(r, [](auto& c) { return c.recipe; })),
      streams_(differs(r, [](auto& c) { return c.streams; })),
      mode_(differs(r, [](auto& c) { return c.mode; })),
      policy_(differs(r, [](auto& c) { return c.policy; })),
      co_runner_(differs(r, [](auto& c) { return c.co_runner; })),
      cache_(differs(r, [](auto& c) { return c.cache; })),
      priority_(differs(r, [](auto& c) { return c.priority; })),
      cpus_(differs(r, [](auto& c) { return c.cpus; })),
      scenario_(differs(r, [](auto& c) { return c.scenario; })) {}

std::string CellNames::operator()(const stream::Cell& c) const {
  std::string out = recipe_ ? c.recipe : "";
  const auto add = [&](bool wanted, const std::string& text) {
    if (!wanted) return;
    if (!out.empty()) out += ", ";
    out += text;
  };
  add(streams_, fmt::format("N = {}", c.streams));
  add(mode_, c.mode);
  add(scenario_, std::string(stream::word(c.scenario)));
  add(policy_, std::string(stream::word(c.policy)));
  add(co_runner_, "co-runner " + c.co_runner);
  add(cache_, "cache " + c.cache);
  add(priority_, c.priority);
  add(cpus_, cpus_text(c.cpus));
  return out.empty() ? c.recipe : out;
}

std::string CellNames::operator()(const CellResult& c, const TaskResult& t) const {
  return c.tasks.size() > 1 ? fmt::format("{}, {}", (*this)(c.cell), t.task) : (*this)(c.cell);
}

const StageResult* stage_of(const TaskResult& t, Stage stage) {
  for (const StageResult& s : t.stages)
    if (s.stage == stage) return &s;
  return nullptr;
}

const stats::QuantileRow* row_of(const StageResult& s, double q) {
  for (const auto& row : s.quantiles)
    if (std::fabs(row.q - q) < 1e-12) return &row;
  return nullptr;
}

std::string quantile_text(const StageResult& s, double q) {
  const auto* row = row_of(s, q);
  if (!row) return "unknown";
  if (!row->carried())
    return row->n_needed > 0 ? fmt::format("not available, need n >= {}", row->n_needed)
                             : std::string("not available");
  return fmt::format("{} [{}, {}]", format_ns(static_cast<double>(row->estimate)),
                     format_ns(static_cast<double>(*row->lower)),
                     format_ns(static_cast<double>(*row->upper)));
}

std::string percent(double share) {
  return std::isfinite(share) ? fmt::format("{:.1f} %", 100 * share) : std::string("unknown");
}
std::string rate_text(const std::optional<double>& rate) {
  return rate && std::isfinite(*rate) ? probability_text(*rate) : std::string("not available");
}
std::string opt_ns(const std::optional<double>& ns) {
  return ns && std::isfinite(*ns) ? format_ns(*ns) : std::string("not available");
}

}  // namespace assay::report
