// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_fix.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "cli/cli.h"
#include "platform/settings.h"

namespace assay::cli {
namespace {

// Signals that end or wake this process are taken one by one while it holds settings: between two
// of them nothing can interrupt it in the middle of a write.
class Signals {
 public:
  Signals() {
    sigemptyset(&mask_);
    for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD}) sigaddset(&mask_, s);
    sigprocmask(SIG_BLOCK, &mask_, &before_);
  }
  ~Signals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  const sigset_t& before() const { return before_; }
  int wait() const {
    int s = 0;
    while (sigwait(&mask_, &s) != 0) {
    }
    return s;
  }

 private:
  sigset_t mask_{}, before_{};
};

// The terminal, when it is ours: handed to the command, which stands in a process group of its own,
// and taken back.
class Terminal {
 public:
  Terminal() : given_(ours()) {}
  ~Terminal() { take(); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // By the command itself, before its program begins: it may read from its first line on.
  void join() const {
    if (given_) set(getpgrp());
  }
  void give(pid_t group) {
    given_ = ours();
    if (given_) set(group);
  }
  void take() {
    if (given_) set(getpgrp());
    given_ = false;
  }
  bool given() const { return given_; }

 private:
  static bool ours() { return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp(); }
  static void set(pid_t group) {
    const auto before = signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(STDIN_FILENO, group);
    signal(SIGTTOU, before);
  }
  bool given_;
};

Result<pid_t> start(const std::vector<std::string>& command, const sigset_t& mask,
                    const Terminal& terminal) {
  std::vector<char*> argv;
  for (const std::string& a : command) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  int ends[2];  // tells why it could not be started; closed by a start that went well
  if (pipe2(ends, O_CLOEXEC) != 0) return internal_error("cannot make a pipe");
  const pid_t self = getpid(), pid = fork();
  if (pid == 0) {
    setpgid(0, 0);
    terminal.join();
    // Were we killed outright, what was measured at fixed clocks must not go on without them.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != self) _exit(1);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &mask, nullptr);
    execvp(argv[0], argv.data());
    const int error = errno;
    (void)!write(ends[1], &error, sizeof error);
    _exit(127);
  }
  close(ends[1]);
  int error = pid < 0 ? errno : 0;
  if (pid > 0) {
    setpgid(pid, pid);
    ssize_t n = 0;
    do {
      n = read(ends[0], &error, sizeof error);
    } while (n < 0 && errno == EINTR);
    if (n > 0) waitpid(pid, nullptr, 0);
  }
  close(ends[0]);
  if (error != 0)
    return missing(fmt::format("cannot run {}: {}", one_line(command[0]), std::strerror(error)),
                   "name a program that is here");
  return pid;
}

Result<int> run_command(const std::vector<std::string>& command, const Signals& signals) {
  Terminal terminal;
  ASSAY_TRY(const pid_t pid, start(command, signals.before(), terminal));
  int reads = 0;  // stops in a row for a terminal that is not there to be given
  for (;;) {
    const int s = signals.wait();
    if (s != SIGCHLD) {
      kill(-pid, s);
      continue;
    }
    int status = 0;
    const pid_t ended = waitpid(pid, &status, WNOHANG | WUNTRACED);
    if (ended != pid) continue;
    if (WIFSTOPPED(status)) {
      // Stopped (Ctrl-Z, or a read in the background): so are we, for the shell to see, and both go
      // on together. Without a shell that waits, SIGTSTP does nothing and the command goes on.
      terminal.take();
      raise(SIGTSTP);
      terminal.give(pid);
      const bool asked = WSTOPSIG(status) == SIGTTIN || WSTOPSIG(status) == SIGTTOU;
      reads = asked && !terminal.given() ? reads + 1 : 0;
      if (reads > 100) kill(-pid, SIGHUP);  // nobody will ever give it one
      kill(-pid, SIGCONT);
      continue;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

void print_plan(const platform::FixPlan& plan) {
  Table t({"file", "before", "after"});
  for (const platform::Change& c : plan.changes) t.add({c.path, c.before, c.after});
  if (!t.empty()) fmt::print("{}", t.text());
  for (const std::string& r : plan.refused) fmt::print("cannot be set: {}\n", r);
  if (plan.changes.empty() && plan.refused.empty())
    fmt::print("the clocks are fixed already: nothing to set\n");
}

// Refusals in few lines: machines have many CPUs.
std::string why_not(const platform::FixPlan& plan) {
  if (plan.refused.empty()) return "";
  return plan.refused.size() == 1 ? plan.refused[0]
                                  : fmt::format("{}; and {} more (--dry-run lists them)",
                                                plan.refused[0], plan.refused.size() - 1);
}

// Why a command that asked for fixed clocks must not run here.
std::string lacking(const platform::FixPlan& plan, const FixFlags& flags) {
  if (plan.changes.empty() && !plan.refused.empty())
    return "nothing can be set here: " + why_not(plan);
  if (flags.gpu_mhz > 0 && plan.gpu_refused)
    return "the GPU clocks that --gpu-mhz asks for cannot be set: " + why_not(plan);
  if (plan.measuring_refused)
    return fmt::format("the clock of the measuring CPU ({}) cannot be fixed: {}",
                       plan.measuring_cpu, why_not(plan));
  return "";
}

tl::unexpected<Error> unfixed(const std::string& why) {
  return missing(why,
                 "run as root on the machine itself; or go on without fixed clocks: "
                 "--allow-unfixed");
}

Status put_back(platform::Settings& settings, size_t changes) {
  const Status status = settings.restore();
  for (const std::string& note : settings.notes()) fmt::print(stderr, "note: {}\n", note);
  if (status && changes > 0)
    fmt::print(stderr, "put back: {} setting{}\n", changes, changes == 1 ? "" : "s");
  return status;
}

}  // namespace

Result<ExitCode> doctor_fix(const platform::Roots& roots, const FixFlags& flags) {
  const platform::FixPlan plan =
      platform::plan_fixed_clocks(roots, static_cast<int>(flags.gpu_mhz));
  if (!roots.real())
    fmt::print(stderr, "NOT this machine: {}\n", one_line(roots.root.string(), 200));
  const std::string lacks = lacking(plan, flags);
  if (flags.dry_run) {
    print_plan(plan);
    std::fflush(stdout);
  }
  if (!lacks.empty()) {
    if (!flags.allow_unfixed) return unfixed(lacks);
    fmt::print(stderr, "{}\n", lacks);
    if (flags.command.empty() && plan.changes.empty()) return ExitCode::ok;
  }
  if (flags.dry_run) return ExitCode::ok;
  const Signals signals;
  ASSAY_TRY(platform::Settings settings,
            platform::Settings::apply(roots, plan, platform::settings_state()));
  const size_t changes = settings.changes().size();
  if (changes > 0)
    fmt::print(stderr, "set: {} setting{}{}\n", changes, changes == 1 ? "" : "s",
               plan.refused.empty() ? "" : "; not set: " + why_not(plan));
  for (const std::string& moving : settings.not_fixed())
    fmt::print(stderr, "not fixed: {}\n", moving);
  for (const std::string& moving : settings.not_fixed()) {
    if (flags.allow_unfixed || !moving.starts_with(fmt::format("cpu{}:", plan.measuring_cpu)))
      continue;
    ASSAY_CHECK(put_back(settings, changes));
    return unfixed("the clock of the measuring CPU is not fixed: " + moving);
  }
  if (flags.command.empty()) {
    if (changes == 0) {
      print_plan(plan);
      return ExitCode::ok;
    }
    fmt::print(stderr, "held until Ctrl-C\n");
    while (signals.wait() == SIGCHLD) {
    }
    ASSAY_CHECK(put_back(settings, changes));
    return ExitCode::ok;
  }
  std::fflush(stdout);
  const Result<int> code = run_command(flags.command, signals);
  ASSAY_CHECK(put_back(settings, changes));
  if (!code) return tl::unexpected<Error>(code.error());
  return static_cast<ExitCode>(*code);
}

Result<ExitCode> doctor_restore(const platform::Roots& roots) {
  ASSAY_TRY(const auto lines, platform::restore_file(roots, platform::settings_state()));
  for (const std::string& line : lines) fmt::print("{}\n", line);
  if (lines.empty()) fmt::print("nothing to put back\n");
  return ExitCode::ok;
}

}  // namespace assay::cli
