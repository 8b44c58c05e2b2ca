// SPDX-License-Identifier: Apache-2.0
#include "platform/stat_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace assay::platform {
namespace {

constexpr int kMostCpus = 1 << 13;  // as the kernel's own largest
constexpr size_t kLine = 224;       // "cpu8191" and ten numbers of 20 digits fit

// Lines of CPUs stand at the top of the file, one after the other.
template <class Each>
void each_cpu(std::string_view text, Each each) {
  while (text.starts_with("cpu")) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) break;  // cut off: half a number is a wrong number
    if (const auto ticks = parse_cpu_ticks(text.substr(0, end))) each(*ticks);
    text.remove_prefix(end + 1);
  }
}

class StatSource : public Source {
 public:
  StatSource(KernelFile file, const std::vector<int>& cpus) : file_(std::move(file)), cpus_(cpus) {
    const int last = *std::max_element(cpus.begin(), cpus.end());
    column_.assign(static_cast<size_t>(last) + 1, -1);
    for (size_t k = 0; k < cpus.size(); ++k) {
      column_[static_cast<size_t>(cpus[k])] = static_cast<int>(2 * k);
    }
    text_.resize((static_cast<size_t>(last) + 2) * kLine);
  }

  std::vector<Channel> channels() const override {
    std::vector<Channel> all;
    for (const int cpu : cpus_) {
      all.push_back({fmt::format("cpu{}.busy_ticks", cpu), Kind::counter, 0, 10, 0});
      all.push_back({fmt::format("cpu{}.steal_ticks", cpu), Kind::counter, 0, 10, 0});
    }
    return all;
  }

  void read(int64_t, int64_t* out) noexcept override {
    std::fill_n(out, 2 * cpus_.size(), kUnknown);
    const auto n = file_.read(text_.data(), text_.size());
    if (!n) return;
    each_cpu({text_.data(), *n}, [&](const CpuTicks& ticks) {
      const auto cpu = static_cast<size_t>(ticks.cpu);
      if (cpu >= column_.size() || column_[cpu] < 0) return;
      out[column_[cpu]] = ticks.busy;
      out[column_[cpu] + 1] = ticks.steal;
    });
  }

 private:
  KernelFile file_;
  std::vector<int> cpus_;
  std::vector<int> column_;  // [cpu]: where its busy ticks go; -1: not asked for
  std::vector<char> text_;
};

}  // namespace

std::optional<CpuTicks> parse_cpu_ticks(std::string_view line) noexcept {
  if (!line.starts_with("cpu")) return std::nullopt;
  const char* at = line.data() + 3;
  const char* const end = line.data() + line.size();
  CpuTicks ticks;
  auto [next, error] = std::from_chars(at, end, ticks.cpu);
  if (error != std::errc{} || ticks.cpu < 0 || ticks.cpu >= kMostCpus) return std::nullopt;
  int64_t column[8];
  int count = 0;
  for (at = next; count < 8; ++count) {
    if (at == end || *at != ' ') break;
    while (at != end && *at == ' ') ++at;
    const auto result = std::from_chars(at, end, column[count]);
    // 2^53 ticks are longer than any machine runs; sums below cannot overflow.
    if (result.ec != std::errc{} || column[count] < 0 || column[count] > int64_t{1} << 53) break;
    at = result.ptr;
  }
  if (count < 7 || (at != end && *at != ' ')) return std::nullopt;
  ticks.busy = column[0] + column[1] + column[2] + column[5] + column[6];
  if (count == 8) ticks.steal = column[7];
  return ticks;
}

std::vector<int> cpus_of_stat(const Tree& tree) {
  std::vector<int> cpus;
  const KernelFile file(tree, "/proc/stat");
  std::vector<char> text(kMostCpus * kLine);
  const auto n = file.read(text.data(), text.size());
  if (!n) return cpus;
  std::string_view rest(text.data(), *n);
  if (rest.starts_with("cpu ")) rest.remove_prefix(std::min(rest.find('\n') + 1, rest.size()));
  each_cpu(rest, [&](const CpuTicks& ticks) { cpus.push_back(ticks.cpu); });
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

std::unique_ptr<Source> open_stat(const Tree& tree, const std::vector<int>& cpus,
                                  std::vector<Missing>& missing) {
  KernelFile file(tree, "/proc/stat");
  if (!file) {
    missing.push_back({"cpu ticks", fmt::format("/proc/stat: {}", file.why())});
    return nullptr;
  }
  const auto there = cpus_of_stat(tree);
  std::vector<int> found;
  for (const int cpu : cpus) {
    if (std::binary_search(there.begin(), there.end(), cpu)) {
      found.push_back(cpu);
    } else {
      missing.push_back({fmt::format("cpu{} ticks", cpu), "no such line in /proc/stat"});
    }
  }
  if (found.empty()) {
    missing.push_back({"cpu ticks", "/proc/stat tells of no CPU that was asked for"});
    return nullptr;
  }
  return std::make_unique<StatSource>(std::move(file), found);
}

}  // namespace assay::platform
