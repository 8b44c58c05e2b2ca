// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
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

void write_back(const Entry& e) {
  const int fd = ::open(e.file.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return;
  char now[256];
  const ssize_t n = ::read(fd, now, sizeof now);
  const bool same = n == static_cast<ssize_t>(e.before.size()) &&
                    std::memcmp(now, e.before.data(), e.before.size()) == 0;
  if (!same) {
    (void)!::ftruncate(fd, 0);  // of a tree of files; the kernel's own have no length
    (void)!::pwrite(fd, e.before.data(), e.before.size(), 0);
  }
  ::close(fd);
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
  for (auto c = changes.rbegin(); c != changes.rend(); ++c) {
    if (const int gpu = gpu_of(c->path); gpu >= 0) {
      gpus.push_back(gpu);
      continue;
    }
    // A file that is not there is refused when it is written.
    if (const auto file = file_of(roots, c->path))
      entries.push_back({file->string(), c->before + "\n"});
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
    for (const Entry& e : entries) write_back(e);
    // Loading a library is more than a forked process may do; when it fails the state file stays.
    bool all = true;
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

Result<State> read_state(const fs::path& file) {
  ASSAY_TRY(const std::string text, read_file(file, 1 << 20));
  ASSAY_TRY(const Json j, parse_json(text, file.string()));
  if (get_string(j, "format") != "assay.settings" || get_int(j, "version") != 1)
    return bad_input(fmt::format("{} is no state of `assay doctor --fix`", file.string()),
                     "look at it, and remove it by hand");
  State s{get_int(j, "pid"),
          get_string(j, "boot_id"),
          get_string(j, "root"),
          get_string(j, "started_utc"),
          {}};
  for (const Json& c : get_array(j, "changes")) {
    Change change{get_string(c, "path"), get_string(c, "before"), get_string(c, "after")};
    // It is written as root: nothing but what plan_fixed_clocks names.
    const bool known =
        gpu_of(change.path) >= 0 || (change.path.starts_with("/sys/devices/system/cpu/") &&
                                     change.path.find("..") == std::string::npos);
    if (!known || change.before.empty() || change.before.find('\n') != std::string::npos)
      return bad_input(fmt::format("{}: {} is nothing that assay sets", file.string(),
                                   one_line(change.path, 120)),
                       "look at it, and remove it by hand");
    s.changes.push_back(std::move(change));
  }
  return s;
}

Result<int> lock_state(const fs::path& state) {
  ASSAY_CHECK(make_dirs(state.parent_path()));
  const std::string path = state.string() + ".lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
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
