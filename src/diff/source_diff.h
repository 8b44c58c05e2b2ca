// SPDX-License-Identifier: Apache-2.0
// Two sources line by line, as hunks with some lines around every change. Limits hold for any
// input; what was cut is counted, so that nothing looks whole that is not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::diff {

struct SourceLine {
  char mark = ' ';        // ' ' in both, '-' only in a, '+' only in b
  int a = 0, b = 0;       // line number from 1; 0 where the line is not of that side
  std::string_view text;  // of the given texts, without its newline
};
struct SourceHunk {
  int a = 0, b = 0;  // first line of each side, from 1; 0: there is none
  std::vector<SourceLine> lines;
};
struct SourceDiff {
  std::vector<SourceHunk> hunks;
  int added = 0, removed = 0;  // lines, cut or not
  int cut = 0;                 // lines of hunks left out for `max_lines`
  int unread = 0;              // lines beyond the first `max_input` of either side
  bool minimal = true;         // false: too different for the shortest script
};
struct SourceLimits {
  int context = 3;         // equal lines around a change
  int max_lines = 400;     // lines of hunks
  int max_input = 20'000;  // lines read of each side
  int max_edits = 1000;
};
// The texts must outlive the result.
SourceDiff diff_sources(std::string_view a, std::string_view b, const SourceLimits& limits = {});

}  // namespace assay::diff
