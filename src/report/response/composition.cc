// SPDX-License-Identifier: Apache-2.0
// Quantiles of measured responses against what their stages alone would say.
#include "report/response/parts.h"
#include "report/series/numbers.h"

namespace assay::report {
namespace {

constexpr size_t kPairs = 3;

std::string pairs_text(const stream::Composition& c) {
  std::vector<std::string> out;
  for (size_t i = 0; i < c.pairs.size() && i < kPairs; ++i)
    out.push_back(fmt::format("{} and {}: {:.2f}, {:+.2f}", stage_name(c.pairs[i].a),
                              stage_name(c.pairs[i].b), c.pairs[i].chi,
                              c.pairs[i].rank_correlation));
  return out.empty() ? "-" : joined(out);
}

}  // namespace

Parts composition_parts(const Source& s) {
  Parts out;
  Part p;
  p.section.heading = "The whole against its stages";
  Table t({"condition", "of", "joint", "joint, upper", "Boole, upper", "sum of quantiles",
           "if independent", "strongest pairs: chi, rank correlation", "note"});
  const auto add = [&](const std::string& name, const stream::Composition& c) {
    std::vector<std::string> notes;
    if (!c.boole_holds) notes.emplace_back("the joint bound lies above Boole's: not both can hold");
    if (!c.note.empty()) notes.push_back(c.note);
    t.add({name, quantile_name(c.q), ns_text(c.joint), ns_text(c.joint_upper),
           ns_text(c.boole_upper), ns_text(c.sum_of_quantiles), ns_text(c.convolution),
           pairs_text(c), notes.empty() ? "-" : joined(notes)});
  };
  each_task(s.results, [&](const CellResult& c, const TaskResult& task) {
    add(s.names(c, task), task.composition);
    if (task.composition_999) add(s.names(c, task), *task.composition_999);
  });
  p.section.table = std::move(t);
  p.page_only = true;
  p.section.notes.emplace_back(
      "joint: of measured frames, the answer. Boole: P(R > sum of x_i) <= sum of P(X_i > x_i), "
      "whatever the dependence; x_i is the upper bound of stage i at 1 - (1-q)/k, each of the k "
      "bounds at confidence 1 - alpha/k. sum of quantiles: no bound at all, printed because it is "
      "often taken for one. if independent: the quantile of the sum of stages drawn independently. "
      "chi: how often the second stage is above its own quantile when the first is (0: never, 1: "
      "always; 1-q if independent); rank correlation: Spearman's.");
  if (!p.section.table->empty()) out.push_back(std::move(p));
  return out;
}

}  // namespace assay::report
