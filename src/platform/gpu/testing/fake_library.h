// SPDX-License-Identifier: Apache-2.0
// For tests: a copy of a fake library in a folder of its own, with its .conf beside it, so that
// each test (and each child of it) has the answers that it planted.
#pragma once

#include <fstream>
#include <string>
#include <string_view>

#include "base/files.h"

namespace assay::fake {

class FakeLibrary {
 public:
  // `built`: lib/libassay_fake_NAME.so; `answers`: fake_config.h.
  FakeLibrary(const fs::path& built, std::string_view answers, std::string_view name = "fake.so")
      : folder_(TempDir::create(fs::temp_directory_path(), "assay-fake").value()),
        path_(folder_.path() / name) {
    fs::copy_file(built, path_);
    write(answers);
  }
  // Read at the next initialisation of the library.
  void write(std::string_view answers) const {
    std::ofstream(path_.string() + ".conf", std::ios::trunc) << answers;
  }
  std::string path() const { return path_.string(); }
  const fs::path& folder() const { return folder_.path(); }

 private:
  TempDir folder_;
  fs::path path_;
};

}  // namespace assay::fake
