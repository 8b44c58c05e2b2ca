// SPDX-License-Identifier: Apache-2.0
// How engines differ, row by row of their alignment, and as wholes. Nothing is printed here: all
// printers of src/report/diff/ read this.
#pragma once

#include <cstdint>
#include <optional>

#include "diff/align.h"
#include "diff/decisions.h"

namespace assay::diff {

// What may differ in a row. `name` alone is no difference of the engines: the code was proved
// equal.
enum class Change : uint8_t {
  absent,     // some engine has no layer for it
  fusion,     // the same nodes take another number of layers, or other sets of nodes
  code,       // normalised sources differ
  kernel,     // kernel names differ, and not all tell a source
  precision,  // as executed
  format,     // data type or layout of inputs or outputs
  shape,      // extents of inputs or outputs
  decision,   // the tuner chose another candidate for the task of this name
  order,      // runs at another place
  name        // names of layer or kernel differ, the sources are equal
};
constexpr size_t kChanges = 10;
std::string_view word(Change c);       // "absent" "fusion" ...
std::string_view statement(Change c);  // one line for people

// One engine's side of a row; texts of several layers are joined by " + ".
struct Side {
  bool present = false;
  std::string layer, kernel, precision;
  std::string code;                 // identity of the sources; "" unless all its layers tell one
  std::vector<std::string> origin;  // sorted, each once
  int64_t weight_bytes = -1;        // -1: not told
  std::optional<Times> time;  // summed over its layers, run by run; absent unless all are measured
  std::optional<double> share;  // of the engine's time, 0..1
  size_t variant = 0;  // equal numbers: no difference between the engines in this row, names aside
};
struct RowDiff {
  std::vector<Change> changes;  // ascending
  std::vector<Side> sides;      // one an engine
  bool differs = false;         // any change but `name`
};
struct Totals {
  size_t layers = 0, with_source = 0, with_time = 0, with_origin = 0;
  std::optional<double> time_ns;  // sum of the layers' medians, where every layer is measured
};

struct Comparison {
  Alignment alignment;
  std::vector<RowDiff> rows;  // one a row of the alignment
  std::vector<TaskDiff> tasks;
  std::vector<Totals> totals;  // one an engine
  bool names_only = false;     // some engine tells kernel names, not sources
  size_t rows_differ = 0, rows_renamed = 0, tasks_differ = 0, near_ties = 0;
  size_t counts[kChanges] = {};  // rows with each change
  std::vector<std::string> notes;
  // A row, or a choice, is not the same in all engines. Sizes of artifacts do not count.
  bool differs() const { return rows_differ > 0 || tasks_differ > 0; }
};
Comparison compare(std::span<const EngineMap> engines);

}  // namespace assay::diff
