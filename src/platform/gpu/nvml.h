// SPDX-License-Identifier: Apache-2.0
// Locked clocks of a GPU, by NVML. Reading is in platform/cuda.h (facts) and platform/probe.h
// (channels).
#pragma once

#include "base/result.h"
#include "platform/roots.h"

namespace assay::platform {

// Holds the graphics clock of GPU `gpu` (NVML's index) at `mhz`; the driver takes the nearest step
// that it has. It stays after this process ends: reset_gpu_clocks, a reload of the driver or a
// restart takes it away. Errors: usage (no such GPU, a clock above its highest), missing (no NVML,
// no right, not supported by this GPU) with the command that helps.
Status lock_gpu_clocks(const Roots& roots, int gpu, int mhz);
// Back to what the driver chooses. NVML does not tell whether a clock was locked before, and by
// whom: an older lock is not restored.
Status reset_gpu_clocks(const Roots& roots, int gpu);

}  // namespace assay::platform
