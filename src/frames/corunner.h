// SPDX-License-Identifier: Apache-2.0
// The synthetic worst neighbour of an inference: keeps the memory bandwidth or the shared cache
// busy.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace assay::frames {

struct CorunnerSpec {
  enum class Kind {
    memory,  // streams a triad (McCalpin) over a buffer much larger than the last-level cache
    cache    // chases pointers through as much as the last-level cache holds
  } kind = Kind::memory;
  int64_t mib = 0;  // of the buffer; 0: four times the last-level cache (at least 256), or once it
  int cpu = -1;     // pinned to; -1: not
  enum class Until {
    input,   // stdin closes
    signal,  // SIGTERM
    buffer   // the stop word of the FrameBuffer (1 stream, 1 frame) on descriptor 4
  } until = Until::input;
};
// Usage error naming the flag.
Result<CorunnerSpec> corunner_from_args(const std::vector<std::string>& args);

// Largest cache of CPU 0 as /sys tells it; 32 MiB where it does not.
int64_t last_level_cache_bytes();
// What the buffer has: the spec's, at most a quarter of this machine.
int64_t buffer_bytes(const CorunnerSpec& spec);

struct CorunnerResult {
  int64_t bytes = 0, wall_ns = 0;  // bytes read and written by the program; caches may do more
  double bytes_per_s() const {
    return wall_ns > 0 ? static_cast<double>(bytes) * 1e9 / static_cast<double>(wall_ns) : 0;
  }
};
// Works until `stop`; looks at it at least each millisecond. `ready` is called when the buffer is
// filled and the work begins: filling takes seconds where caches are large.
CorunnerResult run_corunner(const CorunnerSpec& spec, const std::atomic<bool>& stop,
                            const std::function<void()>& ready = nullptr);

}  // namespace assay::frames
