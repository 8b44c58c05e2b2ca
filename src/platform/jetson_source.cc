// SPDX-License-Identifier: Apache-2.0
// What Jetson boards tell in trees of their own: power rails, and the GPU by devfreq.
#include <fmt/format.h>

#include "platform/gauge_source.h"
#include "platform/probe.h"
#include "platform/rail_source.h"

namespace assay::platform {
namespace {

constexpr int64_t kMostHz = 100'000'000'000;

bool ends_as_gpu(std::string_view name) {
  for (const std::string_view end : {".gpu", ".gv11b", ".gp10b", ".gm20b", ".ga10b"}) {
    if (name.ends_with(end)) return true;
  }
  return name == "gpu-gpc-0";  // Thor
}

// The devfreq folder of the GPU; "" when there is none.
std::string gpu_folder(const Tree& tree) {
  for (const auto& folder : tree.glob("/sys/class/devfreq/*")) {
    if (ends_as_gpu(folder.substr(folder.rfind('/') + 1))) return folder;
    const auto name = tree.first_line(fmt::format("{}/device/of_node/name", folder));
    if (name == "gpu" || ends_as_gpu(fmt::format(".{}", name))) return folder;
  }
  return "";
}

KernelFile open_load(const Tree& tree, const std::string& folder) {
  for (const auto& path :
       {fmt::format("{}/device/load", folder), std::string("/sys/devices/gpu.0/load"),
        std::string("/sys/devices/platform/gpu.0/load")}) {
    KernelFile file(tree, path);
    if (file && file.number(0, 1000) != kUnknown) return file;
  }
  return {};
}

std::unique_ptr<Source> open_gpu(const Tree& tree, std::vector<Missing>& missing) {
  const auto folder = gpu_folder(tree);
  if (folder.empty()) return nullptr;
  auto source = std::make_unique<GaugeSource>();
  KernelFile clock(tree, fmt::format("{}/cur_freq", folder));
  if (clock && clock.number(1, kMostHz) != kUnknown) {
    source->add({"gpu0.sm_mhz", Kind::gauge, 0, 0, 0}, std::move(clock), 1, kMostHz, 1'000'000);
  } else {
    missing.push_back({"gpu0.sm_mhz", fmt::format("{}/cur_freq: {}", folder, clock.why())});
  }
  if (auto load = open_load(tree, folder)) {
    // Told per mille.
    source->add({"gpu0.busy_percent", Kind::gauge, 0, 0, 0}, std::move(load), 0, 1000, 10);
  } else {
    missing.push_back({"gpu0.busy_percent", fmt::format("no load file beside {}", folder)});
  }
  if (source->empty()) return nullptr;
  return source;
}

}  // namespace

Sources jetson_sources(const ProbeSpec& spec, std::vector<Missing>& missing) {
  const Tree tree(spec.roots.root);
  Sources sources;
  if (auto rails = open_rails(tree, missing)) sources.push_back(std::move(rails));
  if (spec.gpu) {
    if (auto gpu = open_gpu(tree, missing)) sources.push_back(std::move(gpu));
  }
  return sources;
}

}  // namespace assay::platform
