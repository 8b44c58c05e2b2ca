// SPDX-License-Identifier: Apache-2.0
// The launch request of `assay-worker` (docs/formats.md, worker protocol), checked member by
// member.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "platform/roots.h"

namespace assay::worker {

struct LatencyRequest {
  int64_t samples = 0;      // >= 1
  int64_t warmup_runs = 0;  // both are waited for
  double warmup_ms = 0;
  int64_t slots = 1;       // input slots, 1..4096
  uint64_t seed = 0;       // of the order of slots
  double max_seconds = 0;  // 0 = no limit; else the loop ends early
};

// Intermediate tensors of the first `items` inputs, written below `dir`.
struct TensorsRequest {
  std::vector<std::string> names;  // {"*"}: every layer of the kernel map
  int64_t items = 1;               // 1..n of the data set
  fs::path dir;                    // existing folder
};

// Where the machine is read from, and the existing folder that the record of it goes to ("": none
// is written).
struct PlatformRequest {
  platform::Roots roots;
  fs::path dir;
  int64_t idle_ms = 0;  // of rest before the warm-up, when something tells of power; 0: none
};

struct LaunchRequest {
  fs::path runner, engine_dir, dataset;
  std::string library, device, precision;
  int threads = 1;
  int cpu = -1;                    // pinned to after open and one run; -1 = not pinned
  std::optional<int> sampler_cpu;  // absent: any spare CPU; -1: none, sample before and after only
  int64_t build_index = 0,
          launch_index = 0;  // passed on to the runner as ASSAY_BUILD_INDEX and ASSAY_LAUNCH_INDEX
  bool threads_all = false;
  std::vector<std::pair<std::string, std::string>> options;  // values as text
  int64_t outputs_count = 0;
  fs::path outputs_dir;  // may be empty when outputs_count is 0
  std::vector<std::string> checks;
  std::optional<LatencyRequest> latency;
  PlatformRequest platform;
  std::optional<TensorsRequest> tensors;
  int64_t layer_runs = 0;  // runs with the time of every layer taken; 0: none
  bool loaded = false;     // list the files that this process has mapped

  bool wants(std::string_view check) const;
};

// Names of all checks, in the order in which they are made.
const std::vector<std::string>& check_names();

// Usage error naming the first member that is wrong.
Result<LaunchRequest> parse_launch_request(std::string_view text);

}  // namespace assay::worker
