// SPDX-License-Identifier: Apache-2.0
// Boards with a device tree, above all Jetson. Nothing is run: nvpmodel and jetson_clocks are read
// by the files they leave and by the clocks they set.
#include <charconv>
#include <sstream>

#include "base/text.h"
#include "platform/facts_internal.h"

namespace assay::platform {
namespace {

const std::string kGroup = "board";

// Device-tree texts end with a NUL.
std::string device_tree(const Tree& tree, std::string_view name) {
  for (const char* folder : {"/proc/device-tree/", "/sys/firmware/devicetree/base/"}) {
    std::string text = tree.text(fmt::format("{}{}", folder, name)).value_or("");
    text = text.substr(0, text.find('\0'));
    if (!text.empty()) return one_line(text, 120);
  }
  return "";
}

// `key=value` inside "< POWER_MODEL ID=2 NAME=MODE_15W >".
std::string attribute(const std::string& line, const std::string& key) {
  const size_t at = line.find(" " + key + "=");
  if (at == std::string::npos) return "";
  const size_t from = at + key.size() + 2;
  return line.substr(from, line.find_first_of(" >", from) - from);
}

// Number of the mode now ("pmode:0002 fmode:quiet"), else the default of the conf file.
std::string mode_number(const Tree& tree) {
  const std::string status = tree.first_line("/var/lib/nvpmodel/status");
  if (!status.starts_with("pmode:")) return "";
  int number = -1;
  std::from_chars(status.data() + 6, status.data() + status.size(), number);
  return number < 0 ? "" : std::to_string(number);
}

struct Mode {
  std::string number, name, largest;  // largest: the number of the mode without limits
};

Mode power_mode(const Tree& tree) {
  Mode out;
  out.number = mode_number(tree);
  std::istringstream in(tree.text("/etc/nvpmodel.conf").value_or(""));
  for (std::string line; std::getline(in, line);) {
    if (line.find("POWER_MODEL") == std::string::npos) continue;
    const std::string id = attribute(line, "ID"), name = attribute(line, "NAME");
    if (id.empty() || name.empty()) continue;
    if (id == out.number) out.name = one_line(name, 40);
    if (name.starts_with("MAXN")) out.largest = id;
  }
  return out;
}

void power_mode_fact(const Tree& tree, Facts& out) {
  const Mode mode = power_mode(tree);
  if (mode.number.empty()) {
    out.push_back(unknown_fact(kGroup, "power mode", "/var/lib/nvpmodel/status does not tell it",
                               "nvpmodel -q"));
    return;
  }
  Fact f =
      plain_fact(kGroup, "power mode",
                 mode.name.empty() ? mode.number : fmt::format("{} ({})", mode.number, mode.name));
  if (mode.name.empty()) {
    f.harm = Harm::unknown;
    f.why = "/etc/nvpmodel.conf does not name it";
    f.fix = "nvpmodel -q";
  } else if (!mode.name.starts_with("MAXN")) {
    f.harm = Harm::possible;
    f.why =
        "it caps clocks and cores: fine when it is the mode of the field, and named with every "
        "result";
    f.fix = mode.largest.empty() ? std::string("nvpmodel -m MODE")
                                 : fmt::format("nvpmodel -m {}", mode.largest);
  }
  out.push_back(std::move(f));
}

// Folder of the GPU among the devfreq devices: named by its address and chip.
std::string gpu_devfreq(const Tree& tree) {
  for (const std::string& path : tree.glob("/sys/class/devfreq/*")) {
    for (const char* end : {".gpu", ".gv11b", ".gp10b", ".gm20b", ".ga10b"})
      if (path.ends_with(end)) return path;
    if (path.ends_with("/gpu-gpc-0")) return path;
  }
  return "";
}

// jetson_clocks sets the lowest clock to the highest, of CPUs and GPU.
void jetson_clocks(const Tree& tree, Facts& out) {
  int64_t told = 0, fixed = 0;
  const auto count = [&](const std::string& low, const std::string& high) {
    const auto min = tree.number(low), max = tree.number(high);
    if (!min || !max || *min <= 0) return;
    ++told;
    fixed += *min == *max;
  };
  for (const int cpu : online_cpus(tree))
    count(cpu_path(cpu, "cpufreq/scaling_min_freq"), cpu_path(cpu, "cpufreq/scaling_max_freq"));
  const std::string gpu = gpu_devfreq(tree);
  if (!gpu.empty()) count(gpu + "/min_freq", gpu + "/max_freq");
  if (told == 0) {
    out.push_back(unknown_fact(kGroup, "jetson_clocks", "no clock range of CPU or GPU is told",
                               "jetson_clocks --show"));
    return;
  }
  Fact f = plain_fact(kGroup, "jetson_clocks",
                      fixed == told ? "on"
                      : fixed == 0  ? "off"
                                    : "partly");
  if (fixed != told) {
    f.harm = Harm::harmful;
    f.why = fmt::format("{} of {} clocks (CPU, GPU) may move", told - fixed, told);
    f.fix = "jetson_clocks --store; jetson_clocks (undo: jetson_clocks --restore)";
  }
  out.push_back(std::move(f));
}

void gpu_clock(const Tree& tree, Facts& out) {
  const std::string gpu = gpu_devfreq(tree);
  if (gpu.empty()) return;
  const auto min = tree.number(gpu + "/min_freq"), max = tree.number(gpu + "/max_freq");
  if (!min || !max || *min <= 0 || *max < *min) {
    out.push_back(unknown_fact(kGroup, "GPU clock range", gpu + " does not tell it"));
    return;
  }
  constexpr int64_t kMega = 1'000'000;
  Fact f = plain_fact(kGroup, "GPU clock range",
                      *min == *max ? fmt::format("{} MHz", *max / kMega)
                                   : fmt::format("{}-{} MHz", *min / kMega, *max / kMega));
  if (*min != *max) {
    f.harm = Harm::harmful;
    f.why = "the clock follows the load";
    f.fix = "jetson_clocks";
  }
  out.push_back(std::move(f));
}

}  // namespace

bool is_jetson(const Tree& tree) {
  return !tree.first_line("/etc/nv_tegra_release").empty() ||
         device_tree(tree, "model").find("Jetson") != std::string::npos ||
         tree.text("/proc/device-tree/compatible").value_or("").find("nvidia,tegra") !=
             std::string::npos;
}

void board_facts(const Tree& tree, Facts& out) {
  const std::string model = device_tree(tree, "model");
  std::string release = tree.first_line("/etc/nv_tegra_release");
  if (release.starts_with("# ")) release.erase(0, 2);
  if (model.empty() && release.empty()) return;  // a computer without a device tree is no board
  out.push_back(told_or_unknown(kGroup, "model", model, "the device tree does not tell it"));
  if (!is_jetson(tree)) return;
  out.push_back(told_or_unknown(kGroup, "L4T", one_line(release, 60),
                                "/etc/nv_tegra_release does not tell it"));
  power_mode_fact(tree, out);
  jetson_clocks(tree, out);
  gpu_clock(tree, out);
}

}  // namespace assay::platform
