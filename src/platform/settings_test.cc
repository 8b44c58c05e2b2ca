// SPDX-License-Identifier: Apache-2.0
#include "platform/settings.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "platform/gpu/testing/fake_library.h"
#include "platform/made_tree.h"
#include "platform/settings_internal.h"
#include "platform/tree.h"

namespace assay::platform {
namespace {

const std::string kCpu = "/sys/devices/system/cpu/";

class Fixed : public testing::Test {
 protected:
  void SetUp() override {
    tree_.emplace(MadeTree::of("desktop-intel").value());
    roots_ = tree_->roots();
    roots_.nvml = "/nonexistent/libnvidia-ml.so.1";
    state_ = tree_->root() / "cache" / "settings.json";
    before_ = all();
  }
  // Every file that a plan may touch, as text.
  std::string all() const {
    const Tree tree(roots_.root);
    std::string out;
    for (const char* pattern : {"cpu*/cpufreq/scaling_governor", "cpu*/cpufreq/scaling_min_freq",
                                "cpu*/cpufreq/scaling_max_freq", "intel_pstate/no_turbo"})
      for (const std::string& path : tree.glob(kCpu + pattern))
        out += fmt::format("{} {}\n", path, tree.first_line(path));
    return out;
  }
  std::string now(const std::string& file) const {
    return Tree(roots_.root).first_line(kCpu + file);
  }

  std::optional<MadeTree> tree_;
  Roots roots_;
  fs::path state_;
  std::string before_;
};

TEST_F(Fixed, IsPlannedWithoutWriting) {
  const FixPlan plan = plan_fixed_clocks(roots_);
  EXPECT_FALSE(plan.changes.empty());
  EXPECT_TRUE(plan.refused.empty()) << plan.refused[0];
  EXPECT_EQ(all(), before_);
  EXPECT_EQ(plan.changes[0].path, kCpu + "intel_pstate/no_turbo");
}

TEST_F(Fixed, IsSetAndPutBack) {
  auto settings = Settings::apply(roots_, plan_fixed_clocks(roots_), state_);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(now("cpu0/cpufreq/scaling_governor"), "performance");
  EXPECT_EQ(now("intel_pstate/no_turbo"), "1");
  EXPECT_EQ(now("cpu0/cpufreq/scaling_min_freq"), now("cpu0/cpufreq/scaling_max_freq"));
  EXPECT_TRUE(fs::exists(state_));
  EXPECT_TRUE(plan_fixed_clocks(roots_).changes.empty());  // nothing is left to set
  ASSERT_TRUE(settings->restore());
  EXPECT_TRUE(settings->notes().empty());
  EXPECT_EQ(all(), before_);
  EXPECT_FALSE(fs::exists(state_));
}

TEST_F(Fixed, IsPutBackByTheDestructor) {
  {
    auto settings = Settings::apply(roots_, plan_fixed_clocks(roots_), state_);
    ASSERT_TRUE(settings);
    EXPECT_NE(all(), before_);
  }
  EXPECT_EQ(all(), before_);
}

TEST_F(Fixed, ARefusalInTheMiddlePutsAllBack) {
  FixPlan plan = plan_fixed_clocks(roots_);
  ASSERT_GT(plan.changes.size(), 3U);
  const std::string folder = kCpu + "refuses";
  fs::create_directories(tree_->at(folder));  // a folder cannot be written, by root neither
  plan.changes.insert(plan.changes.begin() + 3, {folder, "1", "0"});
  const auto settings = Settings::apply(roots_, plan, state_);
  ASSERT_FALSE(settings);
  EXPECT_NE(settings.error().message.find(folder), std::string::npos) << settings.error().message;
  EXPECT_EQ(settings.error().code, ExitCode::missing);
  EXPECT_EQ(all(), before_);
}

TEST_F(Fixed, ASecondOneIsRefusedAndNamesTheHolder) {
  auto settings = Settings::apply(roots_, plan_fixed_clocks(roots_), state_);
  ASSERT_TRUE(settings);
  const FixPlan other{{{kCpu + "cpu0/cpufreq/scaling_governor", "performance", "powersave"}}, {}};
  const auto second = Settings::apply(roots_, other, state_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(std::to_string(getpid())), std::string::npos)
      << second.error().message;
  EXPECT_FALSE(restore_file(roots_, state_));
  EXPECT_FALSE(Settings::apply(roots_, {}, state_));  // it could be put back in the middle
  EXPECT_EQ(now("cpu0/cpufreq/scaling_governor"), "performance");
}

TEST_F(Fixed, WhatSomebodyElseChangedIsSaidAndStillPutBack) {
  auto settings = Settings::apply(roots_, plan_fixed_clocks(roots_), state_);
  ASSERT_TRUE(settings);
  tree_->write(kCpu + "cpu1/cpufreq/scaling_governor", "ondemand\n");
  ASSERT_TRUE(settings->restore());
  ASSERT_EQ(settings->notes().size(), 1U);
  EXPECT_NE(settings->notes()[0].find("ondemand"), std::string::npos);
  EXPECT_EQ(all(), before_);
}

// A child sets, tells, and is killed outright: the guard puts back.
TEST_F(Fixed, IsPutBackWhenTheProcessIsKilled) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    auto settings = Settings::apply(roots_, plan_fixed_clocks(roots_), state_);
    const char ok = settings ? 'y' : 'n';
    if (write(ends[1], &ok, 1) != 1) _exit(2);
    for (;;) pause();
  }
  close(ends[1]);
  char ok = 0;
  ASSERT_EQ(read(ends[0], &ok, 1), 1);
  EXPECT_EQ(ok, 'y');
  EXPECT_NE(all(), before_);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  // The guard removes the state last: its lock is free when it is gone.
  for (int i = 0; i < 2000 && fs::exists(state_); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(all(), before_);
  EXPECT_FALSE(fs::exists(state_));
  close(ends[0]);
}

TEST_F(Fixed, AStateOfADeadProcessIsPutBackByHand) {
  const FixPlan plan = plan_fixed_clocks(roots_);
  State s{1, boot_id(), roots_.root.string(), "2026-01-01T00:00:00Z", plan.changes};
  ASSERT_TRUE(make_dirs(state_.parent_path()));
  ASSERT_TRUE(write_file_atomic(state_, dump_json(to_json(s))));
  for (const Change& c : plan.changes) tree_->write(c.path, c.after + "\n");
  const auto blocked = Settings::apply(roots_, FixPlan{{plan.changes[0]}, {}}, state_);
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().fix, "assay doctor --restore");
  const auto lines = restore_file(roots_, state_);
  ASSERT_TRUE(lines) << lines.error().message;
  EXPECT_EQ(lines->size(), plan.changes.size());
  EXPECT_EQ(all(), before_);
  EXPECT_TRUE(restore_file(roots_, state_)->empty());
}

TEST_F(Fixed, AStateThatNamesOtherFilesIsRefused) {
  State s{1, boot_id(), roots_.root.string(), "", {{"/etc/passwd", "x", "y"}}};
  ASSERT_TRUE(make_dirs(state_.parent_path()));
  ASSERT_TRUE(write_file_atomic(state_, dump_json(to_json(s))));
  EXPECT_FALSE(restore_file(roots_, state_));
  for (const char* path :
       {"/sys/devices/system/cpu/../../../../etc/passwd", "/sys/devices/system/cpu/cpu0/online",
        "/sys/devices/system/cpu/cpu/cpufreq/scaling_governor",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor/x",
        "/sys/devices/system/cpu/smt/control"}) {
    s.changes = {{path, "x", "y"}};
    ASSERT_TRUE(write_file_atomic(state_, dump_json(to_json(s))));
    EXPECT_FALSE(restore_file(roots_, state_)) << path;
  }
}

// Neither command sends to the other: a person has to look.
TEST_F(Fixed, ABrokenStateNamesTheWayOut) {
  ASSERT_TRUE(make_dirs(state_.parent_path()));
  ASSERT_TRUE(write_file_atomic(state_, "{\"format\":"));
  const auto restored = restore_file(roots_, state_);
  ASSERT_FALSE(restored);
  EXPECT_NE(restored.error().fix.find("remove " + state_.string()), std::string::npos);
  const auto applied = Settings::apply(roots_, plan_fixed_clocks(roots_), state_);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().fix, restored.error().fix);
}

TEST_F(Fixed, AStateBehindALinkIsRefused) {
  State s{1, boot_id(), roots_.root.string(), "", {}};
  ASSERT_TRUE(make_dirs(state_.parent_path()));
  const fs::path other = state_.parent_path() / "other.json";
  ASSERT_TRUE(write_file_atomic(other, dump_json(to_json(s))));
  fs::create_symlink(other, state_);
  EXPECT_FALSE(restore_file(roots_, state_));
}

TEST_F(Fixed, AStateStaysUntilAllIsPutBack) {
  State s{1,
          boot_id(),
          roots_.root.string(),
          "",
          {{kCpu + "cpu0/cpufreq/scaling_governor", "powersave", "performance"},
           {kCpu + "cpu999/cpufreq/scaling_governor", "powersave", "performance"}}};
  ASSERT_TRUE(make_dirs(state_.parent_path()));
  ASSERT_TRUE(write_file_atomic(state_, dump_json(to_json(s))));
  tree_->write(s.changes[0].path, "performance\n");
  const auto restored = restore_file(roots_, state_);
  ASSERT_FALSE(restored);
  EXPECT_NE(restored.error().message.find("cpu999"), std::string::npos);
  EXPECT_EQ(all(), before_);  // what could be put back was
  EXPECT_TRUE(fs::exists(state_));
}

TEST_F(Fixed, AnEmptyFileIsRefusedByName) {
  tree_->write(kCpu + "intel_pstate/no_turbo", "");
  tree_->write(kCpu + "cpu19/cpufreq/scaling_governor", "\n");
  const FixPlan plan = plan_fixed_clocks(roots_);
  ASSERT_GE(plan.refused.size(), 2U);
  EXPECT_EQ(plan.refused[0], kCpu + "intel_pstate/no_turbo: cannot be read");
  EXPECT_EQ(plan.refused[1], kCpu + "cpu19/cpufreq/scaling_governor: cannot be read");
  EXPECT_EQ(plan.measuring_cpu, 19);
  EXPECT_TRUE(plan.measuring_refused);
}

TEST_F(Fixed, BoostThatNothingTellsIsRefused) {
  tree_->remove(kCpu + "intel_pstate");
  const FixPlan plan = plan_fixed_clocks(roots_);
  ASSERT_EQ(plan.refused.size(), 1U);
  EXPECT_TRUE(plan.refused[0].starts_with("boost cannot be seen")) << plan.refused[0];
  EXPECT_FALSE(plan.changes.empty());
}

TEST_F(Fixed, AClockThatStillMovesIsTold) {
  FixPlan plan = plan_fixed_clocks(roots_);
  std::erase_if(plan.changes,
                [](const Change& c) { return c.path.ends_with("cpu3/cpufreq/scaling_min_freq"); });
  const auto settings = Settings::apply(roots_, plan, state_);
  ASSERT_TRUE(settings) << settings.error().message;
  ASSERT_EQ(settings->not_fixed().size(), 1U);
  EXPECT_TRUE(settings->not_fixed()[0].starts_with("cpu3:")) << settings->not_fixed()[0];
}

TEST_F(Fixed, ALinkOutOfTheTreeIsNotFollowed) {
  auto outside = TempDir::create(fs::temp_directory_path(), "assay-outside-");
  ASSERT_TRUE(outside);
  const fs::path victim = outside->path() / "victim";
  ASSERT_TRUE(write_file_atomic(victim, "powersave\n"));
  const std::string path = kCpu + "cpu0/cpufreq/scaling_governor";
  fs::remove(tree_->at(path));
  fs::create_symlink(victim, tree_->at(path));
  const auto settings =
      Settings::apply(roots_, FixPlan{{{path, "powersave", "performance"}}, {}}, state_);
  EXPECT_FALSE(settings);
  EXPECT_EQ(*read_file(victim), "powersave\n");
}

TEST(Settings, NothingCanBeSetInAVirtualMachine) {
  auto tree = MadeTree::of("virtual");
  ASSERT_TRUE(tree);
  const FixPlan plan = plan_fixed_clocks(tree->roots());
  EXPECT_TRUE(plan.changes.empty());
  ASSERT_FALSE(plan.refused.empty());
  EXPECT_NE(plan.refused[0].find("host"), std::string::npos);
}

TEST(Settings, GpuClocksOnlyWhenAsked) {
  auto tree = MadeTree::of("desktop-amd");
  ASSERT_TRUE(tree);
  Roots roots = tree->roots();
  roots.nvml = "/nonexistent/libnvidia-ml.so.1";
  EXPECT_TRUE(plan_fixed_clocks(roots).refused.empty());
  const FixPlan asked = plan_fixed_clocks(roots, 1500);
  ASSERT_EQ(asked.refused.size(), 1U);
  EXPECT_NE(asked.refused[0].find("GPU clocks"), std::string::npos);
  EXPECT_TRUE(asked.gpu_refused);
  // A tree of another machine, and no library that speaks for it: the GPUs here are none of it.
  const FixPlan foreign = plan_fixed_clocks(tree->roots(), 1500);
  ASSERT_EQ(foreign.refused.size(), 1U);
  EXPECT_NE(foreign.refused[0].find("not this machine"), std::string::npos);
}

TEST(Settings, AGpuIsLockedAndReleased) {
  if (geteuid() != 0) GTEST_SKIP() << "locking clocks is planned for root alone";
  auto tree = MadeTree::of("h100-server");
  ASSERT_TRUE(tree);
  const fake::FakeLibrary library(FAKE_NVML, "");
  library.write("log " + (library.folder() / "log").string() + "\n");
  Roots roots = tree->roots();
  roots.nvml = library.path();
  const FixPlan plan = plan_fixed_clocks(roots, 1410);
  ASSERT_EQ(plan.changes.size(), 1U);
  {
    auto settings = Settings::apply(roots, plan, tree->root() / "cache" / "settings.json");
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(*read_file(library.folder() / "log"), "lock gpu0 1410 1410\n");
  }
  EXPECT_EQ(*read_file(library.folder() / "log"), "lock gpu0 1410 1410\nreset gpu0\n");
}

}  // namespace
}  // namespace assay::platform
