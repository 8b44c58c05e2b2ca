// SPDX-License-Identifier: Apache-2.0
#include "platform/zone_source.h"

#include <fmt/format.h>

#include "platform/unique_names.h"

namespace assay::platform {
namespace {

// Sensors that are off tell -273 degrees or less; nothing that computes is hotter than 250.
constexpr int64_t kLeast = -100'000, kMost = 250'000;
constexpr size_t kMostSensors = 64;

class Zones {
 public:
  Zones(const Tree& tree, std::vector<Missing>& missing) : tree_(tree), missing_(missing) {}

  void add(const std::string& path, const std::string& label) {
    KernelFile file(tree_, path);
    if (!file || count_ == kMostSensors) {
      missing_.push_back({fmt::format("zone.{}", label),
                          file ? fmt::format("a probe reads at most {} sensors", kMostSensors)
                               : fmt::format("{}: {}", path, file.why())});
      return;
    }
    ++count_;
    source_->add({fmt::format("zone.{}.millicelsius", names_.take(label)), Kind::gauge, 0, 0, 0},
                 std::move(file), kLeast, kMost);
  }

  std::unique_ptr<Source> take() {
    if (source_->empty()) return nullptr;
    return std::move(source_);
  }

 private:
  const Tree& tree_;
  std::vector<Missing>& missing_;
  std::unique_ptr<GaugeSource> source_ = std::make_unique<GaugeSource>();
  UniqueNames names_;
  size_t count_ = 0;
};

// Intel's coretemp and AMD's k10temp: "Package id 0", "Core 0", "Tctl", "Tccd1".
void add_hwmon(const Tree& tree, Zones& zones) {
  for (const auto& folder : tree.glob("/sys/class/hwmon/hwmon*")) {
    const auto name = tree.first_line(fmt::format("{}/name", folder));
    if (name != "coretemp" && name != "k10temp") continue;
    for (const auto& input : tree.glob(fmt::format("{}/temp*_input", folder))) {
      const auto stem = input.substr(0, input.size() - std::string_view("_input").size());
      auto label = tree.first_line(fmt::format("{}_label", stem));
      if (label.empty()) label = stem.substr(stem.rfind('/') + 1);
      zones.add(input, fmt::format("{}.{}", name, channel_part(label)));
    }
  }
}

}  // namespace

std::unique_ptr<Source> open_zones(const Tree& tree, std::vector<Missing>& missing) {
  Zones zones(tree, missing);
  bool cpu_told = false;
  for (const auto& folder : tree.glob("/sys/class/thermal/thermal_zone*")) {
    const auto type = tree.first_line(fmt::format("{}/type", folder));
    if (type == "PMIC-Die") {
      // Jetson boards up to JetPack 5 answer a constant there.
      missing.push_back({"zone.PMIC-Die", "a constant on these boards, not a measurement"});
      continue;
    }
    cpu_told |= type == "x86_pkg_temp";
    const auto label = type.empty() ? folder.substr(folder.rfind('/') + 1) : channel_part(type);
    zones.add(fmt::format("{}/temp", folder), label);
  }
  if (!cpu_told) add_hwmon(tree, zones);
  auto source = zones.take();
  if (!source) missing.push_back({"zone.*", "no thermal zone and no coretemp or k10temp sensor"});
  return source;
}

}  // namespace assay::platform
