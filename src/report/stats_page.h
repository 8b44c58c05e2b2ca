// SPDX-License-Identifier: Apache-2.0
// One self-contained page of sections in the look of the report: no script, no outside resource.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/text.h"

namespace assay::report {

struct Figure {
  std::string svg;  // of svg/: goes in as it is; anything that is no <svg> is escaped
  std::string caption;
};
struct Section {
  std::string heading;
  std::vector<std::string> paragraphs;
  std::optional<Table> table;  // columns of numbers are right-aligned; cells are escaped
  std::vector<Figure> figures;
  std::vector<std::string> notes;  // how to read it: set apart, small
  std::string word;     // verdict or trust word, shown as a badge behind the heading; may be empty
  bool folded = false;  // only the heading shows until a reader opens it
};

// Everything but the drawings is escaped. With more than 3 sections a bar of links leads to them.
std::string stats_page(const std::string& title, const std::vector<Section>& sections,
                       const std::string& subtitle = "");

}  // namespace assay::report
