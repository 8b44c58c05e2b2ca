// SPDX-License-Identifier: Apache-2.0
// Joint responses against what stages alone would say; equation 1 beside the largest response and
// the tail model.
#include "base/text.h"
#include "report/response/parts.h"
#include "report/series/numbers.h"

namespace assay::report {
namespace {

void add_composition(Table& t, const std::string& name, const stream::Composition& c) {
  if (!c.joint && !c.sum_of_quantiles) return;
  std::string pairs;
  for (size_t i = 0; i < c.pairs.size() && i < 2; ++i)
    pairs += fmt::format("{}{} and {} ({:.2f})", pairs.empty() ? "" : ", ",
                         stream::word(c.pairs[i].a), stream::word(c.pairs[i].b), c.pairs[i].chi);
  t.add({name, quantile_name(c.q), opt_ns(c.joint), opt_ns(c.joint_upper), opt_ns(c.boole_upper),
         opt_ns(c.sum_of_quantiles), opt_ns(c.convolution), pairs.empty() ? "-" : pairs,
         !c.boole_holds   ? "the joint bound is above Boole's: " + c.note
         : c.note.empty() ? "-"
                          : c.note});
}

std::string pwcet_text(const stats::Pwcet& p) {
  if (p.refused) {
    std::string why;
    for (const std::string& reason : p.reasons) why += (why.empty() ? "" : "; ") + reason;
    return "REFUSED: " + (why.empty() ? std::string("not asked for") : why);
  }
  std::string out;
  for (const auto& point : p.points)
    if (point.bound_ns && !point.extrapolation)
      out += fmt::format("{}{} at {}", out.empty() ? "" : ", ", format_ns(*point.bound_ns),
                         probability_text(point.p));
  return out.empty() ? "no bound within the evidence" : out;
}

}  // namespace

std::vector<Part> composition_parts(const Results& r, const CellNames& names) {
  std::vector<Part> out;
  Table t({"condition", "of", "joint", "its upper bound", "Boole's bound", "sum of quantiles",
           "convolution", "tail dependence", "note"});
  for (const CellResult& c : r.cells)
    for (const TaskResult& task : c.tasks) {
      add_composition(t, names(c, task), task.composition);
      if (task.composition_999) add_composition(t, names(c, task), *task.composition_999);
    }
  if (t.empty()) return out;
  Part p;
  p.section.heading = "The whole against its stages";
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "joint: measured frames, which is what counts. Boole's bound holds for any dependence; the "
      "sum of quantiles is no bound, and the convolution takes stages to be independent. Tail "
      "dependence: how often the second stage is in its slowest 1 % when the first is.");
  out.push_back(std::move(p));
  return out;
}

std::vector<Part> wcet_parts(const Results& r, const CellNames& names) {
  std::vector<Part> out;
  Table t({"condition", "equation 1", "its terms", "largest seen", "pWCET of the response",
           "dominant stage"});
  for (const CellResult& c : r.cells)
    for (const TaskResult& task : c.tasks) {
      const stream::WcetResult& w = task.wcet;
      std::string terms;
      for (const auto& term : w.terms) {
        terms +=
            fmt::format("{}{} {}", terms.empty() ? "" : ", ", term.name, format_ns(term.largest));
        if (term.lower && term.upper && term.mean)
          terms += fmt::format(" (mean {} [{}, {}])", format_ns(*term.mean), format_ns(*term.lower),
                               format_ns(*term.upper));
      }
      t.add({names(c, task),
             w.paper.ok ? format_ns(w.paper.response_ns)
                        : "not available" + (w.note.empty() ? "" : ": " + w.note),
             terms.empty() ? "-" : terms, format_ns(static_cast<double>(w.observed_max)),
             pwcet_text(w.pwcet), w.dominant.empty() ? "unknown" : w.dominant});
    }
  if (t.empty()) return out;
  Part p;
  p.section.heading = "Worst case";
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "Equation 1 of the audited paper: with one camera C1 + C2 + inference + C3, with more sum of "
      "C1 + (C2 + epsilon) + (inference + delta) + (C3 + epsilon), of the largest value of each "
      "stage. It is a sum of constants: no tail, no confidence, no queueing. The terms' means are "
      "of the largest value in each repetition. The pWCET is a bound at a stated probability, or "
      "refused with its reasons (docs/method.md).");
  out.push_back(std::move(p));
  return out;
}

}  // namespace assay::report
