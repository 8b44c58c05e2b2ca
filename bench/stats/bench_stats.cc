// SPDX-License-Identifier: Apache-2.0
// bench_stats FILE: gate, quantile bounds, peaks over threshold and pWCET of the int64 latencies in
// FILE (run order, native bytes), on one thread. CPU seconds a step, peak memory and the numbers
// that the rivals must find too, as JSON on stdout. See run.py.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <fstream>

#include "base/json.h"
#include "stats/gate.h"
#include "stats/pwcet.h"
#include "stats/quantiles.h"
#include "stats/stationarity.h"

namespace {

namespace stats = assay::stats;

// A line of /proc/self/status in bytes, -1 when there is none.
int64_t status_bytes(const char* key) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind(key, 0) != 0) continue;
    const auto from = line.find_first_of("0123456789");
    if (from == std::string::npos) break;
    int64_t kib = 0;
    std::from_chars(line.data() + from, line.data() + line.size(), kib);
    return kib * 1024;
  }
  return -1;
}

// Of this process, not the wall's: what other programs take from the core is no cost of ours.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

std::vector<int64_t> read_samples(const char* path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  std::vector<int64_t> samples(in ? static_cast<size_t>(in.tellg()) / sizeof(int64_t) : 0);
  in.seekg(0);
  in.read(reinterpret_cast<char*>(samples.data()),
          static_cast<std::streamsize>(samples.size() * sizeof(int64_t)));
  return samples;
}

double test_of(const stats::Gate& gate, const char* name) {
  for (const auto& t : gate.tests)
    if (t.name == name) return t.statistic;
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<int64_t> samples = argc == 2 ? read_samples(argv[1]) : std::vector<int64_t>();
  if (samples.empty()) {
    std::fprintf(stderr, "usage: bench_stats FILE (int64, at least one)\n");
    return 2;
  }
  const int64_t loaded = status_bytes("VmRSS:");
  assay::Json seconds, result;
  double start = cpu_seconds();
  const auto lap = [&](const char* step) {
    seconds[step] = cpu_seconds() - start;
    start = cpu_seconds();
  };

  stats::MachineEvidence machine;
  machine.external = true;
  const stats::Gate gate = stats::judge_series(samples, machine);
  lap("gate");
  const int64_t gate_peak = status_bytes("VmHWM:");
  const std::vector<int64_t> sorted = stats::sorted_copy(samples);
  const auto rows = stats::quantile_table(samples, sorted);
  lap("quantiles");
  const stats::Pwcet bound = stats::pwcet(samples, gate.trust, {}, sorted);
  lap("pwcet");
  const int64_t peak = status_bytes("VmHWM:");

  // Outside the total: the thresholds and their bootstrap alone, to show their share.
  stats::ThresholdOptions options;
  const auto sizes = stats::candidate_sizes(static_cast<int64_t>(samples.size()), options);
  const auto tail = std::min(samples.size(), static_cast<size_t>(sizes.empty() ? 0 : sizes[0]) + 1);
  start = cpu_seconds();
  const auto choice = stats::choose_threshold(std::span<const int64_t>(sorted).last(tail),
                                              static_cast<int64_t>(samples.size()), options);
  lap("thresholds_alone");

  for (const auto& row : rows) {
    result["quantile_lower"].push_back(row.lower.value_or(0));
    result["quantile_upper"].push_back(row.upper.value_or(0));
  }
  for (const char* name : {"kpss", "pettitt", "ks_halves", "exceedance_slices", "ljung_box_ranks",
                           "ljung_box_tail", "runs", "fisher_ranks"})
    result[name] = test_of(gate, name);
  for (const auto& c : choice.candidates) {
    result["k"].push_back(c.k);
    result["xi"].push_back(c.goodness.fit.xi);
    result["sigma"].push_back(c.goodness.fit.sigma);
    result["a2"].push_back(c.goodness.a2);
  }
  for (const auto& point : bound.points) {
    result["p"].push_back(point.p);
    result["profile_upper"].push_back(point.profile_upper_ns.value_or(0));
    result["exponential_upper"].push_back(point.exponential_upper_ns.value_or(0));
  }
  result["block_maxima_xi"] = bound.block_maxima.gev.xi;
  result["extremal_index"] = bound.theta.theta;
  const assay::Json out = {{"seconds", seconds},
                           {"loaded_bytes", loaded},
                           {"gate_peak_bytes", gate_peak},
                           {"peak_bytes", peak},
                           {"n", samples.size()},
                           {"trust", std::string(assay::word(gate.trust))},
                           {"refused", bound.reasons},
                           {"threshold_k", bound.k},
                           {"weight", bound.weight},
                           {"warm_up", gate.warm_up},
                           {"result", result}};
  std::printf("%s\n", assay::dump_json(out).c_str());
  return 0;
}
