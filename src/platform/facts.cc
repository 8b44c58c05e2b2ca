// SPDX-License-Identifier: Apache-2.0
#include "platform/facts.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "platform/facts_internal.h"

namespace assay::platform {

std::string_view word(Harm harm) {
  switch (harm) {
    case Harm::none:
      return "none";
    case Harm::possible:
      return "possible";
    case Harm::harmful:
      return "harmful";
    case Harm::unknown:
      break;
  }
  return "unknown";
}

Json to_json(const Fact& f) {
  return {{"group", f.group}, {"name", f.name},         {"value", f.value}, {"harm", word(f.harm)},
          {"why", f.why},     {"settable", f.settable}, {"fix", f.fix}};
}

Json to_json(const std::vector<Fact>& facts) {
  Json out = Json::array();
  for (const Fact& f : facts) out.push_back(to_json(f));
  return out;
}

std::string value_of(const std::vector<Fact>& facts, std::string_view group,
                     std::string_view name) {
  for (const Fact& f : facts)
    if (f.group == group && f.name == name) return f.value;
  return "unknown";
}

std::vector<Fact> facts(const Roots& roots) {
  const Tree tree(roots.root);
  Facts out;
  cpu_facts(roots, tree, out);
  interrupt_facts(tree, out);
  memory_facts(tree, out);
  kernel_facts(roots, tree, out);
  cgroup_facts(tree, out);
  sensor_facts(roots, tree, out);
  gpu_groups(roots, out);
  board_facts(tree, out);
  return out;
}

Fact plain_fact(std::string group, std::string name, std::string value) {
  return {std::move(group), std::move(name), std::move(value), Harm::none, "", false, ""};
}

Fact unknown_fact(std::string group, std::string name, std::string why, std::string fix) {
  return {std::move(group), std::move(name), "unknown",     Harm::unknown,
          std::move(why),   false,           std::move(fix)};
}

Fact told_or_unknown(std::string group, std::string name, std::string value, std::string why) {
  return value.empty() ? unknown_fact(std::move(group), std::move(name), std::move(why))
                       : plain_fact(std::move(group), std::move(name), std::move(value));
}

std::vector<int> cpu_list(std::string_view text) {
  constexpr int kMost = 4096;
  std::vector<int> out;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    int first = 0, last = 0;
    auto got = std::from_chars(at, end, first);
    if (got.ec != std::errc() || first < 0) break;
    last = first;
    at = got.ptr;
    if (at < end && *at == '-') {
      got = std::from_chars(at + 1, end, last);
      if (got.ec != std::errc()) break;
      at = got.ptr;
    }
    for (int c = first; c <= std::min(last, kMost - 1); ++c) out.push_back(c);
    if (at >= end || *at != ',') break;
    ++at;
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<int> online_cpus(const Tree& tree) {
  std::vector<int> out = cpu_list(tree.first_line(fmt::format("{}/online", kCpuFolder)));
  if (!out.empty()) return out;
  const auto stat = tree.text("/proc/stat");
  for (size_t at = stat ? stat->find("\ncpu") : std::string::npos; at != std::string::npos;
       at = stat->find("\ncpu", at + 4)) {
    const auto one = cpu_list(std::string_view(*stat).substr(at + 4, 5));
    if (!one.empty()) out.push_back(one.front());
  }
  if (out.empty()) out.push_back(0);
  return out;
}

std::vector<int> usable_cpus(const Tree& tree) {
  const auto allowed = cpu_list(tree.field("/proc/self/status", "Cpus_allowed_list"));
  const auto online = online_cpus(tree);
  std::vector<int> out;
  std::set_intersection(allowed.begin(), allowed.end(), online.begin(), online.end(),
                        std::back_inserter(out));
  return out.empty() ? online : out;
}

std::string cpu_path(int cpu, std::string_view file) {
  return fmt::format("{}/cpu{}/{}", kCpuFolder, cpu, file);
}

bool writable(const Tree& tree, std::string_view path) {
  return tree.exists(path) && ::access(tree.at(path).c_str(), W_OK) == 0;
}

bool in_virtual_machine(const Tree& tree) {
  // Not field(): the list of flags is longer than what is shown of a line.
  const std::string info = tree.text("/proc/cpuinfo").value_or("");
  const size_t flags = info.find("\nflags");
  if (flags != std::string::npos) {
    const std::string line =
        fmt::format("{} ", info.substr(flags, info.find('\n', flags + 1) - flags));
    if (line.find(" hypervisor ") != std::string::npos) return true;
  }
  return tree.exists("/sys/hypervisor/type") || tree.exists("/proc/device-tree/hypervisor");
}

}  // namespace assay::platform
