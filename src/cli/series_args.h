// SPDX-License-Identifier: Apache-2.0
// What `assay stats` and `assay wcet` share: flags that say how to read and how to print.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "report/series/document.h"
#include "series/series.h"

namespace assay::cli {

struct SeriesFlags {
  std::string input_format = "auto", unit, column;
  std::string format = "text", out, svg, fail_on;
  bool no_warm_up = false, no_plot = false, plot = false, ascii = false;
};
// `words`: what --fail-on knows, for its help.
void add_series_flags(CLI::App& sub, SeriesFlags& flags, const char* words);

// All series of `files`, in order; the place of the file becomes SeriesInput::group, counted from
// `first`.
Result<std::vector<report::SeriesInput>> read_files(const std::vector<std::string>& files,
                                                    const SeriesFlags& flags, int64_t first = 0);

// "20ms", "1.5 s", "800us" -> ns. A number without unit is refused.
Result<int64_t> parse_duration(std::string_view text, std::string_view flag);
// "0.01", "1%" -> .01, within (0, below).
Result<double> parse_share(std::string_view text, std::string_view flag, double below = 1);
// "1e-3,1e-6" -> numbers, each within (0, 1); ascending or as given.
Result<std::vector<double>> parse_probabilities(std::string_view text, std::string_view flag);
// Words of --fail-on, each one of `known`.
Result<std::vector<std::string>> parse_fail_on(const std::string& text, const char* known);

report::DrawOptions draw_options(const SeriesFlags& flags);
// Prints as --format and --out say, writes --svg. `json` and `csv` are made by the caller only when
// asked for.
struct Printed {
  report::Document document;
  std::string json, csv;
};
Status print_series(const Printed& printed, const SeriesFlags& flags);

}  // namespace assay::cli
