// SPDX-License-Identifier: Apache-2.0
#include "platform/gpu/nvml.h"
#include "platform/gpu/nvml_api.h"

namespace assay::platform {
namespace {

struct Opened {
  std::shared_ptr<const Nvml> nvml;
  NvmlDevice device = nullptr;
};

Result<Opened> open_gpu(const Roots& roots, int gpu) {
  Opened o;
  ASSAY_TRY(o.nvml, Nvml::open(roots.nvml));
  if (gpu < 0 || gpu >= o.nvml->count())
    return bad_input(
        fmt::format("GPU {}: this machine has {} (0 is the first)", gpu, o.nvml->count()),
        "list them with: assay doctor");
  std::string why;
  o.device = o.nvml->device(gpu, why);
  if (!o.device) return missing(fmt::format("GPU {}: {}", gpu, why), "check with: nvidia-smi");
  return o;
}

}  // namespace

Status lock_gpu_clocks(const Roots& roots, int gpu, int mhz) {
  if (mhz <= 0)
    return bad_input(fmt::format("GPU clock {} MHz: expected a number above 0", mhz),
                     "list the clocks with: nvidia-smi -q -d SUPPORTED_CLOCKS");
  ASSAY_TRY(const Opened o, open_gpu(roots, gpu));
  unsigned highest = 0;
  if (o.nvml->max_clock(kNvmlNoFunction, o.device, kNvmlSm, &highest) == 0 && highest > 0 &&
      static_cast<unsigned>(mhz) > highest)
    return bad_input(fmt::format("GPU clock {} MHz: GPU {} goes up to {} MHz", mhz, gpu, highest),
                     "list the clocks with: nvidia-smi -q -d SUPPORTED_CLOCKS");
  const auto value = static_cast<unsigned>(mhz);
  const int status = o.nvml->lock_clocks(kNvmlNoFunction, o.device, value, value);
  if (status == 0) return {};
  return missing(
      fmt::format("GPU {} clocks: {}", gpu, o.nvml->reason(o.nvml->lock_clocks.name, status)),
      fmt::format("as root: nvidia-smi -i {} --lock-gpu-clocks={},{}", gpu, mhz, mhz));
}

Status reset_gpu_clocks(const Roots& roots, int gpu) {
  ASSAY_TRY(const Opened o, open_gpu(roots, gpu));
  const int status = o.nvml->reset_clocks(kNvmlNoFunction, o.device);
  if (status == 0) return {};
  return missing(
      fmt::format("GPU {} clocks: {}", gpu, o.nvml->reason(o.nvml->reset_clocks.name, status)),
      fmt::format("as root: nvidia-smi -i {} --reset-gpu-clocks", gpu));
}

}  // namespace assay::platform
