// SPDX-License-Identifier: Apache-2.0
#include "response/checks.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "frames/buffer.h"
#include "frames/priority.h"

namespace assay::response {
namespace {

constexpr int64_t max_record_bytes = int64_t{4} << 30;  // of one block, in shared memory
constexpr size_t max_cells = 100'000;
constexpr double kMostStampBytes = 60 << 20;
constexpr int64_t min_memory_bytes = int64_t{16} << 20;  // of a process that loads anything

Status one_of(const std::vector<std::string>& given, const std::set<std::string>& known,
              const char* what) {
  std::set<std::string> seen;
  for (const std::string& g : given) {
    if (!known.contains(g))
      return bad_input(fmt::format("{} \"{}\" is unknown", what, one_line(g, 80)),
                       fmt::format("known: {}", fmt::join(known, ", ")));
    if (!seen.insert(g).second)
      return bad_input(fmt::format("{} {} stands twice", what, g), "name each once");
  }
  if (given.empty())
    return bad_input(fmt::format("no {} is given", what),
                     fmt::format("known: {}", fmt::join(known, ", ")));
  return {};
}

template <class T>
Status in_range(T value, T low, T high, const char* what) {
  if (value >= low && value <= high) return {};
  return bad_input(fmt::format("{} is {}, expected {} to {}", what, value, low, high),
                   fmt::format("use at least {} and at most {}", low, high));
}

}  // namespace

Status check_factors(const Plan& p) {
  ASSAY_CHECK(one_of(p.modes, {"processes", "threads", "one-server"}, "mode"));
  ASSAY_CHECK(one_of(p.co_runners, {"none", "memory", "cache"}, "co-runner"));
  ASSAY_CHECK(one_of(p.caches, {"warm", "cold", "memory"}, "cache"));
  const bool files = p.source.kind == frames::SourceSpec::Kind::folder ||
                     p.source.kind == frames::SourceSpec::Kind::raw;
  if (!files && p.caches != std::vector<std::string>{"warm"})
    return bad_input(fmt::format("a {} source has no page cache to choose", word(p.source.kind)),
                     "use a folder of images or a raw file, or leave cache out");
  std::set<std::string> priorities(p.priorities.begin(), p.priorities.end());
  for (const std::string& priority : p.priorities)
    if (!frames::parse_priority(priority))
      return bad_input(fmt::format("priority \"{}\" is unknown", one_line(priority, 80)),
                       "use other, nice:-20 to nice:19, or fifo:1 to fifo:99");
  if (p.priorities.empty() || priorities.size() != p.priorities.size())
    return bad_input("a priority stands twice, or there is none", "name each once");
  if (p.policies.empty() ||
      std::set<stream::Policy>(p.policies.begin(), p.policies.end()).size() != p.policies.size())
    return bad_input("a policy stands twice, or there is none", "name each once");
  const auto tasks = static_cast<int64_t>(streaming_tasks(p).size());
  std::set<int> cameras;
  for (const int n : p.cameras) {
    ASSAY_CHECK(in_range<int64_t>(n, 1, frames::buffer_layout::max_streams / tasks, "cameras"));
    if (!cameras.insert(n).second)
      return bad_input(fmt::format("cameras: {} stands twice", n), "name each number once");
  }
  if (p.cameras.empty()) return bad_input("no number of cameras is given", "use 1 to 64");
  for (const auto& set : p.cpu_sets)
    if (set.empty() || std::set<int>(set.begin(), set.end()).size() != set.size())
      return bad_input("a CPU set is empty or names a CPU twice",
                       "write cpus = [[0], [0, 1]] in [response], or --cpus 0,1");
  const size_t cells = p.policies.size() * p.cameras.size() * p.modes.size() * p.co_runners.size() *
                       p.caches.size() * p.priorities.size() *
                       std::max<size_t>(1, p.cpu_sets.size());
  if (cells > max_cells)
    return bad_input(
        fmt::format("the factors make {} conditions, expected at most {}", cells, max_cells),
        "sweep fewer values at once");
  return {};
}

Status check_numbers(const Plan& p) {
  ASSAY_CHECK(in_range<int64_t>(p.frames, 1, frames::buffer_layout::max_frames, "frames"));
  ASSAY_CHECK(in_range<int64_t>(p.repetitions, 1, 10'000, "repetitions"));
  ASSAY_CHECK(in_range<int64_t>(p.warmup_frames, 0, 1 << 20, "warm-up frames"));
  ASSAY_CHECK(in_range<int64_t>(p.threads, 1, 1024, "threads"));
  ASSAY_CHECK(in_range<int64_t>(p.builds, 1, 1000, "builds"));
  if (p.memory_limit_bytes > 0 && p.memory_limit_bytes < min_memory_bytes)
    return bad_input(
        fmt::format("the memory limit is {}, and no process runs in less than {}",
                    format_bytes(p.memory_limit_bytes), format_bytes(min_memory_bytes)),
        "write --memory-limit 1G, or leave it out for 80 % of the machine");
  ASSAY_CHECK(in_range(p.max_seconds, 0.0, 1e7, "max_seconds"));
  if (!(p.equality_margin > 0 && p.equality_margin < 1))
    return bad_input(fmt::format("the margin is {:g}, expected a share below 1", p.equality_margin),
                     "write 0.05 for 5 %");
  for (const double fps : p.replay_fps)
    if (!(fps > 0 && fps <= 1e6))
      return bad_input(fmt::format("a replayed frame rate is {:g}", fps), "use 0 to 1e6");
  const double seconds =
      static_cast<double>(p.frames) * static_cast<double>(period_ns(p) + p.idle_gap_ns) / 1e9;
  if (seconds > 1e7)
    return bad_input(
        fmt::format("{} frames would take {:.3g} s", p.frames, seconds),
        "a block may take 1e7 s; use a higher frame rate, fewer frames or less idling");
  for (const TaskPlan& t : p.tasks)
    if (t.deadline_ns > int64_t{3'600'000'000'000})
      return bad_input(fmt::format("task {}: the deadline is over an hour", t.name),
                       "write it as 33ms");
  const int most = *std::max_element(p.cameras.begin(), p.cameras.end());
  const double bytes = static_cast<double>(p.frames) * most *
                       static_cast<double>(streaming_tasks(p).size() * sizeof(stream::FrameRecord));
  // All of it is locked, and held twice while it is read back.
  const int64_t ram =
      static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<int64_t>(sysconf(_SC_PAGESIZE));
  if (bytes > static_cast<double>(std::min(max_record_bytes, ram / 8)))
    return bad_input(
        fmt::format("the records of {} frames of {} cameras need {}, expected at most {}", p.frames,
                    most, format_bytes(static_cast<int64_t>(bytes)),
                    format_bytes(std::min(max_record_bytes, ram / 8))),
        "use fewer frames and more repetitions");
  // Each stream of a process takes its time stamps along in the request, which is at most 64 MiB.
  const bool one_process = p.modes != std::vector<std::string>{"processes"};
  const double stamps = static_cast<double>(p.frames) *
                        (one_process ? most * static_cast<double>(streaming_tasks(p).size()) : 1.0);
  const double each = 2 + std::log10(1 + seconds * 1e9);  // digits and a comma
  if (!p.time_stamps.empty() && stamps * each > kMostStampBytes)
    return bad_input(fmt::format("{:.3g} time stamps for one process", stamps),
                     "use fewer frames, or mode processes alone");
  return {};
}

}  // namespace assay::response
