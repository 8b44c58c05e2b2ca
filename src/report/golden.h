// SPDX-License-Identifier: Apache-2.0
// For tests: text against a file in testdata/. ASSAY_UPDATE_GOLDEN=1 writes it anew.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/files.h"

namespace assay::report {

inline void expect_golden(const std::string& name, const std::string& text) {
  const fs::path file = fs::path(ASSAY_REPORT_TESTDATA) / name;
  if (std::getenv("ASSAY_UPDATE_GOLDEN")) {
    ASSERT_TRUE(write_file_atomic(file, text));
    return;
  }
  const auto wanted = read_file(file);
  ASSERT_TRUE(wanted) << wanted.error().message << "; run once with ASSAY_UPDATE_GOLDEN=1";
  EXPECT_EQ(text, *wanted)
      << "if this is meant: run once with ASSAY_UPDATE_GOLDEN=1 and look at the difference";
}

}  // namespace assay::report
