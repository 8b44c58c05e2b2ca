// SPDX-License-Identifier: Apache-2.0
// What is said, in sections, before it is known where it is printed: terminal, issue or page.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/stats_page.h"

namespace assay::report {

// A section, with what only some printers show.
struct Part {
  Section section;                 // notes: how to read it, not in the terminal
  std::vector<std::string> next;   // what to do now
  std::vector<std::string> plots;  // whole lines, for a terminal
  std::vector<std::string> lines;  // for a terminal in the place of the table
  bool page_only = false;          // too long for a terminal
};
struct Document {
  std::string title, subtitle;
  std::vector<Part> parts;
  std::vector<std::pair<std::string, std::string>> drawings;  // ("ecdf.svg", <svg> of svg/)
};

std::string to_text(const Document& d, bool colour);
std::string to_markdown(const Document& d);
std::string to_html(const Document& d);

}  // namespace assay::report
