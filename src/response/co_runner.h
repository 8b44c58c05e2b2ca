// SPDX-License-Identifier: Apache-2.0
// The neighbours that disturb a block (assay-corunner): one on each CPU that its processes leave
// free, or one beside them where they leave none. They end when this process does.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace assay::response {

class CoRunner {
 public:
  // `kind`: none, memory or cache. `cpus`: that may be used; `busy`: of the block's processes.
  // Returns when all of them have begun, or `cancel` is set; one that has not begun after a minute
  // is an error.
  static Result<CoRunner> start(const std::string& kind, const std::vector<int>& cpus,
                                const std::vector<int>& busy, const std::atomic<bool>* cancel);
  CoRunner(CoRunner&&) noexcept = default;
  CoRunner& operator=(CoRunner&&) = delete;
  ~CoRunner() { stop(); }
  // Ends them; what they say they moved, with `ended_early` when one was gone already. Null: none.
  Json stop();

 private:
  CoRunner() = default;
  struct One {
    pid_t pid = -1;
    int cpu = -1, in = -1, out = -1;  // our ends of its stdin and stdout
  };
  std::vector<One> all_;
};

}  // namespace assay::response
