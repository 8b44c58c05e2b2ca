// SPDX-License-Identifier: Apache-2.0
#include "worker/child.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <thread>

#include "base/text.h"
#include "worker/sandbox_processes.h"

namespace assay::worker {
namespace {

class ChildTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::create(fs::temp_directory_path(), "assay-child-test");
    ASSERT_TRUE(dir) << dir.error().message;
    dir_ = std::make_unique<TempDir>(std::move(*dir));
  }

  ChildSpec spec(std::vector<std::string> arguments) {
    ChildSpec s;
    s.argv = {(executable_dir() / "child_probe").string()};
    s.argv.insert(s.argv.end(), arguments.begin(), arguments.end());
    s.scratch = dir_->path();
    s.stdout_file = dir_->path() / "stdout";
    s.stderr_file = dir_->path() / "stderr";
    s.timeout_s = 60;
    s.on_event = [this](std::string_view line) { events_.emplace_back(line); };
    return s;
  }
  ChildResult run(const ChildSpec& s) {
    auto result = run_child(s);
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? std::move(*result) : ChildResult{};
  }
  ChildResult run(std::vector<std::string> arguments) { return run(spec(std::move(arguments))); }

  std::unique_ptr<TempDir> dir_;
  std::vector<std::string> events_;
};

TEST_F(ChildTest, SaysWhatIsolationItHas) {
  const Json isolation = probe_isolation();
  std::cout << "isolation here: " << dump_json(isolation) << "\n";
  EXPECT_TRUE(isolation.contains("pid_namespace")) << dump_json(isolation);
  EXPECT_TRUE(get_string(isolation, "network") == "none" ||
              get_string(isolation, "network") == "host");
  if (!get_bool(isolation, "pid_namespace") || get_string(isolation, "network") == "host") {
    EXPECT_FALSE(get_array(isolation, "notes").empty())
        << "something is missing and no note says why";
  }
}

TEST_F(ChildTest, ExitCode) {
  for (const int code : {0, 1, 7, 255}) {
    const ChildResult r = run({"exit", std::to_string(code)});
    EXPECT_EQ(r.outcome, Outcome::exited);
    EXPECT_EQ(r.exit_code, code);
    EXPECT_TRUE(r.leftovers.empty());
    EXPECT_GT(r.wall_ns, 0);
    EXPECT_GT(r.peak_memory_bytes, 0) << r.memory_method;
  }
}

TEST_F(ChildTest, Signal) {
  for (const int number : {SIGSEGV, SIGKILL, SIGTERM}) {
    const ChildResult r = run({"signal", std::to_string(number)});
    EXPECT_EQ(r.outcome, Outcome::signalled);
    EXPECT_EQ(r.signal, number);
  }
}

TEST_F(ChildTest, ProgramThatIsNotThere) {
  ChildSpec s = spec({});
  s.argv = {"/nowhere/program"};
  const auto result = run_child(s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ExitCode::missing);
  EXPECT_NE(result.error().message.find("/nowhere/program"), std::string::npos)
      << result.error().message;
}

TEST_F(ChildTest, Timeout) {
  ChildSpec s = spec({"hang"});
  s.timeout_s = 0.2;
  const int64_t begin = monotonic_ns();
  const ChildResult r = run(s);
  EXPECT_EQ(r.outcome, Outcome::timed_out);
  EXPECT_GE(monotonic_ns() - begin, 200'000'000);
  EXPECT_LT(r.wall_ns, 10'000'000'000);
}

TEST_F(ChildTest, TimeoutKillsTheWholeTree) {
  ChildSpec s = spec({"fork_tree"});
  s.timeout_s = 0.3;
  EXPECT_EQ(run(s).outcome, Outcome::timed_out);
  EXPECT_TRUE(descendants(getpid()).empty());
}

TEST_F(ChildTest, Cancel) {
  std::atomic<bool> cancel{false};
  ChildSpec s = spec({"fork_tree"});
  s.cancel = &cancel;
  s.on_event = [&](std::string_view) { cancel = true; };  // "ready"
  EXPECT_EQ(run(s).outcome, Outcome::cancelled);
}

TEST_F(ChildTest, MemoryLimit) {
  ChildSpec s = spec({"eat", "1024"});
  s.memory_limit_bytes = int64_t{128} << 20;
  const ChildResult r = run(s);
  EXPECT_EQ(r.outcome, Outcome::out_of_memory) << "exit " << r.exit_code << " signal " << r.signal;
  EXPECT_GE(r.peak_memory_bytes, int64_t{96} << 20);
  std::cout << "memory limit by " << get_string(r.isolation, "memory_limit") << ", peak "
            << format_bytes(r.peak_memory_bytes) << " (" << r.memory_method << ")\n";
}

TEST_F(ChildTest, PeakMemoryWithoutLimit) {
  const ChildResult r = run({"eat", "128"});
  EXPECT_EQ(r.outcome, Outcome::exited);
  EXPECT_GE(r.peak_memory_bytes, int64_t{128} << 20) << r.memory_method;
  // A sanitizer's shadow multiplies what the probe takes.
  const int64_t factor = std::string_view(ASSAY_SANITIZER).empty() ? 1 : 8;
  EXPECT_LT(r.peak_memory_bytes, factor * (int64_t{400} << 20)) << r.memory_method;
}

TEST_F(ChildTest, DaemonIsNamedAndKilled) {
  const ChildResult r = run({"daemon"});
  EXPECT_EQ(r.outcome, Outcome::exited);
  EXPECT_EQ(r.exit_code, 0);
  ASSERT_EQ(r.leftovers.size(), 1u);
  EXPECT_EQ(r.leftovers[0].name, "child_probe");
  EXPECT_TRUE(descendants(getpid()).empty());
}

TEST_F(ChildTest, StdinReachesTheChild) {
  ChildSpec s = spec({"echo"});
  s.stdin_text = "first\n" + std::string(300000, 'y') + "\nlast\n";
  run(s);
  ASSERT_EQ(events_.size(), 3u);
  EXPECT_EQ(events_[0], "first");
  EXPECT_EQ(events_[1].size(), 300000u);
  EXPECT_EQ(events_[2], "last");
}

TEST_F(ChildTest, HugeLineIsCutAndSaid) {
  ChildSpec s = spec({"long_line", "5000000"});
  s.event_line_limit_bytes = 1000;
  const ChildResult r = run(s);
  EXPECT_TRUE(r.event_overflow);
  ASSERT_EQ(events_.size(), 3u);
  EXPECT_EQ(events_[0].size(), 1000u);
  EXPECT_EQ(events_[1], "after");
  EXPECT_EQ(events_[2], "torn");
}

TEST_F(ChildTest, EventsPastTheLimitAreDropped) {
  ChildSpec s = spec({"long_line", "100000"});
  s.event_limit_bytes = 5000;
  const ChildResult r = run(s);
  EXPECT_TRUE(r.event_overflow);
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_EQ(events_[0].size(), 5000u);
  EXPECT_EQ(r.exit_code, 0);
}

TEST_F(ChildTest, LogIsCutAndTheChildGoesOn) {
  ChildSpec s = spec({"log", "3000000"});
  s.log_limit_bytes = 100000;
  const ChildResult r = run(s);
  EXPECT_TRUE(r.log_cut);
  EXPECT_EQ(fs::file_size(s.stdout_file), 100000u);
  EXPECT_EQ(events_, std::vector<std::string>{"printed"});
}

TEST_F(ChildTest, EnvironmentIsClean) {
  setenv("ASSAY_TEST_SECRET", "1", 1);
  ChildSpec s = spec({"environment"});
  s.env["GIVEN"] = "a b";
  run(s);
  const std::set<std::string> found(events_.begin(), events_.end());
  const std::string scratch = dir_->path().string();
  const std::set<std::string> expected = {"PATH=/usr/bin:/bin",
                                          "LANG=C.UTF-8",
                                          "ASSAY_EVENT_FD=3",
                                          "GIVEN=a b",
                                          "HOME=" + scratch + "/home",
                                          "TMPDIR=" + scratch + "/tmp",
                                          "XDG_CACHE_HOME=" + scratch + "/cache",
                                          "CWD=" + scratch + "/work"};
  EXPECT_EQ(found, expected);
}

TEST_F(ChildTest, WritesOnlyWhereItMay) {
  auto outside = TempDir::create(fs::temp_directory_path(), "assay-outside-");
  ASSERT_TRUE(outside);
  if (!get_bool(run({"exit", "0"}).isolation, "read_only")) {
    // Said by the isolation record; nothing to hold the child to on such a machine.
    std::cout << "the kernel gives no read-only view here: " << dump_json(probe_isolation())
              << "\n";
    return;
  }
  run({"touch", (outside->path() / "evidence").string()});
  EXPECT_FALSE(fs::exists(outside->path() / "evidence"));
  run({"touch", (dir_->path() / "mine").string()});
  EXPECT_TRUE(fs::exists(dir_->path() / "mine"));
  ChildSpec s = spec({"touch", (outside->path() / "allowed").string()});
  s.writable = {outside->path()};
  run(s);
  EXPECT_TRUE(fs::exists(outside->path() / "allowed"));
  EXPECT_EQ(events_.front(), std::strerror(EROFS));
}

// A driver's library writes to its own process's entries; what changes the whole machine stays
// shut, though the child is root.
TEST_F(ChildTest, ItsOwnProcIsWritableAndTheMachinesIsNot) {
  const Json isolation = run({"exit", "0"}).isolation;
  if (!get_bool(isolation, "read_only") || !get_bool(isolation, "pid_namespace")) {
    std::cout << "no private /proc here: " << dump_json(probe_isolation()) << "\n";
    return;
  }
  run({"open_write", "/proc/self/comm"});
  EXPECT_EQ(events_.back(), "open");
  for (const char* path : {"/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches",
                           "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity"}) {
    if (!fs::exists(path)) continue;
    run({"open_write", path});
    EXPECT_EQ(events_.back(), std::strerror(EROFS)) << path;
  }
}

TEST_F(ChildTest, NoOtherDescriptors) {
  const int extra = dup(1);  // inheritable on purpose
  run({"descriptors"});
  close(extra);
  EXPECT_EQ(events_, (std::vector<std::string>{"0", "1", "2", "3"}));
}

TEST_F(ChildTest, HostLoopbackAndOutsideAreOutOfReach) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(bind(server, reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(listen(server, 4), 0);
  getsockname(server, reinterpret_cast<sockaddr*>(&at), &size);
  const ChildResult r = run({"connect", "127.0.0.1", std::to_string(ntohs(at.sin_port))});
  ASSERT_EQ(events_.size(), 1u);
  if (get_string(r.isolation, "network") == "host") {
    std::cout << "this machine gives no network namespace: " << dump_json(r.isolation) << "\n";
    EXPECT_EQ(events_[0], "connected");
    EXPECT_FALSE(get_array(r.isolation, "notes").empty());
  } else {
    EXPECT_EQ(events_[0], "Connection refused");
    run({"connect", "192.0.2.1", "80"});
    run({"udp", "192.0.2.1"});
    EXPECT_EQ(events_[1], "Network is unreachable");
    EXPECT_EQ(events_[2], "Network is unreachable");
  }
  close(server);
}

TEST_F(ChildTest, OwnLoopbackWorks) {
  run({"loopback"});
  EXPECT_EQ(events_, std::vector<std::string>{"connected"});
}

TEST_F(ChildTest, CpuSet) {
  cpu_set_t mine;
  sched_getaffinity(0, sizeof mine, &mine);
  int last = 0;
  for (int c = 0; c < CPU_SETSIZE; ++c)
    if (CPU_ISSET(c, &mine)) last = c;
  ChildSpec s = spec({"cpus"});
  s.cpus = {last};
  run(s);
  EXPECT_EQ(events_, std::vector<std::string>{std::to_string(last)});
  s.cpus = {1000};
  EXPECT_FALSE(run_child(s)) << "a CPU set that the kernel refuses must not be ignored";
}

TEST_F(ChildTest, SamplesSurviveTheChild) {
  auto buffer = SampleBuffer::create(100);
  ASSERT_TRUE(buffer);
  ChildSpec s = spec({"samples", "60"});
  s.samples_fd = buffer->fd();
  EXPECT_EQ(run(s).signal, SIGKILL);
  EXPECT_EQ(buffer->written(), 60);
  ASSERT_EQ(buffer->samples().size(), 60u);
  EXPECT_EQ(buffer->samples().back(), 159);
  EXPECT_EQ(buffer->slots().back(), 59 % 3);
}

TEST_F(ChildTest, FileSizeLimit) {
  ChildSpec s = spec({"file", "4000000"});
  s.file_limit_bytes = 1'000'000;
  const ChildResult r = run(s);
  EXPECT_EQ(r.signal, SIGXFSZ);
  EXPECT_LE(fs::file_size(dir_->path() / "work" / "big"), 1'000'000u);
}

TEST_F(ChildTest, CpuTimeOfDescendantsCounts) {
  const ChildResult r = run({"burn", "150"});
  EXPECT_GE(r.cpu_ns, 140'000'000);
}

// Processes whose environment carries `mark`; unreadable ones are none of ours.
std::vector<int> marked_processes(const std::string& mark) {
  std::vector<int> found;
  for (const ProcessEntry& e : list_processes()) {
    std::ifstream in("/proc/" + std::to_string(e.pid) + "/environ");
    std::stringstream text;
    text << in.rdbuf();
    if (text.str().find("ASSAY_PROBE_MARK=" + mark) != std::string::npos) found.push_back(e.pid);
  }
  return found;
}

TEST_F(ChildTest, KillingTheParentKillsEverything) {
  const std::string self = (executable_dir() / "child_probe").string(),
                    scratch = dir_->path().string();
  int out[2];
  ASSERT_EQ(pipe(out), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    dup2(out[1], 1);
    execl(self.c_str(), self.c_str(), "parent", self.c_str(), scratch.c_str(), nullptr);
    _exit(127);
  }
  close(out[1]);
  char ready[6] = "";
  ASSERT_EQ(read(out[0], ready, 5), 5);
  EXPECT_STREQ(ready, "ready");
  EXPECT_FALSE(marked_processes(scratch).empty());
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  std::vector<int> left;
  for (int attempt = 0; attempt < 500; ++attempt) {
    left = marked_processes(scratch);
    if (left.empty()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(left.empty()) << left.size()
                            << " processes are still alive 5 s after their ancestor was killed";
  close(out[0]);
}

TEST_F(ChildTest, ManyThreadsMayRunChildren) {
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      ChildSpec s = spec({"exit", std::to_string(t)});
      s.scratch = dir_->path() / std::to_string(t);
      fs::create_directory(s.scratch);
      s.stdout_file.clear();
      s.stderr_file.clear();
      s.on_event = nullptr;
      const auto r = run_child(s);
      if (r && r->exit_code == t) ++good;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 4);
}

}  // namespace
}  // namespace assay::worker
