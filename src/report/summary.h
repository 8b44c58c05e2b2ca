// SPDX-License-Identifier: Apache-2.0
// What the printers say first, decided once: a headline a recipe, what stays open, tallies.
#pragma once

#include <string>
#include <vector>

#include "report/model.h"

namespace assay::report {

// One cell of the headline: a verdict or trust word ("" when none), a short text, the row behind
// it, the whole statement.
struct HeadCell {
  std::string word, text, ref, statement;
};
struct Headline {
  const Recipe* recipe = nullptr;
  HeadCell builds, outputs, labels, reference, accuracy, kernels, p50, p99, build_time, engine,
      findings;
};
Headline headline(const Model& model, const Recipe& recipe);

// A claim that this run does not establish, and what would.
struct Open {
  std::string recipe, subject, scope, ref, statement, needs;
};
std::vector<Open> not_established(const Model& model);

struct Tally {
  int64_t recipes = 0, same = 0, different = 0, inconclusive = 0, other = 0;
  int64_t errors = 0, warnings = 0, notes = 0;
};
Tally tally(const Model& model);
std::string tally_text(const Model& model);  // one or two sentences

// "openvino fp32 of efficientnet", "" when the id is not of this run.
std::string recipe_name(const Model& model, const std::string& recipe_id);
const DataSet* dataset_of(const ModelInfo& info, const Recipe& recipe);
std::string command_line(const Attempt& attempt);  // quoted so that a POSIX shell takes it as it is
bool scripted(const Recipe& recipe);
inline constexpr std::string_view kScripted = "scripted, not a measurement";
inline constexpr std::string_view kNothingYet =
    "Nothing is judged yet: the run has no derivation. The same audit command goes on with it.";

}  // namespace assay::report
