// SPDX-License-Identifier: Apache-2.0
// When each kernel of this process began and ended on the GPU, by CUPTI's activity records. For
// passes of their own, never within the timed loop: recording costs time.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/roots.h"

namespace assay::platform {

struct KernelActivity {
  std::string name;                    // as compiled (mangled)
  int64_t start_ns = 0, end_ns = 0;    // one clock for all records of a process
  std::array<int, 3> grid{}, block{};  // x, y, z
  uint32_t device = 0, stream = 0;
};

struct KernelTrace {
  std::vector<KernelActivity> kernels;  // by start_ns
  int64_t dropped = 0;                  // records that CUPTI had no room for
  int64_t refused = 0;   // records without times, or whose end lies before their start
  unsigned version = 0;  // cuptiGetVersion
  // Sum of the kernels' times: what a latency of work on one stream cannot be below. Known only
  // when nothing was dropped or refused.
  bool complete() const { return dropped == 0 && refused == 0; }
  int64_t kernel_ns() const;
  // Time in which at least one kernel ran (kernels of several streams overlap).
  int64_t busy_ns() const;
};

// One at a time in a process.
class KernelTracer {
 public:
  // Error (missing): no CUPTI, or one whose records are not known here.
  static Result<KernelTracer> open(const Roots& roots);
  KernelTracer(KernelTracer&& other) noexcept;
  KernelTracer& operator=(KernelTracer&&) = delete;
  ~KernelTracer();  // stops; what was recorded is lost

  unsigned version() const { return version_; }
  // Best before the CUDA context is made. Error: missing (what CUPTI said), or usage when another
  // tracer runs.
  Status start();
  // After the streams were synchronised: kernels that still run have no record.
  Result<KernelTrace> stop();

 private:
  KernelTracer() = default;
  unsigned version_ = 0;
  bool running_ = false;
};

}  // namespace assay::platform
