// SPDX-License-Identifier: Apache-2.0
// Equation 1 in both of its cases, the largest response seen, and the tail model, side by side.
#include <map>

#include "report/figures.h"
#include "report/response/parts.h"
#include "report/series/numbers.h"

namespace assay::report {
namespace {

// The smallest p for which the bound is evidence.
const stats::PwcetPoint* best_point(const stats::Pwcet& w) {
  const stats::PwcetPoint* best = nullptr;
  for (const auto& p : w.points)
    if (p.bound_ns && !p.extrapolation && (best == nullptr || p.p < best->p)) best = &p;
  return best;
}

std::string pwcet_text(const stats::Pwcet& w) {
  if (w.refused)
    return "REFUSED: " + (w.reasons.empty() ? std::string("not asked for") : w.reasons.front()) +
           (w.reasons.size() > 1 ? fmt::format(" (and {} more)", w.reasons.size() - 1)
                                 : std::string());
  const auto* p = best_point(w);
  if (p == nullptr) return "no bound within the evidence";
  return fmt::format("{} at {} a frame", ns_text(p->bound_ns), probability_text(p->p));
}

const stream::WcetResult::Term* term_of(const stream::WcetResult& w, std::string_view name) {
  for (const auto& t : w.terms)
    if (t.name == name) return &t;
  return nullptr;
}
std::string term_text(const stream::WcetResult& w, std::string_view name) {
  const auto* t = term_of(w, name);
  return t == nullptr ? "-" : ns_text(t->largest);
}

std::string dominant(const stream::WcetResult& w) {
  if (w.dominant.empty()) return "unknown";
  return w.dominant == stream::word(Stage::infer)    ? stage_name(Stage::infer)
         : w.dominant == stream::word(Stage::second) ? stage_name(Stage::second)
                                                     : w.dominant;
}

Part summary_part(const Source& s) {
  Part p;
  p.section.heading = "Worst case";
  Table t({"condition", "case", "sum C1", "C2", "epsilon of C2", "inference", "delta inference",
           "C3", "epsilon of C3", "equation 1", "largest seen", "pWCET", "takes most"});
  std::map<std::string, std::vector<std::string>> without;  // note -> conditions
  each_task(s.results, [&](const CellResult& c, const TaskResult& task) {
    const stream::WcetResult& w = task.wcet;
    const std::string equation = w.paper.ok ? ns_text(w.paper.response_ns) : "not available";
    const std::string seen =
        w.observed_max > 0 ? ns_text(static_cast<double>(w.observed_max)) : std::string("unknown");
    t.add({s.names(c, task), c.cell.cameras == 1 ? "1" : "2", term_text(w, "sum_c1"),
           term_text(w, "c2"), term_text(w, "epsilon_pre"), term_text(w, "inference"),
           term_text(w, "delta_inference"), term_text(w, "c3"), term_text(w, "epsilon_post"),
           equation, seen, pwcet_text(w.pwcet), dominant(w)});
    p.lines.push_back(fmt::format("{}: equation 1 {}; largest seen {}; pWCET {}", s.names(c, task),
                                  equation, seen, pwcet_text(w.pwcet)));
    if (!w.paper.ok && !w.note.empty()) without[w.note].push_back(s.names(c, task));
    if (!w.sentence.empty()) p.section.paragraphs.push_back(s.names(c, task) + ": " + w.sentence);
  });
  // What dominates is told once for each of a few; the rest is in the table.
  constexpr size_t kSentences = 6;
  if (p.section.paragraphs.size() > kSentences) {
    const size_t more = p.section.paragraphs.size() - kSentences;
    p.section.paragraphs.resize(kSentences);
    p.section.paragraphs.push_back(count_with_plural(static_cast<int64_t>(more), "more condition") +
                                   ": see the table.");
  }
  constexpr size_t kNamed = 3;
  for (auto& [note, where] : without) {
    const size_t rest = where.size() > kNamed ? where.size() - kNamed : 0;
    where.resize(where.size() - rest);
    p.section.paragraphs.push_back(
        fmt::format("No equation 1 for {}{}: {}.", joined(where),
                    rest > 0 ? fmt::format("; and {} more", rest) : std::string(), note));
  }
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "Equation 1 of the paper, case 1 (one camera): R = C1 + C2 + inference + C3. Case 2 (F "
      "cameras): R = sum of C1 over the cameras + (C2 + epsilon) + (inference + delta) + (C3 + "
      "epsilon). C1: read; C2: decode and pre, as the paper's pre-processing; C3: post; each the "
      "largest seen, those of case 2 with one camera. epsilon, delta: growth of the largest "
      "against one camera; the equation takes the larger epsilon for both. It is a sum of "
      "constants: no tail, no confidence, and no waiting for a busy server, so that a measured "
      "response may well lie above it.");
  p.section.notes.emplace_back(
      "pWCET: a bound of the response at a stated chance per frame, from the fitted tail; printed "
      "is the smallest chance that the frames are evidence for. It speaks of the machine, pictures "
      "and state that were measured, and is refused where its conditions do not hold.");
  return p;
}

Part terms_part(const Source& s) {
  Part p;
  p.section.heading = "Terms of equation 1";
  p.section.folded = p.page_only = true;
  Table t({"condition", "term", "largest", "mean of the largest, with 95 % interval", "repetitions",
           "note"});
  each_task(s.results, [&](const CellResult& c, const TaskResult& task) {
    const stream::WcetResult& w = task.wcet;
    for (const auto& term : w.terms)
      t.add({s.names(c, task), term.name, ns_text(term.largest),
             term.mean && term.lower && term.upper ? span_text(*term.mean, *term.lower, *term.upper)
             : term.repetitions < 2                ? std::string("not available, need n >= 2")
                                                   : std::string("not available"),
             std::to_string(term.repetitions), "-"});
    if (w.terms.empty() || !w.note.empty())
      t.add({s.names(c, task), "-", "-", "-", "-", w.note.empty() ? "not available" : w.note});
  });
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "mean: over repetitions, of the largest value in each, with Student's t; growth is paired by "
      "the number of the repetition. sum_c1, inference and the growth terms are of all streams of "
      "the task.");
  return p;
}

Part pwcet_part(const Source& s) {
  Part p;
  p.section.heading = "pWCET, bound by bound";
  p.section.folded = p.page_only = true;
  Table t({"condition", "p a frame", "bound", "by", "trust of the response", "why"});
  each_task(s.results, [&](const CellResult& c, const TaskResult& task) {
    const stats::Pwcet& w = task.wcet.pwcet;
    const StageResult* response = stage_of(task, Stage::response);
    const std::string trust(response != nullptr ? word(response->gate.trust) : "unknown");
    if (w.refused) {
      for (const std::string& reason : w.reasons)
        t.add({s.names(c, task), "-", "REFUSED", "-", trust, reason});
      return;
    }
    for (const auto& point : w.points)
      t.add({s.names(c, task), probability_text(point.p),
             point.bound_ns ? ns_text(*point.bound_ns) : std::string("not available"),
             point.order_statistic ? "order statistic, no model" : "tail model", trust,
             point.extrapolation      ? "extrapolation: no evidence"
             : point.below_high_water ? "below the largest seen"
                                      : "-"});
  });
  p.section.table = std::move(t);
  return p;
}

}  // namespace

Parts wcet_parts(const Source& s) {
  Parts out;
  for (Part& p : Parts{summary_part(s), terms_part(s), pwcet_part(s)})
    if (!p.section.table->empty()) out.push_back(std::move(p));
  return out;
}

}  // namespace assay::report
