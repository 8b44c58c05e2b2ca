// SPDX-License-Identifier: Apache-2.0
// Runs as machines of any size would leave them, for tests: a made run (fixture.h) whose rows are
// set to what a test is about.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "base/words.h"

namespace assay::report {

struct MadeMachine {
  std::string machine_id = "m1", boot_id = "b1", salt;
  int64_t cores = 2, threads = 1;
  double peak_flops = 0;                            // of all cores; 0: no row
  std::vector<double> p50_ms = {1.00, 1.01, 0.99};  // one a build
  std::string trust{word(Trust::trusted)}, clock = "monotonic", device = "cpu", options = "{}";
  bool equality = true;      // the profile allows the claim
  bool lost = false;         // its first launch crashed
  std::string gpus = "{}";   // JSON of the machine's member
  std::string data = "d";    // what its data set is
  std::string artifact;      // of every build; "": each its own
  std::string kernel = "k";  // name of the second layer's kernel
  std::string version = "1.0";
  std::string platform, roofline;  // JSON of the latency verdict's members; "": none
  std::vector<float> outputs = {0.1F, 0.9F, 0.8F, 0.2F};  // two inputs, two classes
};
// A run folder with one recipe.
Status make_machine(const fs::path& folder, const MadeMachine& made);

}  // namespace assay::report
