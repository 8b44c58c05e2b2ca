// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/made_tree.h"
#include "platform/probe.h"

namespace assay::platform {
namespace {

std::vector<int64_t> values_of(const Sources& sources) {
  std::vector<int64_t> all;
  for (const auto& source : sources) {
    std::vector<int64_t> some(source->channels().size());
    source->read(0, some.data());
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

TEST(ProcessSource, CountsFaultsOfThisProcess) {
  std::vector<Missing> missing;
  const auto sources = process_sources({{}, {}, false, static_cast<int>(::getpid())}, missing);
  ASSERT_FALSE(sources.empty());
  const int64_t before = values_of(sources)[0];
  constexpr size_t kBytes = 200 * 4096;
  void* memory =
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ::madvise(memory, kBytes, MADV_NOHUGEPAGE);
  for (size_t at = 0; at < kBytes; at += 4096) static_cast<volatile char*>(memory)[at] = 1;
  ::munmap(memory, kBytes);
  EXPECT_GE(values_of(sources)[0] - before, 100);
}

TEST(ProcessSource, AProcessThatEndedIsUnknown) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte;
    ::close(pipe_ends[1]);
    ::_exit(::read(pipe_ends[0], &byte, 1) < 0);
  }
  std::vector<Missing> missing;
  const auto sources = process_sources({{}, {}, false, static_cast<int>(child)}, missing);
  ASSERT_FALSE(sources.empty());
  EXPECT_GE(values_of(sources)[0], 0);
  ::close(pipe_ends[1]);
  ::close(pipe_ends[0]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  for (const int64_t value : values_of(sources)) EXPECT_EQ(value, kUnknown);
}

TEST(ProcessSource, ReadsNamesWithBracketsAndSpaces) {
  const auto tree = MadeTree::empty().value();
  const char* head = "7 (a) R 1 (b) S 1 1 1 0 -1 4194304 ";
  tree.write("/proc/7/stat", fmt::format("{}321 5 12 9 0 0 0 0 20 0 1\n", head));
  tree.write("/proc/7/sched",
             "a (7, #threads: 1)\n---\nse.exec_start      :   1.5\nse.nr_migrations    :     42\n");
  std::vector<Missing> missing;
  auto sources = process_sources({tree.roots(), {}, false, 7}, missing);
  EXPECT_EQ(values_of(sources), (std::vector<int64_t>{321, 12, 42}));
  EXPECT_TRUE(missing.empty());
  for (const auto* lie : {"", "7 (a) R 1 2", "garbage", "7 (a) R 1 1 1 0 -1 4 x 5 12 9",
                          "7 (a) R 1 1 1 0 -1 4 -3 5 -12 9"}) {
    tree.write("/proc/7/stat", lie);
    tree.write("/proc/7/sched", lie);
    for (const int64_t value : values_of(sources)) {
      EXPECT_TRUE(value == kUnknown || value == 12) << lie << value;
    }
  }
}

TEST(ProcessSource, SaysWhatIsMissing) {
  const auto tree = MadeTree::empty().value();
  std::vector<Missing> missing;
  EXPECT_TRUE(process_sources({tree.roots(), {}, false, 0}, missing).empty());
  EXPECT_TRUE(missing.empty());
  EXPECT_TRUE(process_sources({tree.roots(), {}, false, 7}, missing).empty());
  ASSERT_EQ(missing.size(), 2u);
  EXPECT_EQ(missing[0].why, "/proc/7/stat: no such file");
  EXPECT_EQ(missing[1].what, "process.migrations");
}

}  // namespace
}  // namespace assay::platform
