// SPDX-License-Identifier: Apache-2.0
// Texts that text, Markdown and page share. None is escaped yet.
#pragma once

#include "base/text.h"
#include "report/diff/report.h"

namespace assay::report {

// "3 of 200 layers differ: 2 code, 1 precision; 1 has another name only"
std::string diff_sum(const DiffReport& report);
// Label, compiler, layers, time, artifact.
Table engines_table(const DiffReport& report);
// Rows that are to be shown, in order of execution; `differs`: those that do, or those that do not.
std::vector<size_t> diff_rows(const DiffReport& report, bool differs);
std::string row_name(const DiffReport& report, size_t row);
std::string change_words(const diff::RowDiff& row);  // "code, precision", or "-"
// What there is to see of one engine's side in this row: kernel, code, precision, and what differs.
std::string side_text(const DiffReport& report, size_t row, size_t engine);
std::string time_text(const diff::Side& side);  // "12.3 us (4.2 %)", "4.2 %" or ""
std::string range_text(const diff::Times& t);   // "12.3 us [12.1 us, 12.9 us]"
// One engine's side of a task: "tile 4, 12.3 us [...]; next: tile 8 +3.1 % [-1 %, +5 %], near tie"
std::string task_text(const DiffReport& report, const diff::TaskDiff& task, size_t engine);
std::string gap_text(const diff::Loser& loser);
bool any_time(const DiffReport& report);

// Sources to be shown side by side, each pair of hashes once.
struct SourcePair {
  std::vector<size_t> rows;  // where this pair stands
  size_t engine_a = 0, layer_a = 0, engine_b = 0, layer_b = 0;
  bool at_hand = false;  // both texts are known
};
std::vector<SourcePair> source_pairs(const DiffReport& report);

}  // namespace assay::report
