// SPDX-License-Identifier: Apache-2.0
// For tests: a folder with an engine that is none but for its manifest, pictures that are none, and
// plans about them.
#pragma once

#include <gtest/gtest.h>

#include "response/plan.h"

namespace assay::response {

class PlanTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create(fs::temp_directory_path(), "assay-plan-");
    ASSERT_TRUE(made);
    dir_.emplace(std::move(*made));
    fs::create_directories(folder() / "engine");
    fs::create_directories(folder() / "pictures");
    write("pictures/a.jpg", "none");  // a fault of its frames, not of the plan
    write("engine/manifest.json", R"({"compiler": "null", "precision": "fp32", "inputs":
      [{"name": "x", "dtype": "float32", "shape": [1, 3, 48, 64]}]})");
    fs::create_directories(folder() / "other");
    fs::copy(folder() / "engine" / "manifest.json", folder() / "other" / "manifest.json");
  }
  fs::path folder() const { return dir_->path(); }
  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file_atomic(folder() / name, text));
  }
  Result<Plan> plan(const std::string& text) {
    write("plan.toml", text);
    return plan_from_toml(folder() / "plan.toml");
  }
  // [response] with `more`, and a task.
  Result<Plan> plan_with(const std::string& more) {
    return plan("[response]\n" + more + "\n[[task]]\nname = \"a\"\nengines = [\"engine\"]\n");
  }

 private:
  std::optional<TempDir> dir_;
};

}  // namespace assay::response
