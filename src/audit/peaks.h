// SPDX-License-Identifier: Apache-2.0
// The peaks of the machine for one run: given in a file, kept from an earlier run of this boot, or
// measured now.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "audit/plan.h"
#include "platform/peaks.h"
#include "store/run_folder.h"

namespace assay::audit {

struct PeakOptions {
  bool wanted = true;
  fs::path file;  // peaks to take instead of measuring: one object, or a list of them
};

// Usage error of a file that is not there or holds no peaks.
Result<std::vector<platform::Peaks>> peaks_from_file(const fs::path& file);

// Peaks of the CPU with `threads` threads. With more than one, each figure is that of one thread
// times the threads (which no pairing on shared cores exceeds), memory that of all CPUs together.
platform::Peaks measure_threads(const std::vector<int>& cpus, int64_t threads);

// Of one run: asked for before its first launch, stored at its end.
class RunPeaks {
 public:
  // `cpus`: those that launches may use, the measuring one last. `devices`: those of the recipes.
  RunPeaks(PeakOptions options, std::vector<int> cpus, int64_t threads,
           std::set<std::string> devices);
  // Nothing to do when it was done before or no peaks are wanted. A GPU is measured by a child in
  // `scratch`; one that cannot be measured has no peaks, and its latencies no bound.
  Status get(const fs::path& scratch);
  // Measures once more and keeps the higher figures, since a latency lies below what they allow:
  // something else may have held the machine back. False when they are not ours to measure.
  Result<bool> again(const fs::path& scratch);
  const std::vector<platform::Peaks>& all() const { return peaks_; }
  // Rows of table `peak`; "source" says where a figure is from: file, kept or measured.
  Status store(store::RunFolder& run, const std::string& attempt_id) const;

 private:
  void keep() const;
  Status measure(const std::string& device, const fs::path& scratch,
                 std::vector<platform::Peaks>& into) const;
  PeakOptions options_;
  std::vector<int> cpus_;
  int64_t threads_;
  std::set<std::string> devices_;
  bool done_ = false;
  std::string source_;
  std::vector<platform::Peaks> peaks_;
};

// Kept figures of this machine since it started; what is damaged there is measured anew.
fs::path kept_peaks_file();
std::optional<platform::Peaks> kept_peaks(const std::string& device, int64_t threads);

}  // namespace assay::audit
