// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "report/response/parts.h"

namespace assay::report {
namespace {

template <class Member>
bool differs(const Results& r, Member&& member) {
  return std::any_of(r.cells.begin(), r.cells.end(), [&](const CellResult& c) {
    return member(c.cell) != member(r.cells.front().cell);
  });
}

}  // namespace

CellNames::CellNames(const Results& r)
    : recipe_(differs(r, [](const auto& c) { return c.recipe; })),
      streams_(differs(r, [](const auto& c) { return c.streams; })),
      mode_(differs(r, [](const auto& c) { return c.mode; })),
      policy_(differs(r, [](const auto& c) { return c.policy; })),
      co_runner_(differs(r, [](const auto& c) { return c.co_runner; })),
      cache_(differs(r, [](const auto& c) { return c.cache; })),
      priority_(differs(r, [](const auto& c) { return c.priority; })),
      cpus_(differs(r, [](const auto& c) { return c.cpus; })),
      scenario_(differs(r, [](const auto& c) { return c.scenario; })) {}

std::string CellNames::name(const stream::Cell& c, bool streams) const {
  std::string out = recipe_ ? c.recipe : "";
  const auto add = [&](bool wanted, std::string_view text) {
    if (!wanted) return;
    if (!out.empty()) out += ", ";
    out += text;
  };
  add(streams && streams_, fmt::format("N = {}", c.streams));
  add(mode_, c.mode);
  add(scenario_, stream::word(c.scenario));
  add(policy_, stream::word(c.policy));
  add(co_runner_, c.co_runner == "none" ? "alone" : "beside " + c.co_runner);
  add(cache_, c.cache + " cache");
  add(priority_, "priority " + c.priority);
  add(cpus_, fmt::format("CPUs {}", fmt::join(c.cpus, " ")));
  return out.empty() ? c.recipe : out;
}

std::string CellNames::operator()(const CellResult& c, const TaskResult& t) const {
  const std::string out = name(c.cell, true);
  return c.tasks.size() > 1 ? out + ", " + t.task : out;
}

std::string CellNames::without_streams(const CellResult& c, const TaskResult& t) const {
  const std::string out = name(c.cell, false);
  return c.tasks.size() > 1 ? out + ", " + t.task : out;
}

const StageResult* stage_of(const TaskResult& t, Stage stage) {
  for (const StageResult& s : t.stages)
    if (s.stage == stage) return &s;
  return nullptr;
}

bool stage_there(const Results& r, Stage stage) {
  bool there = false;
  each_task(r, [&](const CellResult&, const TaskResult& t) {
    const StageResult* s = stage_of(t, stage);
    there |= s != nullptr && s->max > 0;
  });
  return there;
}

void each_task(const Results& r,
               const std::function<void(const CellResult&, const TaskResult&)>& visit) {
  for (const CellResult& c : r.cells)
    for (const TaskResult& t : c.tasks) visit(c, t);
}

const stream::CellLog* log_of(const std::vector<stream::CellLog>& logs, const CellResult& cell) {
  for (const stream::CellLog& log : logs)
    if (log.cell.id == cell.cell.id) return &log;
  return nullptr;
}

}  // namespace assay::report
