// SPDX-License-Identifier: Apache-2.0
// What the readers of tuning logs share: candidates by task, and which one a compiler takes.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "diff/engine_map.h"

namespace assay::diff {

// Collects the candidates of a log task by task, in order of first appearance.
class Tasks {
 public:
  Tasks(std::string_view where, EngineMap& engine) : where_(where), engine_(engine) {}

  // `key` identifies the task; `name` is what people read. Tasks of one name and several keys get
  // the start of the key's hash behind it. Usage error for too many tasks.
  Result<size_t> task(const std::string& key, const std::string& name, const std::string& place);
  // Appends a candidate with the costs of `seconds` (an array), or as failed when `error` is given.
  // Usage error for a negative or absent cost, and for too many candidates.
  Status add(size_t task, Candidate candidate, const Json& seconds, const std::string& place);
  // Marks what is taken: the lowest mean, the first of equals (`if cost < best` of
  // apply_history_best and ApplyHistoryBest in TVM; insertion order among equals in MetaSchedule's
  // database).
  void finish();

 private:
  struct Best {
    double mean = std::numeric_limits<double>::infinity();
    size_t candidate = 0;
    bool any = false;
  };
  std::string_view where_;
  EngineMap& engine_;
  std::map<std::string, size_t> by_key_;
  std::vector<std::string> keys_;
  std::vector<Best> best_;
  size_t candidates_ = 0, times_ = 0, failed_ = 0;
};

// "[('tile_ic', [-1, 1]), ('unroll', True)]": a JSON value as Python prints it.
std::string python_text(const Json& j);
// Shapes among `args`, "1x1x8x8 16x1x3x3": ["TENSOR", shape, dtype], or dtype first.
std::string shapes_text(const Json& args);
// First eight hex digits of the SHA-256.
std::string short_hash(std::string_view text);

}  // namespace assay::diff
