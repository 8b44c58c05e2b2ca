// SPDX-License-Identifier: Apache-2.0
// Energy counters of CPU packages (Intel and AMD: one tree of the kernel for both).
#include <fmt/format.h>

#include <map>

#include "platform/gauge_source.h"
#include "platform/probe.h"
#include "platform/unique_names.h"

namespace assay::platform {
namespace {

constexpr int64_t kMostMicrojoules = int64_t{1} << 62;
// The hardware renews its registers about every millisecond (Intel SDM, volume 3B, "RAPL").
constexpr int kRefreshMs = 1;

}  // namespace

Sources rapl_sources(const ProbeSpec& spec, std::vector<Missing>& missing) {
  const Tree tree(spec.roots.root);
  auto source = std::make_unique<GaugeSource>();
  std::map<std::string, std::string> package;  // "intel-rapl:0" -> its unique name
  UniqueNames names;
  // Sorted by length: a package stands before its parts ("intel-rapl:0:0").
  const auto folders = tree.glob("/sys/class/powercap/intel-rapl:*");
  for (const auto& folder : folders) {
    const auto node = folder.substr(folder.rfind('/') + 1);
    auto name = channel_part(tree.first_line(fmt::format("{}/name", folder)));
    const auto parent = package.find(node.substr(0, node.rfind(':')));
    if (parent != package.end()) name = fmt::format("{}.{}", parent->second, name);
    name = names.take(name);
    package[node] = name;
    KernelFile energy(tree, fmt::format("{}/energy_uj", folder));
    const auto what = fmt::format("rapl.{}.uj", name);
    if (energy.forbidden()) {
      missing.push_back({what, fmt::format("{}/energy_uj: permission denied; run as root, or once: "
                                           "sudo chmod a+r {}/energy_uj",
                                           folder, folder)});
      continue;
    }
    if (!energy || energy.number(0, kMostMicrojoules) == kUnknown) {
      missing.push_back({what, fmt::format("{}/energy_uj: {}", folder, energy.why())});
      continue;
    }
    const auto wrap = tree.number(fmt::format("{}/max_energy_range_uj", folder));
    source->add({what, Kind::counter, wrap && *wrap > 0 ? *wrap : 0, kRefreshMs, 0},
                std::move(energy), 0, kMostMicrojoules);
  }
  Sources sources;
  if (folders.empty()) {
    missing.push_back({"rapl",
                       "no /sys/class/powercap/intel-rapl:0 (usual in virtual machines and "
                       "containers, and on Arm)"});
  }
  if (!source->empty()) sources.push_back(std::move(source));
  return sources;
}

}  // namespace assay::platform
