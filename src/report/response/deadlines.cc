// SPDX-License-Identifier: Apache-2.0
// Deadlines: seen, replayed at other rates, by the tail model; the load of the servers; release
// jitter and first frames after idle.
#include <set>

#include "report/figures.h"
#include "report/response/parts.h"
#include "report/series/numbers.h"

namespace assay::report {
namespace {

std::string observed_text(const stream::MissRate& m) {
  if (!m.refusal.empty()) return "not available: " + m.refusal;
  return rate_text(m.rate, m.lower, m.upper);
}

std::string model_text(const stream::DeadlineResult& d) {
  if (d.model_rate)
    return fmt::format("model: {}, below {}", rate_text(d.model_rate), rate_text(d.model_upper));
  return d.model_note.empty() ? "not available" : d.model_note;
}

std::string worst_text(const stream::DeadlineResult& d) {
  std::vector<std::string> out;
  for (const auto& w : d.windows) out.push_back(fmt::format("{} in {}", w.worst, w.k));
  return out.empty() ? "-" : joined(out, ", ");
}
std::string pairs_text(const stream::DeadlineResult& d) {
  std::vector<std::string> out;
  for (const auto& w : d.windows) out.push_back(percent(w.at_least_two));
  return out.empty() ? "-" : joined(out, ", ");
}

void add_misses(const Source& s, Parts& out) {
  Part p;
  p.section.heading = "Deadlines";
  Table t({"condition", "deadline", "missed", "rate seen", "most in a row",
           "worst windows (m in k)", "windows with 2 or more", "tail model", "frames for 1e-6"});
  const auto add = [&](const std::string& name, const stream::DeadlineResult& d) {
    const std::string missed =
        fmt::format("{} of {}", count_text(d.observed.misses), count_text(d.observed.n));
    t.add({name, ns_text(static_cast<double>(d.deadline_ns)), missed, observed_text(d.observed),
           std::to_string(d.max_consecutive), worst_text(d), pairs_text(d), model_text(d),
           count_text(d.frames_for_1e6)});
    p.lines.push_back(fmt::format("{}: {} missed {}, rate {}; at most {} in a row", name, missed,
                                  ns_text(static_cast<double>(d.deadline_ns)),
                                  observed_text(d.observed), d.max_consecutive));
  };
  for (const CellResult& c : s.results.cells) {
    for (const TaskResult& task : c.tasks)
      if (task.deadline) add(s.names(c, task), *task.deadline);
    if (c.cell.streams > 1 && c.frame_set_deadline)
      add(s.names(c.cell) + ", frame set", *c.frame_set_deadline);
  }
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "A frame misses when it is late, dropped, skipped, failed, or not reached before its "
      "deadline was over. Rate seen: with its 95 % interval (Clopper and Pearson), n divided by "
      "tau where misses come in clusters. Windows: (m,k), the most misses in any k frames of one "
      "stream. Tail model: the chance that a served frame is late by the fitted tail, where the "
      "deadline lies above all responses: a model, no observation. Frames for 1e-6: so many frames "
      "without a miss would show a rate of at most one in a million at 95 %.");
  if (!p.section.table->empty()) out.push_back(std::move(p));
}

void add_rates(const Source& s, Parts& out) {
  Part p;
  p.section.heading = "The same services at other rates";
  std::set<double> rates;
  each_task(s.results, [&](const CellResult&, const TaskResult& task) {
    if (task.deadline)
      for (const stream::Replay& r : task.deadline->replays) rates.insert(r.fps);
  });
  std::vector<std::string> header = {"condition"};
  for (const double fps : rates) header.push_back(fmt::format("missed at {:.4g}/s", fps));
  Table t(header);
  each_task(s.results, [&](const CellResult& c, const TaskResult& task) {
    if (!task.deadline || task.deadline->replays.empty()) return;
    std::vector<std::string> row = {s.names(c, task)};
    for (const double fps : rates) {
      row.emplace_back("-");
      for (const stream::Replay& r : task.deadline->replays)
        if (r.fps == fps)
          row.back() = r.unstable ? std::string("UNSTABLE") : rate_text(r.rate, r.lower, r.upper);
    }
    t.add(std::move(row));
  });
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "Replay: every measured service time is served again by the same queue with frames released "
      "at this rate (Lindley's recursion); intervals by block bootstrap, never narrower than the "
      "exact one. UNSTABLE: no stationary rate. Services are taken to be what they were: a faster "
      "camera may also slow them.");
  if (!p.section.table->empty()) out.push_back(std::move(p));
}

void add_load(const Source& s, Parts& out) {
  Part p;
  p.section.heading = "Load of the servers";
  Table t({"condition", "load", "95 % upper bound", "word", "note"});
  bool any = false;
  for (const CellResult& c : s.results.cells) {
    const stream::Stability& load = c.stability;
    any = any || load.utilisation;
    t.add({s.names(c.cell), load.utilisation ? percent(*load.utilisation) : "not available",
           load.upper ? percent(*load.upper) : "not available",
           load.unstable      ? "UNSTABLE"
           : load.utilisation ? "stable"
                              : "-",
           load.note.empty() ? "-" : load.note});
  }
  p.section.table = std::move(t);
  p.page_only = true;
  p.section.notes.emplace_back(
      "Load: the sum of mean service over period, of the busiest server. Where its upper bound "
      "reaches 1, waits grow with the length of the run and there is no stationary miss rate: none "
      "is stated.");
  if (any) out.push_back(std::move(p));
}

}  // namespace

Parts deadline_parts(const Source& s) {
  Parts out;
  add_misses(s, out);
  add_rates(s, out);
  add_load(s, out);
  return out;
}

Parts release_parts(const Source& s) {
  Parts out;
  Part p;
  p.section.heading = "Release jitter and first frames after idle";
  Table t({"condition", "what", "frames", "p50", "p99", "largest", "trust"});
  each_task(s.results, [&](const CellResult& c, const TaskResult& task) {
    if (task.release_jitter) {
      const auto& j = *task.release_jitter;
      t.add({s.names(c, task), "release jitter", count_text(j.n),
             ns_text(static_cast<double>(j.p50)), ns_text(static_cast<double>(j.p99)),
             ns_text(static_cast<double>(j.max)), "-"});
    }
    if (task.after_idle && task.after_idle->n > 0)
      t.add({s.names(c, task), "response, first after idle", count_text(task.after_idle->n),
             quantile_text(*task.after_idle, .5), quantile_text(*task.after_idle, .99),
             ns_text(static_cast<double>(task.after_idle->max)),
             std::string(word(task.after_idle->gate.trust))});
  });
  p.section.table = std::move(t);
  p.page_only = true;
  p.section.notes.emplace_back(
      "Release jitter: start minus scheduled release of frames that found the server idle, as "
      "observed (no interval). First after idle: the camera was silent before; caches and clocks "
      "may have cooled.");
  if (!p.section.table->empty()) out.push_back(std::move(p));
  return out;
}

}  // namespace assay::report
