// SPDX-License-Identifier: Apache-2.0
// What doctor says of each made machine, as a golden list: ASSAY_UPDATE_GOLDEN=1 writes them anew.
#include "platform/facts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "platform/facts_internal.h"
#include "platform/gpu/testing/fake_library.h"
#include "platform/made_tree.h"

namespace assay::platform {
namespace {

Roots without_libraries(const MadeTree& tree) {
  Roots roots = tree.roots();
  // No library of this machine may answer for a made one.
  roots.nvml = "/nonexistent/libnvidia-ml.so.1";
  roots.cuda = "/nonexistent/libcuda.so.1";
  return roots;
}

const Fact* find(const std::vector<Fact>& facts, std::string_view group, std::string_view name) {
  for (const Fact& f : facts)
    if (f.group == group && f.name == name) return &f;
  return nullptr;
}

std::string described(const std::vector<Fact>& facts) {
  std::string out;
  for (const Fact& f : facts) {
    out += fmt::format("{} | {} | {} | {}\n", f.group, f.name, f.value, word(f.harm));
    if (!f.why.empty()) out += fmt::format("    why: {}\n", f.why);
    if (!f.fix.empty()) out += fmt::format("    fix: {}\n", f.fix);
  }
  return out;
}

void expect_golden(const std::string& name, const std::string& got) {
  const fs::path golden = fs::path(ASSAY_TREES) / ".." / "facts" / (name + ".txt");
  if (std::getenv("ASSAY_UPDATE_GOLDEN")) {
    ASSERT_TRUE(make_dirs(golden.parent_path()));
    ASSERT_TRUE(write_file_atomic(golden, got));
  }
  const auto expected = read_file(golden);
  ASSERT_TRUE(expected) << expected.error().message;
  EXPECT_EQ(got, *expected);
}

class MachineFacts : public testing::TestWithParam<const char*> {};

TEST_P(MachineFacts, AreWhatItsGoldenListSays) {
  auto tree = MadeTree::of(GetParam());
  ASSERT_TRUE(tree) << tree.error().message;
  expect_golden(GetParam(), described(facts(without_libraries(*tree))));
}

// The H100's server with a library that answers as the driver of one would; its clock is held down.
TEST(Facts, OfAGpuThatNvmlTells) {
  unsetenv("CUDA_MPS_PIPE_DIRECTORY");
  auto tree = MadeTree::of("h100-server");
  ASSERT_TRUE(tree);
  const fake::FakeLibrary library(FAKE_NVML,
                                  "gpus 2\ngpu0.name NVIDIA H100 80GB HBM3\ngpu0.processes 0\n"
                                  "gpu1.throttle 8\ngpu1.persistence !3\ngpu1.mig 1\n");
  Roots roots = tree->roots();
  roots.nvml = library.path();
  auto all = facts(roots);
  // By rights of whoever runs the test.
  for (Fact& f : all)
    if (f.group.starts_with("gpu ") && f.name == "clocks")
      f.fix = f.fix.substr(0, f.fix.find(" ("));
  expect_golden("h100-server-gpus", described(all));
  EXPECT_EQ(find(all, "gpu 0", "throttling")->harm, Harm::none);
  EXPECT_EQ(find(all, "gpu 1", "throttling")->harm, Harm::harmful);
  EXPECT_EQ(find(all, "gpu 1", "persistence")->harm, Harm::unknown);
  EXPECT_EQ(find(all, "gpu 1", "processes")->harm, Harm::harmful);
}

INSTANTIATE_TEST_SUITE_P(Trees, MachineFacts,
                         testing::Values("desktop-amd", "desktop-intel", "container", "virtual",
                                         "h100-server", "jetson-nano-jetpack4",
                                         "jetson-xavier-nx-jetpack4", "jetson-xavier-nx-jetpack5",
                                         "jetson-agx-xavier-jetpack4", "jetson-agx-orin-jetpack5",
                                         "jetson-agx-orin-jetpack6"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Facts, OfAnEmptyTreeAreUnknownAndNeverZero) {
  auto tree = MadeTree::empty();
  ASSERT_TRUE(tree);
  const auto all = facts(without_libraries(*tree));
  ASSERT_GT(all.size(), 20U);
  for (const Fact& f : all) {
    if (f.value == "unknown") {
      EXPECT_EQ(f.harm, Harm::unknown) << f.name;
      EXPECT_FALSE(f.why.empty()) << f.name;
    }
    EXPECT_NE(f.value, "0") << f.name;
    EXPECT_NE(f.value, "") << f.name;
  }
  for (const char* name : {"model", "governor", "clock range", "boost", "SMT", "interrupts"}) {
    const Fact* f = find(all, "cpu", name);
    ASSERT_NE(f, nullptr) << name;
    EXPECT_EQ(f->harm, Harm::unknown) << name;
  }
}

TEST(Facts, LyingFilesAreUnknown) {
  auto tree = MadeTree::of("desktop-intel");
  ASSERT_TRUE(tree);
  const Roots roots = without_libraries(*tree);
  const std::string nonsense = "\x1b[31m-1x\xff\n";
  for (const char* path :
       {"/sys/devices/system/cpu/intel_pstate/no_turbo", "/proc/loadavg", "/proc/pressure/cpu",
        "/proc/stat", "/proc/meminfo", "/sys/devices/system/cpu/smt/active",
        "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/devices/system/cpu/online"})
    tree->write(path, nonsense);
  tree->remove("/sys/devices/system/cpu/cpu0/topology");
  for (const auto& [group, name] : {std::pair{"cpu", "boost"},
                                    {"kernel", "load"},
                                    {"kernel", "pressure (PSI)"},
                                    {"kernel", "steal"},
                                    {"memory", "size"},
                                    {"memory", "swap"},
                                    {"memory", "transparent hugepages"}}) {
    const auto all = facts(roots);
    const Fact* f = find(all, group, name);
    ASSERT_NE(f, nullptr) << name;
    EXPECT_EQ(f->value, "unknown") << name;
    for (const Fact& any : all) EXPECT_EQ(any.value.find('\x1b'), std::string::npos) << any.name;
  }
}

TEST(Facts, AnImplausibleListOfCpusIsUnknown) {
  for (const char* online : {"nonsense\n", "0-999999999\n", "0-3x\n"}) {
    auto tree = MadeTree::of("desktop-intel");
    ASSERT_TRUE(tree);
    tree->write("/sys/devices/system/cpu/online", online);
    EXPECT_EQ(value_of(facts(without_libraries(*tree)), "cpu", "cores"), "unknown") << online;
  }
}

TEST(Facts, NvmlOfThisMachineSaysNothingOfAnother) {
  auto tree = MadeTree::of("desktop-intel");
  ASSERT_TRUE(tree);
  const auto all = facts(tree->roots());
  ASSERT_NE(find(all, "gpu", "NVIDIA GPU"), nullptr);
  EXPECT_EQ(find(all, "gpu", "NVIDIA GPU")->why, "not asked: not this machine");
  auto board = MadeTree::of("jetson-agx-orin-jetpack6");
  ASSERT_TRUE(board);
  EXPECT_EQ(find(facts(board->roots()), "gpu", "NVIDIA GPU"), nullptr);
}

TEST(Facts, AQuotaOfAGroupAboveCounts) {
  auto tree = MadeTree::empty();
  ASSERT_TRUE(tree);
  tree->write("/proc/self/cgroup", "0::/a/b\n");
  tree->write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  tree->write("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  tree->write("/sys/fs/cgroup/a/memory.max", "1073741824\n");
  const auto all = facts(without_libraries(*tree));
  EXPECT_EQ(value_of(all, "limits", "CPU quota"), "1.5 CPUs");
  EXPECT_EQ(value_of(all, "limits", "memory limit"), "1.00 GiB");
  EXPECT_EQ(find(all, "limits", "CPU quota")->harm, Harm::harmful);
}

TEST(Facts, VersionOneGroupsToo) {
  auto tree = MadeTree::empty();
  ASSERT_TRUE(tree);
  tree->write("/proc/self/cgroup", "4:cpu,cpuacct:/x\n3:memory:/x\n0::/\n");
  tree->write("/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "50000\n");
  tree->write("/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
  tree->write("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "9223372036854771712\n");
  const auto all = facts(without_libraries(*tree));
  EXPECT_EQ(value_of(all, "limits", "CPU quota"), "0.5 CPUs");
  EXPECT_EQ(value_of(all, "limits", "memory limit"), "none");
}

TEST(Facts, SwapThatIsUsedIsHarmful) {
  auto tree = MadeTree::empty();
  ASSERT_TRUE(tree);
  tree->write("/proc/meminfo", "MemTotal: 1000 kB\nSwapTotal: 2048 kB\nSwapFree: 1024 kB\n");
  const auto all = facts(without_libraries(*tree));
  EXPECT_EQ(find(all, "memory", "swap")->harm, Harm::harmful);
  tree->write("/proc/meminfo", "MemTotal: 1000 kB\nSwapTotal: 2048 kB\nSwapFree: 2048 kB\n");
  EXPECT_EQ(find(facts(without_libraries(*tree)), "memory", "swap")->harm, Harm::possible);
}

TEST(Facts, CpuLists) {
  EXPECT_EQ(cpu_list("0-2,7"), (std::vector<int>{0, 1, 2, 7}));
  EXPECT_EQ(cpu_list("3,1,1"), (std::vector<int>{1, 3}));
  EXPECT_TRUE(cpu_list("").empty());
  EXPECT_TRUE(cpu_list("(null)").empty());
  EXPECT_LE(cpu_list("0-999999999").size(), 4096U);
  EXPECT_TRUE(cpu_list("-5").empty());
}

}  // namespace
}  // namespace assay::platform
