// SPDX-License-Identifier: Apache-2.0
// What select.cc gathers of a task and select_json.cc prints.
#pragma once

#include <string>
#include <vector>

#include "audit/lock/select.h"
#include "stats/selection.h"

namespace assay::audit {

struct SelectTask {
  std::string layer;
  std::vector<const RecordedCandidate*> recorded;
  stats::NearTies near;
  // Of near.kept, in that order.
  std::vector<std::string> hashes, reasons;  // why it is out, though not eliminated; "" = it is not
  std::vector<bool> merged;                  // out because its source is that of another
  std::vector<stats::SessionTimes> sessions;
  stats::Selection result;  // of the last decision; without candidates when there was none
  stats::SelectionStatus status = stats::SelectionStatus::open;
  const RecordedCandidate* chosen = nullptr;
  std::string chosen_sha256, rule;
};
struct SelectSession {
  uint64_t seed = 0;
  int64_t candidates = 0, attempts = 1;
  std::string error;  // of the last attempt
};

Json select_json(const std::vector<SelectTask>& tasks, const std::vector<SelectSession>& sessions,
                 const SelectOptions& options, const SelectCounts& counts);

}  // namespace assay::audit
