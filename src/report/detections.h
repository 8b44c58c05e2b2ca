// SPDX-License-Identifier: Apache-2.0
// What the verdicts about detections hold, once for every printer (docs/evidence-format.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/figures.h"
#include "report/model.h"

namespace assay::report {

// Of values that may be absent, since there was nothing to measure.
struct MaxAndMedian {
  std::optional<double> max, p50;
};
struct DetectionPair {
  int64_t a = -1, b = -1;            // indices of builds; of the reference's for scope reference
  std::optional<Proportion> inputs;  // that differ
  int64_t matched = 0, only_a = 0, only_b = 0, lost_in_suppression = 0;
  MaxAndMedian drift, score_margin;  // pixels; distance of lost boxes from the threshold
};
struct BuildPrecision {
  int64_t build = -1;
  std::optional<double> map;
};
struct Detections {
  const VerdictRow* verdict = nullptr;
  std::optional<Proportion> any;  // inputs on which not all agree
  std::vector<DetectionPair> pairs;
  std::vector<BuildPrecision> precision;  // empty without true boxes
};
// One a scope (builds, reference), in the order of the verdicts; empty when the model has no
// detector. Members that are missing or of another form stay absent.
std::vector<Detections> detections_of(const Recipe& recipe);

bool has_detector(const ModelInfo& info);
// "labelled", "true boxes", "no labels".
std::string_view truth_of(const ModelInfo& info, const DataSet& data);
// "mAP 0.871", "mAP 0.870 to 0.871"; "" when no build has one.
std::string precision_text(const Detections& d);
// The same cells in Markdown and HTML, after the two that name the pair; the header without them.
std::vector<std::string> pair_header();
std::vector<std::string> pair_cells(const DetectionPair& p);
std::string pair_name(const Detections& d, const DetectionPair& p, bool first);

Json detections_json(const Recipe& recipe);

}  // namespace assay::report
