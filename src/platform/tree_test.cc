// SPDX-License-Identifier: Apache-2.0
#include "platform/tree.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "platform/kernel_file.h"
#include "platform/made_tree.h"

namespace assay::platform {
namespace {

class TreeTest : public testing::Test {
 protected:
  MadeTree made_ = MadeTree::empty().value();
  Tree tree_{made_.root()};

  std::optional<int64_t> number(std::string_view content) {
    made_.write("/sys/n", content);
    return tree_.number("/sys/n");
  }
};

TEST_F(TreeTest, ReadsWholeNumbersAndNothingElse) {
  EXPECT_EQ(number("12\n"), 12);
  EXPECT_EQ(number("-12"), -12);
  EXPECT_EQ(number("12 \t\n"), 12);
  EXPECT_EQ(number("12\nmore\n"), 12);
  EXPECT_EQ(number(std::string_view("12\0", 3)), 12);
  EXPECT_EQ(number("9223372036854775807\n"), INT64_MAX);
  for (const auto* bad : {"", "\n", "<unsupported>\n", "12x", "1e300", "1.5", "+5", "0x10", " 12",
                          "12 13", "9223372036854775808", "-", "nan", "\n12"}) {
    EXPECT_EQ(number(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(number(std::string(1 << 20, '1')), std::nullopt);
  EXPECT_EQ(number(std::string_view("1\0002", 3)), std::nullopt);
}

TEST_F(TreeTest, WhatIsNoFileIsAbsent) {
  made_.write("/sys/folder/x", "1");
  ASSERT_EQ(::mkfifo(made_.at("/sys/pipe").c_str(), 0600), 0);
  for (const auto* path : {"/sys/nothing", "/sys/folder", "/sys/pipe", "/sys/folder/x/y", ""}) {
    EXPECT_EQ(tree_.text(path), std::nullopt) << path;
    EXPECT_EQ(tree_.number(path), std::nullopt) << path;
    EXPECT_EQ(tree_.first_line(path), "") << path;
    EXPECT_FALSE(KernelFile(tree_, path)) << path;
  }
  EXPECT_EQ(KernelFile(tree_, "/sys/folder").why(), "not a regular file");
  EXPECT_EQ(KernelFile(tree_, "/sys/nothing").why(), "no such file");
  EXPECT_TRUE(tree_.exists("/sys/folder"));
}

TEST_F(TreeTest, ALinkOutOfTheRootIsAbsentAndOneWithinIsFollowed) {
  const auto other = MadeTree::empty().value();
  other.write("/secret", "42");
  made_.write("/sys/devices/pci0/temp", "41000");
  fs::create_symlink(other.at("/secret"), made_.at("/sys/out"));
  fs::create_symlink(other.root(), made_.at("/sys/folder_out"));
  fs::create_symlink("../../../../../../../etc/hostname", made_.at("/sys/up"));
  fs::create_symlink("devices/pci0", made_.at("/sys/within"));
  fs::create_symlink("loop", made_.at("/sys/loop"));
  EXPECT_EQ(tree_.number("/sys/out"), std::nullopt);
  EXPECT_EQ(tree_.number("/sys/folder_out/secret"), std::nullopt);
  EXPECT_TRUE(tree_.list("/sys/folder_out").empty());
  EXPECT_FALSE(tree_.exists("/sys/up"));
  EXPECT_FALSE(tree_.exists("/../../../../../../etc/passwd"));
  EXPECT_FALSE(tree_.exists("/sys/loop"));
  EXPECT_EQ(tree_.number("/sys/within/temp"), 41000);
}

TEST_F(TreeTest, ARootWithASimilarNameIsAnotherRoot) {
  const fs::path sibling = made_.root().string() + "-2";
  fs::create_directory(sibling);
  made_.write("/x", "1");
  fs::create_symlink(sibling, made_.at("/sibling"));
  EXPECT_FALSE(tree_.exists("/sibling"));
  fs::remove_all(sibling);
}

TEST_F(TreeTest, ReadsAtMost64KiB) {
  made_.write("/proc/long", std::string(200'000, 'a'));
  EXPECT_EQ(tree_.text("/proc/long")->size(), size_t{64} << 10);
}

TEST_F(TreeTest, FirstLinesArePrintable) {
  made_.write("/a", "one\ntwo\n");
  made_.write("/b", std::string_view("NVIDIA Jetson Nano\0", 19));
  made_.write("/c", "x\x1b[31mred\n");
  EXPECT_EQ(tree_.first_line("/a"), "one");
  EXPECT_EQ(tree_.first_line("/b"), "NVIDIA Jetson Nano");
  EXPECT_EQ(tree_.first_line("/c").find('\x1b'), std::string::npos);
}

TEST_F(TreeTest, ListsAndGlobsInTheOrderOfNumbers) {
  for (const int cpu : {10, 2, 0}) made_.write(fmt::format("/sys/cpu/cpu{}/on", cpu), "1");
  made_.write("/sys/cpu/cpufreq/boost", "1");
  EXPECT_EQ(tree_.list("/sys/cpu"), (std::vector<std::string>{"cpu0", "cpu2", "cpu10", "cpufreq"}));
  EXPECT_EQ(
      tree_.glob("/sys/cpu/cpu*/on"),
      (std::vector<std::string>{"/sys/cpu/cpu0/on", "/sys/cpu/cpu2/on", "/sys/cpu/cpu10/on"}));
  EXPECT_EQ(tree_.glob("/s*s/*p*/c*q/b*st*"), std::vector<std::string>{"/sys/cpu/cpufreq/boost"});
  EXPECT_EQ(tree_.glob("/sys/cpu"), std::vector<std::string>{"/sys/cpu"});
  EXPECT_TRUE(tree_.glob("/sys/none*/x").empty());
  EXPECT_TRUE(tree_.glob("").empty());
  EXPECT_TRUE(tree_.list("/none").empty());
}

TEST_F(TreeTest, FindsFields) {
  made_.write("/proc/cpuinfo",
              "processor\t: 0\nmodel name\t: A: B \nmodel name\t: second\nflags\t\t:\nno colon\n");
  EXPECT_EQ(tree_.field("/proc/cpuinfo", "processor"), "0");
  EXPECT_EQ(tree_.field("/proc/cpuinfo", "model name"), "A: B");
  EXPECT_EQ(tree_.field("/proc/cpuinfo", "model"), "");
  EXPECT_EQ(tree_.field("/proc/cpuinfo", "flags"), "");
  EXPECT_EQ(tree_.field("/proc/none", "flags"), "");
}

TEST(Tree, ReadsThisMachine) {
  const Tree tree;
  ASSERT_TRUE(tree.text("/proc/version"));
  EXPECT_TRUE(tree.first_line("/proc/version").starts_with("Linux"));
  EXPECT_EQ(tree.text("/dev/zero"), std::nullopt);  // a device, not a file
}

TEST(KernelFile, SeesWhatIsWrittenLater) {
  const auto made = MadeTree::empty().value();
  made.write("/x", "1234567\n");
  const KernelFile file(Tree(made.root()), "/x");
  EXPECT_EQ(file.number(0, 1 << 30), 1234567);
  made.write("/x", "8\n");
  EXPECT_EQ(file.number(0, 1 << 30), 8);
  EXPECT_EQ(file.number(9, 1 << 30), kUnknown);
  made.write("/x", "");
  EXPECT_EQ(file.number(0, 1 << 30), kUnknown);
}

TEST(ChannelPart, IsPlain) {
  EXPECT_EQ(channel_part("Package id 0"), "Package_id_0");
  EXPECT_EQ(channel_part("VDD_IN"), "VDD_IN");
  EXPECT_EQ(channel_part("a.b\nc\"<"), "a_b_c__");
  EXPECT_EQ(channel_part(""), "unnamed");
  EXPECT_EQ(channel_part("\x01\x02"), "unnamed");
  EXPECT_EQ(channel_part(std::string(100, 'x')).size(), 40u);
}

TEST(MadeTree, WritesRangesAndEscapes) {
  const auto made = MadeTree::empty().value();
  const auto file = made.at("/machine.tree");
  ASSERT_TRUE(
      write_file_atomic(file, "# a machine\n\n/sys/cpu{0-2}/n\tcpu{}\\n\n/sys/a\tb\\0\\\\\\t\n"));
  const auto tree = MadeTree::of_file(file);
  ASSERT_TRUE(tree);
  EXPECT_EQ(read_file(tree->at("/sys/cpu2/n")).value(), "cpu2\n");
  EXPECT_FALSE(fs::exists(tree->at("/sys/cpu3")));
  EXPECT_EQ(read_file(tree->at("/sys/a")).value(), std::string("b\0\\\t", 4));
  ASSERT_TRUE(write_file_atomic(file, "/sys/a b\n"));
  EXPECT_FALSE(MadeTree::of_file(file));
}

}  // namespace
}  // namespace assay::platform
