// SPDX-License-Identifier: Apache-2.0
#include "report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/words.h"
#include "report/detections.h"
#include "report/escape.h"
#include "report/figures.h"
#include "stats/intervals.h"

namespace assay::report {
namespace {

HeadCell cell_of(const VerdictRow* v) {
  if (!v) return {"", "unknown", "", "no verdict in this run"};
  return {v->verdict, "", v->ref, v->statement};
}

HeadCell outputs_cell(const Recipe& r) {
  const VerdictRow* v = find_verdict(r, "outputs", "builds");
  HeadCell c = cell_of(v);
  if (!v) return c;
  c.text = fmt::format("{} of {} pairs differ", get_int(v->statistic, "pairs_different"),
                       get_int(v->statistic, "pairs"));
  if (const auto p = proportion_at(v->statistic, "worst"))
    c.text += p->count == 0 ? fmt::format(" on {} inputs; {}", count_text(p->n), short_bound(*p))
                            : fmt::format(", worst in {}", count_of(*p));
  if (const double d = get_double(v->statistic, "max_abs"); d > 0)
    c.text += ", at most by " + number_text(d);
  return c;
}

// Zero never stands without its bound.
std::string flips_of(const Proportion& p) {
  return count_of(p) + " flip" + (p.count == 0 ? "; " + short_bound(p) : "");
}

// Of a detector: inputs on which a box appeared or vanished.
HeadCell boxes_cell(const Recipe& r, std::string_view scope) {
  const VerdictRow* v = find_verdict(r, "detections", scope);
  HeadCell c = cell_of(v);
  if (!v) return c;
  const auto p = proportion_at(v->statistic, "any");
  c.text = p && p->n > 0
               ? count_of(*p) + " with other boxes" + (p->count == 0 ? "; " + short_bound(*p) : "")
               : "unknown";
  return c;
}

HeadCell labels_cell(const Recipe& r, std::string_view scope) {
  if (find_verdict(r, "detections", scope)) return boxes_cell(r, scope);
  const VerdictRow* v = find_verdict(r, "labels", scope);
  HeadCell c = cell_of(v);
  if (!v) return c;
  auto p = proportion_at(v->statistic, "any");
  if (!p) p = proportion_at(v->statistic, "worst");
  c.text = p ? flips_of(*p) : "unknown";
  return c;
}

HeadCell reference_cell(const Recipe& r) {
  if (r.is_reference)
    return {"", "is the reference", "", "the reference is not compared with itself"};
  if (find_verdict(r, "labels", "reference") || find_verdict(r, "detections", "reference"))
    return labels_cell(r, "reference");
  const VerdictRow* v = find_verdict(r, "outputs", "reference");
  HeadCell c = cell_of(v);
  if (!v) return c;
  const auto p = proportion_at(v->statistic, "worst");
  c.text = p ? count_of(*p) + " differ in a bit" + (p->count == 0 ? "; " + short_bound(*p) : "")
             : "unknown";
  return c;
}

HeadCell accuracy_cell(const Recipe& r) {
  const VerdictRow* v = find_verdict(r, "accuracy");
  for (const Detections& d : detections_of(r))
    if (const std::string text = precision_text(d); !v && !text.empty())
      return {"", text, d.verdict->ref, "mean average precision of each build at IoU 0.5"};
  HeadCell c = cell_of(v);
  if (!v) return c;
  int64_t low = INT64_MAX, high = -1, n = 0;
  for (const Json& b : get_array(v->statistic, "builds")) {
    const auto p = proportion_at(b, "top1");
    if (!p) continue;
    low = std::min(low, p->count);
    high = std::max(high, p->count);
    n = p->n;
  }
  const bool labelled = get_bool(v->statistic, "labelled");
  if (high < 0)
    c.text = "unknown";
  else
    c.text = fmt::format(
        "{} of {} {}", low == high ? count_text(low) : count_text(low) + " to " + count_text(high),
        count_text(n), labelled ? "right (top-1)" : "as the reference (top-1)");
  return c;
}

HeadCell kernels_cell(const Recipe& r) {
  const VerdictRow* v = find_verdict(r, "kernels");
  HeadCell c = cell_of(v);
  if (!v) return c;
  const int64_t maps = get_int(v->statistic, "distinct_maps");
  c.text = fmt::format("{} kernel map{} in {} builds", maps, maps == 1 ? "" : "s",
                       get_int(v->statistic, "builds"));
  return c;
}

// The range over builds; only when every build carries the quantile.
HeadCell quantile_cell(const Recipe& r, const char* quantile) {
  const VerdictRow* v = find_verdict(r, "latency");
  if (!v) return {"", "unknown", "", "no latency verdict in this run"};
  HeadCell c{"", "", v->ref, v->statement};
  int64_t needed = 0;
  bool missing = false;
  for (const Json& b : get_array(v->statistic, "builds")) {
    const auto i = interval_at(b, quantile);
    if (i && carried(*i)) continue;
    missing = true;
    if (i) needed = std::max(needed, i->n_needed);
  }
  const Json& range = get_object(get_object(v->statistic, "over_builds"), quantile);
  if (missing)
    c.text =
        needed > 0 ? fmt::format("not available (n >= {})", count_text(needed)) : "not available";
  else
    c.text = range_text(get_double(range, "min", -1), get_double(range, "max", -1));
  if (scripted(r)) c.text += fmt::format(" ({})", kScripted);
  return c;
}

template <class Value>
std::pair<int64_t, int64_t> range_of(const Recipe& r, Value value) {
  int64_t low = INT64_MAX, high = 0;
  for (const Build& b : r.builds) {
    if (!b.counts || b.outcome != "ok") continue;
    low = std::min(low, value(b));
    high = std::max(high, value(b));
  }
  return {low, high};
}

HeadCell findings_cell(const Model& m, const Recipe& r) {
  int64_t errors = 0, warnings = 0, notes = 0;
  std::string ref;
  for (const Finding& f : m.findings) {
    if (f.recipe_id != r.id) continue;
    if (ref.empty()) ref = f.ref;
    (f.severity == "error" ? errors : f.severity == "warning" ? warnings : notes)++;
  }
  std::string text;
  const auto add = [&](int64_t n, std::string_view word) {
    if (n > 0)
      text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", n, word, n == 1 ? "" : "s");
  };
  add(errors, "error");
  add(warnings, "warning");
  add(notes, "note");
  return {"", text.empty() ? "none" : text, ref, ""};
}

// n for which zero hits would bound the rate by `margin` (rule of three, exact form).
int64_t zero_needed(double margin, double confidence) {
  if (!(margin > 0 && margin < 1 && confidence > 0 && confidence < 1)) return 0;
  return stats::quantile_n_needed(1 - margin, confidence);
}

std::string needs_of(const Recipe& r, const VerdictRow& v) {
  std::vector<std::string> needs;
  if (r.builds_ok < 2)
    needs.push_back(fmt::format("at least 2 usable builds (there {} {})",
                                r.builds_ok == 1 ? "is" : "are", r.builds_ok));
  // What the derivation itself names comes first: it knows the test that was not decided.
  if (const std::string told = get_string(v.threshold, "needs"); !told.empty())
    needs.push_back(told);
  auto p = proportion_at(v.statistic, "worst");
  if (!p) p = proportion_at(v.statistic, "any");
  double margin = 0;
  for (const char* key : {"upper_bound", "margin"})
    if (margin == 0) margin = get_double(v.threshold, key);
  if (p && p->unit != "none" && p->units > 0 && margin > 0) {
    const int64_t n = zero_needed(margin, p->confidence);
    if (p->units < n)
      needs.push_back(
          fmt::format("at least {} {}s without a mismatch (there are {}) for a bound of {:g}",
                      count_text(n), p->unit, count_text(p->units), margin));
  }
  std::string out;
  for (const auto& n : needs) out += (out.empty() ? "" : "; ") + n;
  return out.empty() ? "more evidence, as its statement says" : out;
}

}  // namespace

bool scripted(const Recipe& r) { return r.clock == "scripted" || r.clock == "mixed"; }

Headline headline(const Model& m, const Recipe& r) {
  Headline h;
  h.recipe = &r;
  h.builds = {"", fmt::format("{} of {} ok", r.builds_ok, r.builds_asked),
              r.builds.empty() ? "" : r.builds[0].ref, ""};
  h.outputs = outputs_cell(r);
  h.labels = labels_cell(r, "builds");
  h.reference = reference_cell(r);
  h.accuracy = accuracy_cell(r);
  h.kernels = kernels_cell(r);
  h.p50 = quantile_cell(r, "p50");
  h.p99 = quantile_cell(r, "p99");
  if (const VerdictRow* v = find_verdict(r, "latency")) h.p50.word = v->verdict;
  const std::string first = r.builds.empty() ? "" : r.builds[0].ref;
  const auto [wall_low, wall_high] = range_of(r, [](const Build& b) { return b.wall_ns; });
  h.build_time = {"",
                  wall_high > 0
                      ? range_text(static_cast<double>(wall_low), static_cast<double>(wall_high))
                      : "unknown",
                  first, ""};
  const auto [size_low, size_high] = range_of(r, [](const Build& b) { return b.engine_bytes; });
  const std::string a = bytes_text(size_low), b = bytes_text(size_high);
  h.engine = {"", size_high <= 0 ? "unknown" : a == b ? a : a + " to " + b, first, ""};
  h.findings = findings_cell(m, r);
  return h;
}

std::vector<Open> not_established(const Model& model) {
  std::vector<Open> out;
  for (const auto& info : model.models)
    for (const auto& r : info.recipes)
      for (const auto& v : r.verdicts)
        if (v.verdict == word(Verdict::inconclusive))
          out.push_back(
              {recipe_name(model, r.id), v.subject, v.scope, v.ref, v.statement, needs_of(r, v)});
  return out;
}

Tally tally(const Model& model) {
  Tally t;
  for (const auto& info : model.models) {
    t.recipes += static_cast<int64_t>(info.recipes.size());
    for (const auto& r : info.recipes)
      for (const auto& v : r.verdicts)
        (v.verdict == word(Verdict::same)           ? t.same
         : v.verdict == word(Verdict::different)    ? t.different
         : v.verdict == word(Verdict::inconclusive) ? t.inconclusive
                                                    : t.other)++;
  }
  for (const auto& f : model.findings)
    (f.severity == "error" ? t.errors : f.severity == "warning" ? t.warnings : t.notes)++;
  return t;
}

std::string tally_text(const Model& model) {
  const Tally t = tally(model);
  const auto many = [](int64_t n, std::string_view word) {
    return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
  };
  std::string s = fmt::format("{}, {}. ", many(static_cast<int64_t>(model.models.size()), "model"),
                              many(t.recipes, "recipe"));
  if (!model.derivation) return s + std::string(kNothingYet);
  s += fmt::format("{}: {} SAME, {} DIFFERENT, {} INCONCLUSIVE",
                   many(t.same + t.different + t.inconclusive + t.other, "verdict"), t.same,
                   t.different, t.inconclusive);
  if (t.other > 0) s += fmt::format(", {} unknown", t.other);
  return s + fmt::format(". Findings: {}, {}, {}.", many(t.errors, "error"),
                         many(t.warnings, "warning"), many(t.notes, "note"));
}

std::string recipe_name(const Model& model, const std::string& id) {
  for (const auto& info : model.models)
    for (const auto& r : info.recipes)
      if (r.id == id) return model.models.size() > 1 ? r.label + " of " + info.name : r.label;
  return "";
}

const DataSet* dataset_of(const ModelInfo& info, const Recipe& recipe) {
  for (const auto& d : info.datasets)
    if (d.id == recipe.dataset_id) return &d;
  return nullptr;
}

std::string command_line(const Attempt& attempt) {
  std::string out;
  if (!attempt.argv.is_array()) return "unknown";
  for (const Json& a : attempt.argv) {
    std::string word = a.is_string() ? plain(a.get<std::string>(), 4000) : scalar_text(a);
    const bool bare =
        !word.empty() &&
        word.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=,:+@%") ==
            std::string::npos;
    if (!bare) {
      std::string quoted = "'";
      for (char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
      word = quoted + "'";
    }
    out += (out.empty() ? "" : " ") + word;
  }
  return out.empty() ? "unknown" : out;
}

}  // namespace assay::report
