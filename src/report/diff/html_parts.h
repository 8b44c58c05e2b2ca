// SPDX-License-Identifier: Apache-2.0
// Sections of the diff's page, each within its share of the page's megabyte. Rows have the ids
// "r<row>", sources "s<number>", tasks "t<number>".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "report/diff/cells.h"

namespace assay::report {

// Bytes that a section may take before it stops and says what it left out.
constexpr size_t kRowsBudget = 330'000, kEqualRowsBudget = 110'000, kSourcesBudget = 330'000,
                 kTasksBudget = 130'000;

// Where a row's details stand: ids on the page.
struct RowLinks {
  std::map<size_t, std::string> source, task;  // by row
};
std::string diff_layers_html(const DiffReport& report, const RowLinks& links);
std::string diff_equal_layers_html(const DiffReport& report);  // "" when there are none
// These fill in `links` for what they show.
std::string diff_sources_html(const DiffReport& report, RowLinks& links);
std::string diff_tasks_html(const DiffReport& report, RowLinks& links);
// Time share of the layers that take most, one bar an engine; "" when no share is known.
std::string share_chart(const DiffReport& report);

}  // namespace assay::report
