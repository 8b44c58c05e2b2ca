// SPDX-License-Identifier: Apache-2.0
// All that this machine tells of itself while something runs: every source that was found, read
// together in one round.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "platform/channel.h"
#include "platform/roots.h"

namespace assay::platform {

struct ProbeSpec {
  Roots roots;
  std::vector<int> cpus;  // whose clocks and ticks to read; empty: all that are online
  bool gpu = true;        // ask NVML (dlopen) and devfreq
  int process = 0;        // whose faults and migrations; 0: none
};

class Probe {
 public:
  // Never fails: what is not here stands in `missing`.
  static Probe open(const ProbeSpec& spec);
  // With sources of the caller's (tests).
  Probe(std::vector<std::unique_ptr<Source>> sources, std::vector<Missing> missing);

  const std::vector<Channel>& channels() const { return channels_; }
  const std::vector<Missing>& missing() const { return missing_; }
  // One round; `out` has channels().size() values. No allocation, no exception.
  void read(int64_t now_ns, std::span<int64_t> out) noexcept;

 private:
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<size_t> counts_;  // of channels of each source
  std::vector<Channel> channels_;
  std::vector<Missing> missing_;
};

// The parts of `open`; each returns its sources and adds to `missing` what it did not find.
using Sources = std::vector<std::unique_ptr<Source>>;
Sources cpu_sources(const ProbeSpec& spec, std::vector<Missing>& missing);  // cpu*, psi, zones
Sources process_sources(const ProbeSpec& spec, std::vector<Missing>& missing);
Sources rapl_sources(const ProbeSpec& spec, std::vector<Missing>& missing);
Sources jetson_sources(const ProbeSpec& spec, std::vector<Missing>& missing);  // INA3221, devfreq
Sources nvml_sources(const ProbeSpec& spec, std::vector<Missing>& missing);

}  // namespace assay::platform
