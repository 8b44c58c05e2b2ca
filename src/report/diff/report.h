// SPDX-License-Identifier: Apache-2.0
// The differences of engines, printed. Every printer is a pure function of the report, and makes
// every name and source harmless: they come from files that are not trusted.
#pragma once

#include <string>
#include <vector>

#include "diff/compare.h"

namespace assay::report {

struct DiffReport {
  std::vector<diff::EngineMap> engines;
  diff::Comparison comparison;
  bool all = false;  // rows that do not differ too (JSON has all in any case)
};

// Terminal: tables, what they amount to at the end.
std::string diff_text(const DiffReport& report);
// GitHub-flavoured Markdown that pastes into an issue: the sum first, some sources, cut short.
std::string diff_markdown(const DiffReport& report);
// Everything but the sources; key order stable, `"format": 1` (docs/diff.md).
std::string diff_json(const DiffReport& report);
// One line a row, then one a task: the objects of diff_json with "kind".
std::string diff_jsonl(const DiffReport& report);
// One line a row and engine.
std::string diff_csv(const DiffReport& report);
// One self-contained page: no scripts, no outside resource, at most about 1 MB; what was left out
// for that is said.
std::string diff_html(const DiffReport& report);

}  // namespace assay::report
