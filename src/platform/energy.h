// SPDX-License-Identifier: Apache-2.0
// Energy of a stretch of time from a record. Pure. Where there is no source the answer is unknown,
// never zero.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "platform/record.h"

namespace assay::platform {

// From the best source of a kind: a counter (RAPL, NVML) by its growth, else a power gauge (INA3221
// rails, NVML power) by the trapezoid rule over its distinct readings.
struct Energy {
  std::string source;  // "rapl.package-0", "gpu0 counter", "rail.VDD_IN", ...: channel and method
  bool known = false;
  std::string reason;    // why not
  double mj = 0;         // over the covered part of the stretch
  double covered = 0;    // share of the stretch between its first and last reading of the source
  double period_ms = 0;  // median distance of distinct readings: what one step cannot resolve
  // At most: one period (of the source, where it tells it) of the strongest power seen at each end,
  // for gauges one more of each change. Holds while no power between two readings exceeds twice
  // the strongest that was seen.
  double error_mj = 0;
  double mean_mw() const;             // over the covered part
  double seconds = 0;                 // covered
  int64_t first_ns = 0, last_ns = 0;  // the covered part
};

// Every source that the record has, each on its own (a package, a GPU and a rail are different
// things and are not added up, but for rail.total). `begin_ns`, `end_ns`: CLOCK_MONOTONIC.
std::vector<Energy> energies(const Record& record, int64_t begin_ns, int64_t end_ns);

// Of one inference: gross, and net of the idle power measured just before. Unknown where the
// stretch covers fewer than `least_periods` readings.
struct InferenceEnergy {
  std::string source;
  bool known = false;
  std::string reason;
  double gross_mj = 0, net_mj = 0, idle_mw = 0, busy_mw = 0;
  double error_mj = 0, net_error_mj = 0;  // at most, of gross and of net
  bool net_known = false;
  double covered = 0, period_ms = 0;
  int64_t inferences = 0;
};
std::vector<InferenceEnergy> inference_energies(const Record& record, int64_t begin_ns,
                                                int64_t end_ns, int64_t idle_begin_ns,
                                                int64_t idle_end_ns, int64_t inferences,
                                                int least_periods = 5);
Json to_json(const InferenceEnergy& e);

}  // namespace assay::platform
