// SPDX-License-Identifier: Apache-2.0
#include "worker/sandbox_supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "worker/sandbox_processes.h"

namespace assay::worker {
namespace {

// A helper of the child that ends by itself once its pipe closes is no leftover.
constexpr int64_t grace_ns = 250'000'000;
constexpr int64_t reap_limit_ns = 5'000'000'000;
constexpr size_t max_leftovers = 100;

void answer_line(const Json& line) {
  const std::string text = dump_json(line) + "\n";
  // A parent that is gone is noticed by poll; the answer is then for nobody.
  (void)!send(control_descriptor, text.data(), text.size(), MSG_NOSIGNAL);
}

void set_limit(__rlimit_resource which, rlim_t soft, bool raise) {
  rlimit limit{};
  if (getrlimit(which, &limit) != 0) return;
  rlimit wanted{soft, raise ? soft : std::min(soft, limit.rlim_max)};
  if (setrlimit(which, &wanted) == 0) return;
  wanted = {std::min(soft, limit.rlim_max), limit.rlim_max};
  setrlimit(which, &wanted);
}

// False (errno set) when the CPU set is refused: a launch on other CPUs than asked for would be a
// lie.
bool apply_limits(const SandboxJob& job) {
  set_limit(RLIMIT_CORE, 0, false);
  if (job.file_limit_bytes > 0)
    set_limit(RLIMIT_FSIZE, static_cast<rlim_t>(job.file_limit_bytes), false);
  set_limit(RLIMIT_NOFILE, 65536, false);
  set_limit(RLIMIT_MEMLOCK, RLIM_INFINITY,
            true);  // while the rights last; else up to the hard limit
  if (job.cpus.empty()) return true;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu : job.cpus)
    if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

bool join_cgroup(int fd) {
  const bool ok = write(fd, "0", 1) == 1;
  close(fd);
  return ok;
}

struct StartReport {
  int error = 0;
  char step[24] = "";
  bool joined = false;
};

[[noreturn]] void start_failed(int report_fd, StartReport report, const char* step) {
  report.error = errno;
  std::strncpy(report.step, step, sizeof report.step - 1);
  (void)!write(report_fd, &report, sizeof report);
  _exit(127);
}

[[noreturn]] void become_child(const SandboxJob& job, int report_fd) {
  StartReport report;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setsid();
  for (int signal_number = 1; signal_number < NSIG; ++signal_number) signal(signal_number, SIG_DFL);
  if (job.cgroup_fd >= 0) report.joined = join_cgroup(job.cgroup_fd);
  if (!apply_limits(job)) start_failed(report_fd, report, "CPU set");
  if (chdir(job.cwd.c_str()) != 0) start_failed(report_fd, report, "chdir");
  std::vector<char*> argv, env;
  for (const std::string& text : job.argv) argv.push_back(const_cast<char*>(text.c_str()));
  for (const std::string& text : job.env) env.push_back(const_cast<char*>(text.c_str()));
  argv.push_back(nullptr);
  env.push_back(nullptr);
  drop_rights();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)!write(report_fd, &report, sizeof report);
  const unsigned first = job.samples ? samples_descriptor + 1 : samples_descriptor;
  syscall(SYS_close_range, first, ~0u, 1u << 2 /* CLOSE_RANGE_CLOEXEC */);
  execve(argv[0], argv.data(), env.data());
  start_failed(report_fd, report, "exec");
}

class Supervisor {
 public:
  Supervisor(const SandboxJob& job, const Isolation& isolation)
      : job_(job), isolation_(isolation) {}
  int run();

 private:
  bool start();
  void reap();
  bool wait_events(int64_t until_ns);  // false once the parent asked to kill, or is gone
  std::vector<ProcessEntry> alive() const;
  void kill_all();
  Json finish();

  const SandboxJob& job_;
  const Isolation& isolation_;
  int signals_ = -1;
  pid_t child_ = -1;
  bool ended_ = false, none_left_ = false;
  int status_ = 0;
  int64_t begin_ns_ = 0, end_ns_ = 0;
};

bool Supervisor::start() {
  sigset_t handled;
  sigemptyset(&handled);
  for (int s : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&handled, s);
  sigprocmask(SIG_BLOCK, &handled, nullptr);
  signals_ = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
  int report[2];
  if (signals_ < 0 || pipe2(report, O_CLOEXEC) != 0) {
    answer_line({{"what", answer::failed}, {"message", "sandbox: no descriptors left"}});
    return false;
  }
  begin_ns_ = monotonic_ns();
  child_ = fork();
  if (child_ == 0) {
    close(report[0]);
    become_child(job_, report[1]);
  }
  close(report[1]);
  for (int fd = 0; fd <= job_descriptor; ++fd)
    close(fd);  // the child's pipes must end when the child does
  StartReport first, second;
  const bool told = child_ > 0 && read(report[0], &first, sizeof first) == sizeof first;
  const bool failed =
      told && first.error == 0 && read(report[0], &second, sizeof second) == sizeof second;
  close(report[0]);
  if (told && first.error == 0 && !failed) {
    answer_line({{"what", answer::started}, {"joined_cgroup", first.joined}});
    return true;
  }
  const StartReport& bad = failed ? second : first;
  const std::string why = child_ < 0 ? "fork: " + std::string(std::strerror(errno))
                          : !told    ? "the child died before it was started"
                                     : std::string(bad.step) + ": " + std::strerror(bad.error);
  answer_line(
      {{"what", answer::failed}, {"message", job_.argv[0] + ": cannot be started: " + why}});
  return false;
}

void Supervisor::reap() {
  int status = 0;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
    if (pid == child_) {
      ended_ = true;
      status_ = status;
      end_ns_ = monotonic_ns();
    }
  none_left_ = pid < 0 && errno == ECHILD;
}

bool Supervisor::wait_events(int64_t until_ns) {
  pollfd fds[2] = {{signals_, POLLIN, 0}, {control_descriptor, POLLIN, 0}};
  const int64_t left_ms = (until_ns - monotonic_ns()) / 1'000'000;
  poll(fds, 2, until_ns == 0 ? -1 : static_cast<int>(std::clamp<int64_t>(left_ms, 0, 1000)));
  bool go_on = true;
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof info) == sizeof info)
    if (info.ssi_signo != SIGCHLD) go_on = false;
  if (fds[1].revents != 0) go_on = false;  // a byte, or the end of the parent
  reap();
  return go_on;
}

std::vector<ProcessEntry> Supervisor::alive() const {
  // Without a /proc of our own in a pid namespace the numbers in /proc are not ours.
  if (isolation_.pid && !isolation_.private_proc) return {};
  return descendants(getpid());
}

void Supervisor::kill_all() {
  if (isolation_.pid) {
    kill(-1, SIGKILL);  // everything in the namespace but ourselves
    return;
  }
  for (const ProcessEntry& e : alive()) kill(e.pid, SIGKILL);
}

Json Supervisor::finish() {
  const int64_t limit = monotonic_ns() + reap_limit_ns;
  while (!none_left_ && monotonic_ns() < limit) {
    kill_all();  // again and again: what forks while it is killed must not escape
    wait_events(monotonic_ns() + 5'000'000);
  }
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto ns = [](const timeval& t) {
    return t.tv_sec * int64_t{1'000'000'000} + t.tv_usec * int64_t{1000};
  };
  return {{"what", answer::ended},
          {"status", status_},
          {"wall_ns", end_ns_ - begin_ns_},
          {"cpu_ns", ns(usage.ru_utime) + ns(usage.ru_stime)},
          {"max_rss_bytes", int64_t{usage.ru_maxrss} * 1024}};
}

int Supervisor::run() {
  if (!start()) {
    kill_all();
    return 0;
  }
  bool asked = false;
  while (!ended_ && !asked) asked = !wait_events(0);
  const int64_t grace_end = monotonic_ns() + grace_ns;
  while (!asked && !none_left_ && monotonic_ns() < grace_end) asked = !wait_events(grace_end);
  Json leftovers = Json::array();
  if (!asked && !none_left_)
    for (const ProcessEntry& e : alive())
      if (leftovers.size() < max_leftovers) leftovers.push_back({{"pid", e.pid}, {"name", e.name}});
  if (!asked && !none_left_ && leftovers.empty() && isolation_.pid && !isolation_.private_proc)
    leftovers.push_back({{"pid", 0}, {"name", "unknown"}});
  Json line = finish();
  line["leftovers"] = leftovers;
  answer_line(line);
  return 0;
}

}  // namespace

int supervise(const SandboxJob& job, const Isolation& isolation) {
  return Supervisor(job, isolation).run();
}

}  // namespace assay::worker
