// SPDX-License-Identifier: Apache-2.0
// A small whole lock for tests: of no real compiler.
#pragma once

#include <gtest/gtest.h>

#include "audit/lock/folder.h"
#include "audit/lock/signature.h"

namespace assay::audit {

class MadeLock : public ::testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::create(::testing::TempDir(), "lock-");
    ASSERT_TRUE(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
  }
  fs::path root() const { return dir_->path(); }

  // Written to root()/`name`, signed with `key` when one is named.
  fs::path make(const std::string& name, const fs::path& key = {}) {
    auto writer = LockWriter::create(root() / name);
    EXPECT_TRUE(writer);
    auto text = [&](const char* path, const char* role, std::string_view content) {
      auto blob = writer->add_text(path, role, content);
      EXPECT_TRUE(blob);
      return *blob;
    };
    Lock l;
    l.created_utc = "2026-01-02T03:04:05Z";
    l.assay_version = "0.1.0";
    l.model_name = "m";
    l.compiler = "null";
    l.version = "1";
    l.precision = "fp32";
    l.seed = 7;
    l.options = {{"classes", 10}};
    l.shapes = {{"input", {1, 4}}};
    l.contract = {{"cpu.model", "A"}, {"package.numpy", "1.0"}, {"compiler.version", "1"}};
    l.files = {{"{venv}/lib/a.so", "mapped", "build", sha256_hex("a")}};
    l.model = {text("m.onnx", "model", "the model")};
    l.decisions = {text("tuning.log", "tuning_log", "line 1\nline 2\n")};
    l.engine = {text("manifest.json", "manifest", "{}"),
                text("engine.txt", "artifact", "the engine")};
    l.inputs = {text("dataset.json", "inputs", "{}")};
    l.kernels = {{0, "conv", "k", sha256_hex("k"), "fp32", ""}};
    l.kernel_map_sha256 = kernel_map_sha256(l.kernels);
    l.artifact_sha256 = sha256_hex("artifact");
    l.outputs = {{{"output", DType::f32, {1, 10}}, sha256_hex("o"), 3}};
    l.not_covered = {"nothing"};
    EXPECT_TRUE(writer->finish(l, key));
    return root() / name;
  }
  // A lock's text with one member changed by `edit` and its self-hash made right again.
  static void rehash(const fs::path& lock, const std::function<void(Json&)>& edit) {
    auto text = read_file(lock / "lock.json");
    ASSERT_TRUE(text);
    auto j = parse_json(*text, "lock.json");
    ASSERT_TRUE(j);
    edit(*j);
    j->erase("self_sha256");
    (*j)["self_sha256"] = sha256_hex(dump_json(*j));
    ASSERT_TRUE(write_file_atomic(lock / "lock.json", dump_json(*j, 1) + "\n"));
  }

 private:
  std::unique_ptr<TempDir> dir_;
};

}  // namespace assay::audit
