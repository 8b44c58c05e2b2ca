// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/check.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "audit/machine.h"

namespace assay::audit {
namespace {

const LockCheck& named(const std::vector<LockCheck>& checks, const std::string& name) {
  static const LockCheck none;
  auto it =
      std::find_if(checks.begin(), checks.end(), [&](const auto& c) { return c.name == name; });
  return it == checks.end() ? none : *it;
}

TEST(LockCheck, EveryMismatchIsListed) {
  const std::map<std::string, std::string> lock = {
      {"cpu.model", "A"}, {"cpu.flags", "avx"}, {"package.numpy", "1.0"}, {"package.onnx", "1.1"}};
  const auto machine =
      check_contract(lock, {{"cpu.model", "B"}, {"cpu.flags", "avx"}}, kMachineKinds, {});
  EXPECT_EQ(machine.size(), 2u);  // packages are not asked from the machine
  EXPECT_EQ(named(machine, "cpu.model").state, "differs");
  EXPECT_EQ(named(machine, "cpu.flags").state, "same");
  EXPECT_FALSE(all_hold(machine));
  const auto packages =
      check_contract(lock, {{"package.numpy", "1.0"}, {"package.scipy", "2"}}, kPackageKinds, {});
  EXPECT_EQ(named(packages, "package.onnx").state, "absent");
  EXPECT_EQ(named(packages, "package.scipy").state, "extra");
  EXPECT_FALSE(all_hold(packages));
}

TEST(LockCheck, WhatNobodySpeaksOfIsAbsent) {
  const std::map<std::string, std::string> lock = {{"gpu.driver", "1"}, {"env.X", "1"}};
  EXPECT_EQ(named(check_unknown_kinds(lock, {}), "gpu.driver").state, "absent");
  EXPECT_EQ(named(check_contract(lock, {}, kManifestKinds, {}), "env.X").state, "absent");
}

TEST(LockCheck, AllowNamesExactlyOneItem) {
  const std::map<std::string, std::string> lock = {{"cpu.model", "A"}, {"cpu.flags", "avx"}};
  const std::map<std::string, std::string> here = {{"cpu.model", "B"}, {"cpu.flags", "sse"}};
  EXPECT_FALSE(all_hold(check_contract(lock, here, kMachineKinds, {"cpu.model"})));
  EXPECT_FALSE(all_hold(check_contract(lock, here, kMachineKinds, {"cpu"})));
  const auto both = check_contract(lock, here, kMachineKinds, {"cpu.model", "cpu.flags"});
  EXPECT_TRUE(all_hold(both));
  EXPECT_EQ(named(both, "cpu.model").state, "allowed");
  EXPECT_EQ(named(both, "cpu.model").expected, "A");
  EXPECT_EQ(named(both, "cpu.model").found, "B");
}

TEST(LockCheck, RecordedFilesAreHashedWhereTheyLie) {
  auto dir = TempDir::create(::testing::TempDir(), "files-");
  ASSERT_TRUE(dir);
  ASSERT_TRUE(write_file_atomic(dir->path() / "lib.so", "code"));
  Installation in;
  in.venv = fs::canonical(dir->path());
  const FileRoots roots(in);
  EXPECT_EQ(roots.shorten(in.venv / "lib.so"), "{venv}/lib.so");
  EXPECT_EQ(roots.expand("{venv}/lib.so"), in.venv / "lib.so");
  EXPECT_TRUE(roots.expand("{elsewhere}/lib.so").empty());
  const std::vector<UsedFile> files = {{"{venv}/lib.so", "mapped", "build", sha256_hex("code")},
                                       {"{venv}/gone.so", "mapped", "build", sha256_hex("gone")}};
  auto checks = check_recorded_files(files, roots, {});
  EXPECT_EQ(named(checks, "file:{venv}/lib.so").state, "same");
  EXPECT_EQ(named(checks, "file:{venv}/gone.so").state, "absent");
  ASSERT_TRUE(write_file_atomic(dir->path() / "lib.so", "codf"));  // one byte
  checks = check_recorded_files(files, roots, {"file:{venv}/gone.so"});
  EXPECT_EQ(named(checks, "file:{venv}/lib.so").state, "differs");
  EXPECT_EQ(named(checks, "file:{venv}/gone.so").state, "allowed");
}

TEST(LockCheck, FilesThatOnlyOneSideUsedDiffer) {
  const std::vector<UsedFile> recorded = {{"/a", "mapped", "build", sha256_hex("a")},
                                          {"/b", "mapped", "launch", sha256_hex("b")}};
  const auto checks =
      check_used_files(recorded, {{"/c", "imported", "build", sha256_hex("c")}}, "build", {});
  EXPECT_EQ(checks.size(), 2u);  // the launch's file is not asked of the build
  EXPECT_EQ(named(checks, "file:/a").state, "absent");
  EXPECT_EQ(named(checks, "file:/c").state, "extra");
}

TEST(LockCheck, LoadedEventsAreHashedByUs) {
  auto dir = TempDir::create(::testing::TempDir(), "files-");
  ASSERT_TRUE(write_file_atomic(dir->path() / "m.py", "source"));
  EventLog log;
  log.add(dump_json({{"event", "loaded"},
                     {"files",
                      {{{"path", (dir->path() / "m.py").string()},
                        {"how", "imported"},
                        {"sha256", "believe me"}}}}}));
  auto used = used_files(log, FileRoots(Installation()), "build");
  ASSERT_TRUE(used);
  ASSERT_EQ(used->size(), 1u);
  EXPECT_EQ((*used)[0].sha256, sha256_hex("source"));
  log.add(R"({"event": "loaded", "files": [{"path": "/no/such/file", "how": "mapped"}]})");
  EXPECT_FALSE(used_files(log, FileRoots(Installation()), "build"));
}

TEST(LockCheck, MachineContractIsRead) {
  const auto c = machine_contract();
  EXPECT_EQ(c.at("cpu.model"), cpu_name());
  EXPECT_FALSE(c.at("cpu.flags").empty());
  const auto m =
      manifest_contract({{"version", "1"},
                         {"target", "t"},
                         {"packages", {{"p", "2"}}},
                         {"rebuild", {{"env", {{"E", "3"}}}, {"contract", {{"gpu", "G"}}}}}});
  EXPECT_EQ(m.at("package.p"), "2");
  EXPECT_EQ(m.at("env.E"), "3");
  EXPECT_EQ(m.at("compiler.contract.gpu"), "G");
}

}  // namespace
}  // namespace assay::audit
