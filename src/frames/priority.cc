// SPDX-License-Identifier: Apache-2.0
#include "frames/priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace assay::frames {
namespace {

std::optional<int> number_after(std::string_view text, std::string_view prefix, int low, int high) {
  if (text.substr(0, prefix.size()) != prefix) return std::nullopt;
  text.remove_prefix(prefix.size());
  int value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < low ||
      value > high)
    return std::nullopt;
  return value;
}

}  // namespace

std::optional<Priority> parse_priority(std::string_view text) {
  if (text == "other") return Priority{};
  if (const auto nice = number_after(text, "nice:", -20, 19))
    return Priority{Priority::Kind::nice, *nice};
  if (const auto fifo = number_after(text, "fifo:", 1, 99))
    return Priority{Priority::Kind::fifo, *fifo};
  return std::nullopt;
}

Status apply_priority(const Priority& priority) {
  if (priority.kind == Priority::Kind::nice) {
    const auto thread = static_cast<id_t>(syscall(SYS_gettid));  // on Linux nice is of a thread
    if (setpriority(PRIO_PROCESS, thread, priority.value) != 0)
      return missing(fmt::format("priority nice:{}: {}", priority.value, std::strerror(errno)),
                     "run as root, or raise the limit: ulimit -e, LimitNICE= or CAP_SYS_NICE");
  }
  if (priority.kind == Priority::Kind::fifo) {
    sched_param param{};
    param.sched_priority = priority.value;
    // Threads that a runtime starts later do not become real-time behind our back.
    if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) != 0)
      return missing(fmt::format("priority fifo:{}: {}", priority.value, std::strerror(errno)),
                     "run as root, or raise the limit: ulimit -r, LimitRTPRIO= or CAP_SYS_NICE; in "
                     "a cgroup v1 also cpu.rt_runtime_us");
  }
  return {};
}

}  // namespace assay::frames
