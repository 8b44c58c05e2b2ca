// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "platform/gpu/nvml.h"
#include "platform/settings_internal.h"
#include "platform/tree.h"

namespace assay::platform {
namespace {

// One file, ready for a process that must not allocate: what was forked from a process with threads
// may do system calls and little else.
struct Entry {
  std::string file, before;  // before: with its newline
};

bool reads_before(int fd, const Entry& e) {
  char now[256];
  ssize_t n = ::pread(fd, now, sizeof now, 0);
  while (n > 0 && (now[n - 1] == '\n' || now[n - 1] == ' ')) --n;
  return n == static_cast<ssize_t>(e.before.size()) - 1 &&
         std::memcmp(now, e.before.data(), static_cast<size_t>(n)) == 0;
}

// Whether the file holds the value before, as read back.
bool write_back(const Entry& e) {
  const int fd = ::open(e.file.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return false;
  bool same = reads_before(fd, e);
  if (!same) {
    (void)!::ftruncate(fd, 0);  // of a tree of files; the kernel's own have no length
    same = ::pwrite(fd, e.before.data(), e.before.size(), 0) ==
               static_cast<ssize_t>(e.before.size()) &&
           reads_before(fd, e);
  }
  ::close(fd);
  return same;
}

// `a` and `b` become 3 and 4; all else is closed, since it may be an end of a pipe that somebody
// waits for.
void keep_only(int a, int b) {
  const int high_a = ::fcntl(a, F_DUPFD, 10), high_b = ::fcntl(b, F_DUPFD, 10);
  for (int fd = 0; fd < 3; ++fd) ::close(fd);
  (void)!::open("/dev/null", O_RDWR);
  (void)!::dup(0);
  (void)!::dup(0);
  ::dup2(high_a, 3);
  ::dup2(high_b, 4);
  if (::syscall(SYS_close_range, 5U, ~0U, 0U) == 0) return;
  const int most = static_cast<int>(std::min<long>(::sysconf(_SC_OPEN_MAX), 65536));
  for (int fd = 5; fd < most; ++fd) ::close(fd);
}

}  // namespace

Result<Guard> Guard::start(const Roots& roots, const std::vector<Change>& changes,
                           const fs::path& state, int lock_fd) {
  std::vector<Entry> entries;
  std::vector<int> gpus;
  bool resolved = true;
  for (auto c = changes.rbegin(); c != changes.rend(); ++c) {
    if (const int gpu = gpu_of(c->path); gpu >= 0) {
      gpus.push_back(gpu);
      continue;
    }
    // A file that is not there is refused when it is written; it is never told as put back.
    if (const auto file = file_of(roots, c->path))
      entries.push_back({file->string(), c->before + "\n"});
    else
      resolved = false;
  }
  const std::string state_file = state.string();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return internal_error(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  const pid_t pid = ::fork();
  if (pid < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    return missing(fmt::format("cannot start a guard: {}", std::strerror(errno)),
                   "raise the limit of processes (ulimit -u)");
  }
  if (pid == 0) {
    ::setsid();  // Ctrl-C is for the one it guards
    for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(s, SIG_IGN);
    ::prctl(PR_SET_NAME, "assay-guard");
    keep_only(ends[0], lock_fd);
    char byte = 0;
    ssize_t n = 0;
    do {
      n = ::read(3, &byte, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1) ::_exit(0);  // dismissed
    bool all = false;
    // Twice: the range of clocks may hang on what is put back after it (boost).
    for (int turn = 0; turn < 2 && !all; ++turn) {
      all = resolved;
      for (const Entry& e : entries) all = write_back(e) && all;
    }
    // Loading a library is more than a forked process may do; when it fails the state file stays.
    for (const int gpu : gpus) all = reset_gpu_clocks(roots, gpu).has_value() && all;
    if (all) ::unlink(state_file.c_str());
    ::_exit(0);
  }
  ::close(ends[0]);
  return Guard(pid, ends[1]);
}

Guard::Guard(Guard&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), fd_(std::exchange(other.fd_, -1)) {}

Guard::~Guard() { dismiss(); }

void Guard::dismiss() {
  if (fd_ < 0) return;
  const char byte = 'q';
  (void)!::write(fd_, &byte, 1);
  ::close(std::exchange(fd_, -1));
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

std::string boot_id() { return Tree("/").first_line("/proc/sys/kernel/random/boot_id"); }

Json to_json(const State& s) {
  Json changes = Json::array();
  for (const Change& c : s.changes)
    changes.push_back({{"path", c.path}, {"before", c.before}, {"after", c.after}});
  return {{"format", "assay.settings"},   {"version", 1},   {"pid", s.pid},
          {"boot_id", s.boot_id},         {"root", s.root}, {"started_utc", s.started_utc},
          {"changes", std::move(changes)}};
}

namespace {

// What plan_fixed_clocks names, and nothing else: it is written as root.
bool is_set_by_us(std::string_view path) {
  if (gpu_of(path) >= 0) return true;
  constexpr std::string_view kFolder = "/sys/devices/system/cpu/";
  if (!path.starts_with(kFolder)) return false;
  path.remove_prefix(kFolder.size());
  if (path == "intel_pstate/no_turbo" || path == "cpufreq/boost") return true;
  if (!path.starts_with("cpu")) return false;
  path.remove_prefix(3);
  const size_t digits = path.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || digits > 5) return false;
  path.remove_prefix(digits);
  return path == "/cpufreq/scaling_governor" || path == "/cpufreq/scaling_min_freq" ||
         path == "/cpufreq/scaling_max_freq";
}

// Neither through a link nor, for root, of somebody else: that one would choose what root writes.
Result<std::string> own_file(const fs::path& file, const std::string& fix) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0)
    return bad_input(fmt::format("cannot read {}: {}", file.string(), std::strerror(errno)), fix);
  struct stat s {};
  std::string text;
  constexpr size_t kMost = 1 << 20;
  const bool told = ::fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
  const bool ours = told && (::geteuid() != 0 || s.st_uid == 0);
  ssize_t n = 0;
  if (ours) {
    char part[4096];
    while (text.size() <= kMost && (n = ::read(fd, part, sizeof part)) > 0)
      text.append(part, static_cast<size_t>(n));
  }
  ::close(fd);
  if (told && !ours)
    return bad_input(fmt::format("{} belongs to another user ({})", file.string(), s.st_uid), fix);
  if (!told || n < 0 || text.size() > kMost)
    return bad_input(fmt::format("{} is no state of `assay doctor --fix`", file.string()), fix);
  return text;
}

}  // namespace

Result<State> read_state(const fs::path& file) {
  const std::string fix =
      fmt::format("reboot, or set clocks and governor by hand; then remove {}", file.string());
  ASSAY_TRY(const std::string text, own_file(file, fix));
  const auto parsed = parse_json(text, file.string());
  if (!parsed) return bad_input(parsed.error().message, fix);
  const Json& j = *parsed;
  if (get_string(j, "format") != "assay.settings" || get_int(j, "version") != 1)
    return bad_input(fmt::format("{} is no state of `assay doctor --fix`", file.string()), fix);
  State s{get_int(j, "pid"),
          get_string(j, "boot_id"),
          get_string(j, "root"),
          get_string(j, "started_utc"),
          {}};
  for (const Json& c : get_array(j, "changes")) {
    Change change{get_string(c, "path"), get_string(c, "before"), get_string(c, "after")};
    if (!is_set_by_us(change.path) || change.before.empty() ||
        change.before.find('\n') != std::string::npos)
      return bad_input(fmt::format("{}: {} is nothing that assay sets", file.string(),
                                   one_line(change.path, 120)),
                       fix);
    s.changes.push_back(std::move(change));
  }
  return s;
}

Result<int> lock_state(const fs::path& state) {
  ASSAY_CHECK(make_dirs(state.parent_path()));
  const std::string path = state.string() + ".lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return bad_input(fmt::format("cannot write {}: {}", path, std::strerror(errno)),
                     "name another cache folder with ASSAY_CACHE");
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  ::close(fd);
  const auto holder = read_state(state);
  return bad_input(fmt::format("another process{} holds the machine's settings",
                               holder ? fmt::format(" ({})", holder->pid) : std::string()),
                   "end it first (it puts everything back)");
}

}  // namespace assay::platform
