// SPDX-License-Identifier: Apache-2.0
// JSON, JSON lines and CSV: all figures, no source texts. What is not told is null.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/json.h"
#include "report/diff/cells.h"
#include "stats/json.h"

namespace assay::report {
namespace {

using stats::number;

Json optional_number(const std::optional<double>& v) { return v ? number(*v) : Json(nullptr); }
Json bytes_json(int64_t v) { return v < 0 ? Json(nullptr) : Json(v); }

Json times_json(const std::optional<diff::Times>& t) {
  if (!t) return nullptr;
  return {{"median", number(t->median)},
          {"low", number(t->low)},
          {"high", number(t->high)},
          {"n", t->n}};
}

Json tensors_json(const std::vector<diff::TensorRef>& all) {
  Json out = Json::array();
  for (const diff::TensorRef& t : all)
    out.push_back({{"name", t.name}, {"dtype", t.dtype}, {"format", t.format}, {"shape", t.shape}});
  return out;
}

Json engine_json(const diff::EngineMap& e, const diff::Totals& t) {
  return {{"label", e.label},
          {"compiler", e.compiler},
          {"version", e.version},
          {"source", e.source},
          {"precision", e.precision},
          {"artifact_bytes", bytes_json(e.artifact_bytes)},
          {"tells_sources", e.tells_sources},
          {"layers", t.layers},
          {"layers_with_source", t.with_source},
          {"layers_with_origin", t.with_origin},
          {"layers_with_time", t.with_time},
          {"time_ns", optional_number(t.time_ns)},
          {"notes", e.notes}};
}

Json side_json(const diff::EngineMap& e, const std::vector<size_t>& layers, const diff::Side& s) {
  if (!s.present) return nullptr;
  Json all = Json::array();
  for (size_t i : layers) {
    const diff::Layer& l = e.layers[i];
    all.push_back({{"ordinal", i},
                   {"name", l.name},
                   {"type", l.type},
                   {"kernel", l.kernel},
                   {"source_sha256", l.source_sha256},
                   {"precision", l.precision},
                   {"origin", l.origin},
                   {"inputs", tensors_json(l.inputs)},
                   {"outputs", tensors_json(l.outputs)},
                   {"weight_bytes", bytes_json(l.weight_bytes)}});
  }
  return {{"layers", std::move(all)},
          {"time_ns", times_json(s.time)},
          {"share", optional_number(s.share)},
          {"variant", s.variant}};
}

Json row_json(const DiffReport& report, size_t row) {
  const diff::RowDiff& r = report.comparison.rows[row];
  const diff::Row& aligned = report.comparison.alignment.rows[row];
  Json changes = Json::array(), sides = Json::array(), moved = Json::array();
  for (size_t e = 0; e < aligned.moved.size(); ++e)
    if (aligned.moved[e]) moved.push_back(e);
  for (diff::Change c : r.changes) changes.push_back(diff::word(c));
  for (size_t e = 0; e < report.engines.size(); ++e)
    sides.push_back(side_json(report.engines[e], aligned.layers[e], r.sides[e]));
  return {{"row", row},
          {"name", row_name(report, row)},
          {"aligned_by", diff::word(aligned.how)},
          {"moved_in", std::move(moved)},
          {"differs", r.differs},
          {"changes", std::move(changes)},
          {"sides", std::move(sides)}};
}

Json task_side_json(const diff::EngineMap& e, const diff::TaskSide& s) {
  if (!s.decision) return nullptr;
  const auto& candidates = e.decisions[*s.decision].candidates;
  Json losers = Json::array();
  for (const diff::Loser& l : s.losers)
    losers.push_back({{"candidate", candidates[l.candidate].text},
                      {"time_ns", times_json(l.times)},
                      {"gap", number(l.gap)},
                      {"gap_low", number(l.gap_low)},
                      {"gap_high", number(l.gap_high)},
                      {"near_tie", l.near_tie}});
  return {{"choice", s.choice},
          {"time_ns", times_json(s.times)},
          {"candidates", s.candidates},
          {"failed", s.failed},
          {"losers", std::move(losers)}};
}

Json task_json(const DiffReport& report, const diff::TaskDiff& t) {
  Json sides = Json::array();
  for (size_t e = 0; e < report.engines.size(); ++e)
    sides.push_back(task_side_json(report.engines[e], t.sides[e]));
  return {{"task", t.task},       {"occurrence", t.occurrence},
          {"differs", t.differs}, {"flip", t.differs ? Json(diff::word(t.tie)) : Json(nullptr)},
          {"why", t.why},         {"sides", std::move(sides)}};
}

}  // namespace

std::string diff_json(const DiffReport& report) {
  const diff::Comparison& c = report.comparison;
  Json changes = Json::object(), engines = Json::array(), rows = Json::array(),
       tasks = Json::array();
  for (size_t i = 0; i < diff::kChanges; ++i)
    changes[std::string(diff::word(static_cast<diff::Change>(i)))] = c.counts[i];
  for (size_t e = 0; e < report.engines.size(); ++e)
    engines.push_back(engine_json(report.engines[e], c.totals[e]));
  for (size_t i = 0; i < c.rows.size(); ++i) rows.push_back(row_json(report, i));
  for (const diff::TaskDiff& t : c.tasks) tasks.push_back(task_json(report, t));
  const Json out = {{"format", 1},
                    {"kind", "engine_diff"},
                    {"level", diff::word(c.alignment.level)},
                    {"differs", c.differs()},
                    {"names_only", c.names_only},
                    {"rows_differ", c.rows_differ},
                    {"rows_renamed", c.rows_renamed},
                    {"changes", std::move(changes)},
                    {"tasks_differ", c.tasks_differ},
                    {"near_ties", c.near_ties},
                    {"notes", c.notes},
                    {"engines", std::move(engines)},
                    {"rows", std::move(rows)},
                    {"tasks", std::move(tasks)}};
  return dump_json(out, 1) + "\n";
}

std::string diff_jsonl(const DiffReport& report) {
  std::string out;
  const auto add = [&](const char* kind, const Json& rest) {
    Json j = {{"kind", kind}};
    j.update(rest);
    out += dump_json(j) + "\n";
  };
  for (size_t i = 0; i < report.comparison.rows.size(); ++i)
    if (report.all || report.comparison.rows[i].differs) add("row", row_json(report, i));
  for (const diff::TaskDiff& t : report.comparison.tasks)
    if (report.all || t.differs) add("task", task_json(report, t));
  return out;
}

std::string diff_csv(const DiffReport& report) {
  Table t({"row", "engine", "changes", "variant", "layers", "layer", "kernel", "source_sha256",
           "precision", "origin", "time_ns", "share"});
  const auto decimal = [](double v) { return fmt::format("{:.6g}", v); };
  for (size_t i = 0; i < report.comparison.rows.size(); ++i) {
    const diff::RowDiff& r = report.comparison.rows[i];
    if (!report.all && !r.differs) continue;
    for (size_t e = 0; e < report.engines.size(); ++e) {
      const diff::Side& s = r.sides[e];
      t.add({std::to_string(i), report.engines[e].label, r.changes.empty() ? "" : change_words(r),
             std::to_string(s.variant),
             std::to_string(report.comparison.alignment.rows[i].layers[e].size()), s.layer,
             s.kernel, s.code, s.precision, fmt::format("{}", fmt::join(s.origin, " ")),
             s.time ? decimal(s.time->median) : "", s.share ? decimal(*s.share) : ""});
    }
  }
  return t.csv();
}

}  // namespace assay::report
