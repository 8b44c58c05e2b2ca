// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "platform/facts_internal.h"

namespace assay::platform {
namespace {

const std::string kGroup = "memory";

// "123456 kB" of /proc/meminfo, in bytes.
std::optional<int64_t> meminfo(const Tree& tree, std::string_view key) {
  const std::string text = tree.field("/proc/meminfo", key);
  int64_t value = 0;
  const auto got = std::from_chars(text.data(), text.data() + text.size(), value);
  if (got.ec != std::errc() || value < 0 || value > INT64_MAX / 1024) return std::nullopt;
  return text.ends_with(" kB") ? value * 1024 : value;
}

// The word in brackets: "always [madvise] never".
std::string chosen(const std::string& line) {
  const size_t open = line.find('['), close = line.find(']');
  return open == std::string::npos || close == std::string::npos || close < open
             ? ""
             : line.substr(open + 1, close - open - 1);
}

void huge_pages(const Tree& tree, Facts& out) {
  const std::string path = "/sys/kernel/mm/transparent_hugepage/enabled";
  Fact f = told_or_unknown(kGroup, "transparent hugepages", chosen(tree.first_line(path)),
                           "the kernel does not tell it");
  if (f.value == "always") {
    f.harm = Harm::possible;
    f.why = "the kernel may move and merge pages while something is timed";
    f.fix = "echo madvise > " + path;
  }
  out.push_back(std::move(f));
  const auto pages = meminfo(tree, "HugePages_Total");
  out.push_back(told_or_unknown(kGroup, "static hugepages", pages ? std::to_string(*pages) : "",
                                "/proc/meminfo does not tell it"));
}

void swap(const Tree& tree, Facts& out) {
  const auto total = meminfo(tree, "SwapTotal"), free = meminfo(tree, "SwapFree");
  if (!total) {
    out.push_back(unknown_fact(kGroup, "swap", "/proc/meminfo does not tell it"));
    return;
  }
  Fact f = plain_fact(kGroup, "swap", "none");
  if (*total > 0) {
    const int64_t used = std::max<int64_t>(*total - free.value_or(*total), 0);
    f.value = fmt::format("{} of {} used", format_bytes(used), format_bytes(*total));
    f.harm = used > 0 ? Harm::harmful : Harm::possible;
    f.why = used > 0 ? "memory lies on disk: a page fault takes milliseconds"
                     : "memory may be put on disk while something is timed";
    f.fix = "swapoff -a";
  }
  out.push_back(std::move(f));
}

void memory_lock(const Tree& tree, Facts& out) {
  // CAP_IPC_LOCK (14) goes beyond the limit.
  const std::string caps = tree.field("/proc/self/status", "CapEff");
  uint64_t bits = 0;
  const auto got = std::from_chars(caps.data(), caps.data() + caps.size(), bits, 16);
  const bool capable = got.ec == std::errc() && (bits >> 14 & 1);
  std::string limit;
  if (const auto limits = tree.text("/proc/self/limits")) {
    const std::string key = "Max locked memory";
    if (const size_t at = limits->find(key); at != std::string::npos) {
      const size_t from = limits->find_first_not_of(' ', at + key.size());
      if (from != std::string::npos) limit = limits->substr(from, limits->find(' ', from) - from);
    }
  }
  if (!capable && limit.empty()) {
    out.push_back(unknown_fact(kGroup, "memory lock", "/proc/self/limits does not tell it"));
    return;
  }
  Fact f = plain_fact(kGroup, "memory lock", "allowed");
  if (!capable && limit != "unlimited") {
    int64_t bytes = 0;
    const auto number = std::from_chars(limit.data(), limit.data() + limit.size(), bytes);
    f.value = number.ec == std::errc() ? format_bytes(bytes) : one_line(limit, 40);
    f.harm = Harm::possible;
    f.why = "pages of a measured process may leave memory";
    f.fix = "ulimit -l unlimited";
  }
  out.push_back(std::move(f));
}

void nodes(const Tree& tree, Facts& out) {
  const auto nodes = cpu_list(tree.first_line("/sys/devices/system/node/online"));
  if (nodes.size() < 2) return;
  Fact f = plain_fact(kGroup, "NUMA nodes", std::to_string(nodes.size()));
  if (tree.number("/proc/sys/kernel/numa_balancing").value_or(0) > 0) {
    f.harm = Harm::possible;
    f.why = "the kernel moves pages between nodes while something is timed";
    f.fix = "sysctl kernel.numa_balancing=0";
  }
  out.push_back(std::move(f));
}

}  // namespace

void memory_facts(const Tree& tree, Facts& out) {
  const auto total = meminfo(tree, "MemTotal");
  out.push_back(told_or_unknown(kGroup, "size", total ? format_bytes(*total) : "",
                                "/proc/meminfo does not tell it"));
  huge_pages(tree, out);
  swap(tree, out);
  memory_lock(tree, out);
  nodes(tree, out);
}

}  // namespace assay::platform
