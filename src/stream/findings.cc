// SPDX-License-Identifier: Apache-2.0
#include "stream/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "stream/findings_compare.h"

namespace assay::stream {
namespace {

using Sentences = std::vector<std::string>;

std::string task_label(const CellResult& c, const TaskResult& t) {
  return c.tasks.size() > 1 ? label_of(c.cell) + ", " + t.task : label_of(c.cell);
}

std::string percent(double share) { return fmt::format("{:.3g} %", 100 * share); }

void unstable(const CellResult& c, Sentences& out) {
  const Stability& s = c.stability;
  if (!s.unstable || !s.utilisation) return;
  out.push_back(fmt::format(
      "{}: UNSTABLE: the server is busy {} of the time it has (upper bound {}), so waits grow with "
      "the length of the run and there is no stationary miss rate",
      label_of(c.cell), percent(*s.utilisation), s.upper ? percent(*s.upper) : "not available"));
}

void accounting(const CellResult& c, Sentences& out) {
  for (const TaskResult& t : c.tasks)
    if (!t.accounting.balanced())
      out.push_back(fmt::format("{}: {} of {} planned frames are lost: no record mentions them",
                                task_label(c, t), t.accounting.lost, t.accounting.planned));
  if (c.failed_repetitions > 0)
    out.push_back(fmt::format("{}: {} of {} repetitions did not end well{}", label_of(c.cell),
                              c.failed_repetitions, c.repetitions,
                              c.failure.empty() ? "" : " (" + one_line(c.failure, 200) + ")"));
  for (const TaskResult& t : c.tasks) {
    const Accounting& a = t.accounting;
    std::string faults;
    for (const auto& [fault, n] : a.faults)
      faults += fmt::format("{}{} {}", faults.empty() ? "" : ", ", n, fault);
    if (a.failed > 0)
      out.push_back(fmt::format("{}: {} of {} frames failed ({})", task_label(c, t), a.failed,
                                a.planned, faults));
    if (a.stopped_cameras > 0)
      out.push_back(fmt::format("{}: {} cameras stopped before their last planned frame",
                                task_label(c, t), a.stopped_cameras));
  }
}

std::string missed(const DeadlineResult& d, const char* what) {
  const MissRate& m = d.observed;
  std::string out = fmt::format("{} of {} {} missed the deadline of {}", m.misses, m.n, what,
                                format_ns(static_cast<double>(d.deadline_ns)));
  if (m.rate && m.lower && m.upper)
    out += fmt::format(": {} ({} to {})", percent(*m.rate), percent(*m.lower), percent(*m.upper));
  if (d.max_consecutive > 1) out += fmt::format("; {} in a row", d.max_consecutive);
  return out;
}

// Of the response: a rate of a series that is rejected is what was seen, no more.
bool rejected(const TaskResult& t) {
  return t.stages.empty() || t.stages.back().gate.trust == Trust::rejected;
}

void deadlines(const CellResult& c, Sentences& out) {
  for (const TaskResult& t : c.tasks)
    if (t.deadline && t.deadline->observed.misses > 0)
      out.push_back(task_label(c, t) + ": " + missed(*t.deadline, "frames") +
                    (rejected(t) ? fmt::format("; the series is {}", word(Trust::rejected)) : ""));
  if (c.streams.size() > 1 && c.frame_set_deadline && c.frame_set_deadline->observed.misses > 0)
    out.push_back(label_of(c.cell) + ": " +
                  missed(*c.frame_set_deadline, "frame sets (one frame of every stream)"));
}

// Where no frame was late: one sentence with the weakest of the bounds, and one for each reason why
// there is none.
void no_misses(const Results& results, double confidence, Sentences& out) {
  int64_t clean = 0, judged = 0;
  std::string weakest;
  double bound = -1;
  std::vector<std::pair<std::string, std::vector<std::string>>> silent;  // why, where
  for (const CellResult& c : results.cells)
    for (const TaskResult& t : c.tasks) {
      if (!t.deadline || t.deadline->observed.n == 0) continue;
      ++judged;
      const DeadlineResult& d = *t.deadline;
      if (d.observed.misses > 0) continue;
      std::string why = d.observed.refusal;
      if (d.observed.upper && rejected(t))
        why = fmt::format("the series of responses is {}", word(Trust::rejected));
      if (!d.observed.upper || rejected(t)) {
        if (why.empty()) why.assign("the frames do not carry one");
        auto it = std::find_if(silent.begin(), silent.end(),
                               [&](const auto& s) { return s.first == why; });
        if (it == silent.end()) it = silent.insert(silent.end(), {why, {}});
        it->second.push_back(task_label(c, t));
        continue;
      }
      ++clean;
      if (*d.observed.upper <= bound) continue;
      bound = *d.observed.upper;
      weakest = fmt::format("none of {} frames in {}: at most {} miss {} ({:g} % confidence)",
                            d.observed.n, task_label(c, t), percent(bound),
                            format_ns(static_cast<double>(d.deadline_ns)), 100 * confidence);
      if (d.model_upper && *d.model_upper * 100 * static_cast<double>(d.observed.n) >= 1)
        weakest += fmt::format(", by the tail model {:.2g}", *d.model_upper);
    }
  for (const auto& [why, where] : silent)
    out.push_back(fmt::format(
        "{}{}: no frame that was seen missed its deadline, but there is no "
        "bound on how many do: {}",
        where.front(),
        where.size() == 1 ? "" : fmt::format(" and {} more conditions", where.size() - 1), why));
  if (clean > 0)
    out.push_back(
        fmt::format("no frame missed its deadline in {} of {} conditions; the weakest of "
                    "these: {}",
                    clean, judged, weakest));
}

// Once for each recipe and task, and again where more streams change who dominates.
void dominance(const Results& results, Sentences& out) {
  std::vector<std::string> said;
  for (const CellResult& c : results.cells)
    for (const TaskResult& t : c.tasks) {
      std::string key = c.cell.recipe + "\n" + t.task + "\n" + t.wcet.dominant;
      if (t.wcet.sentence.empty() || std::find(said.begin(), said.end(), key) != said.end())
        continue;
      said.push_back(std::move(key));
      out.push_back(task_label(c, t) + ": " + t.wcet.sentence);
    }
}

// The lowest other rate at which frames miss, or nothing settles.
void other_rates(const CellResult& c, Sentences& out) {
  for (const TaskResult& t : c.tasks) {
    if (!t.deadline || c.stability.unstable) continue;
    for (const Replay& r : t.deadline->replays) {
      if (!r.unstable && !(r.rate && *r.rate > 0)) continue;
      std::string s = fmt::format("{}: the measured services at {:.3g} frames a second would ",
                                  task_label(c, t), r.fps);
      if (r.unstable)
        s += "be UNSTABLE";
      else
        s += fmt::format("miss {} of the deadlines", percent(*r.rate));
      if (!r.unstable && r.lower && r.upper)
        s += fmt::format(" ({} to {})", percent(*r.lower), percent(*r.upper));
      out.push_back(std::move(s));
      break;
    }
  }
}

double median_of(const StageResult& s) {
  return !s.quantiles.empty() && s.quantiles[0].carried()
             ? static_cast<double>(s.quantiles[0].estimate)
             : 0;
}

void idle(const CellResult& c, Sentences& out) {
  for (const TaskResult& t : c.tasks) {
    if (!t.after_idle || t.stages.empty()) continue;
    const double first = median_of(*t.after_idle), all = median_of(t.stages.back());
    if (!(all > 0) || !(first > 0)) continue;
    // More than chance: the intervals of the two medians lie apart.
    const bool apart = *t.after_idle->quantiles[0].lower > *t.stages.back().quantiles[0].upper;
    if (apart && first > 1.05 * all)
      out.push_back(fmt::format(
          "{}: the first frame after idle takes {:.3g} times the median response ({} of {} frames)",
          task_label(c, t), first / all, t.after_idle->n, t.stages.back().n));
  }
}

void dependence(const CellResult& c, Sentences& out) {
  for (const TaskResult& t : c.tasks) {
    const Composition& m = t.composition;
    if (!m.joint || !m.sum_of_quantiles) continue;
    if (*m.joint > *m.sum_of_quantiles)
      out.push_back(task_label(c, t) + ": " + m.note);
    else if (m.convolution && *m.joint > 1.02 * *m.convolution && !m.pairs.empty())
      out.push_back(fmt::format(
          "{}: stages are not independent: p99 of the response is {}, independent stages would "
          "give {}; {} and {} are slow together (chi {:.2f})",
          task_label(c, t), format_ns(*m.joint), format_ns(*m.convolution), word(m.pairs.front().a),
          word(m.pairs.front().b), m.pairs.front().chi));
    if (!m.boole_holds)
      out.push_back(
          fmt::format("{}: the bound of the joint p99 ({}) lies above the Boole bound "
                      "({}): they cannot both hold",
                      task_label(c, t), format_ns(*m.joint_upper), format_ns(*m.boole_upper)));
  }
}

void oversubscribed(const CellResult& c, Sentences& out) {
  if (c.cell.oversubscribed)
    out.push_back(label_of(c.cell) +
                  ": oversubscribed (more inference threads than CPUs they may use): not to be "
                  "compared with cells that are not");
}

// Conditions that share a reason share a sentence.
void trust(const Results& results, Sentences& out) {
  std::vector<std::pair<std::string, std::vector<std::string>>> reasons;  // what, where
  size_t tasks = 0;
  for (const CellResult& c : results.cells)
    for (const TaskResult& t : c.tasks) {
      if (t.stages.empty()) continue;
      ++tasks;
      const StageResult* worst = &t.stages.back();
      for (const StageResult& s : t.stages)
        if (static_cast<int>(s.gate.trust) > static_cast<int>(worst->gate.trust)) worst = &s;
      const stats::Gate& g = worst->gate;
      if (g.trust == Trust::trusted) continue;
      const std::string what = fmt::format("{} is {}{}", word(worst->stage), word(g.trust),
                                           g.reasons.empty() ? "" : ": " + g.reasons.front());
      auto it = std::find_if(reasons.begin(), reasons.end(),
                             [&](const auto& r) { return r.first == what; });
      if (it == reasons.end()) it = reasons.insert(reasons.end(), {what, {}});
      it->second.push_back(task_label(c, t));
    }
  for (const auto& [what, where] : reasons)
    out.push_back(where.size() == 1 ? fmt::format("{}: {}", where.front(), what)
                                    : fmt::format("{} of {} conditions ({}, ...): {}", where.size(),
                                                  tasks, where.front(), what));
}

void allocations(const CellResult& c, Sentences& out) {
  for (const TaskResult& t : c.tasks) {
    const auto n = static_cast<double>(t.stages.empty() ? 0 : t.stages.back().n);
    if (n > 0 && t.compiler_allocations > 0)
      out.push_back(fmt::format("{}: the compiler's runtime allocates {:.3g} times a frame",
                                task_label(c, t), static_cast<double>(t.compiler_allocations) / n));
    if (t.own_allocations > 0)
      out.push_back(fmt::format("{}: the pipeline itself allocated {} times in the timed path",
                                task_label(c, t), t.own_allocations));
  }
}

// Opt-in, so what it costs stands beside what it gains.
void scaled(const CellResult& c, Sentences& out) {
  if (!c.scaled || c.scaled->pictures == 0) return;
  const ScaledDecode& s = *c.scaled;
  if (s.smaller == 0) {
    out.push_back(fmt::format(
        "{}: scaled decoding had nothing to do: none of {} pictures is twice as large as needed",
        label_of(c.cell), s.pictures));
    return;
  }
  const auto full = static_cast<double>(s.decode_full_ns);
  const auto less = static_cast<double>(s.decode_scaled_ns);
  std::string levels = "tensors were not compared";
  if (s.max_levels && s.mean_levels)
    levels = fmt::format("tensors differ by up to {:.3g} grey levels ({:.2g} in the mean)",
                         *s.max_levels, *s.mean_levels);
  out.push_back(fmt::format(
      "{}: scaled decoding of {} of {} pictures: {} in place of {} ({:.3g} times as fast), {}, {} "
      "of {} pictures get another answer",
      label_of(c.cell), s.smaller, s.pictures, format_ns(less), format_ns(full),
      less > 0 ? full / less : 0, levels, s.changed, s.pictures));
}

}  // namespace

std::string label_of(const Cell& c) {
  std::string out = c.recipe;
  out += fmt::format(", {} stream{}", c.streams, c.streams == 1 ? "" : "s");
  if (c.mode != "processes") out += ", " + c.mode;
  if (c.policy != Policy::queue) out += fmt::format(", {}", word(c.policy));
  if (c.co_runner != "none") out += fmt::format(", beside a co-runner on {}", c.co_runner);
  if (c.cache != "warm") out += c.cache == "cold" ? ", cold cache" : ", from memory";
  if (c.priority != "other") out += ", " + c.priority;
  return out;
}

std::vector<std::string> findings_of(const Results& results, double confidence) {
  Sentences out;
  const auto each = [&](void (*say)(const CellResult&, Sentences&)) {
    for (const CellResult& c : results.cells) say(c, out);
  };
  each(unstable);
  each(accounting);
  each(deadlines);
  no_misses(results, confidence, out);
  each(other_rates);
  dominance(results, out);
  each(dependence);
  each(idle);
  say_slowdowns(results, out);
  say_equalities(results, out);
  each(scaled);
  each(oversubscribed);
  trust(results, out);
  each(allocations);
  return out;
}

}  // namespace assay::stream
