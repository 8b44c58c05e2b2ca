// SPDX-License-Identifier: Apache-2.0
// What can be read of a machine again and again: channels of whole numbers, and the sources that
// fill them.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace assay::platform {

inline constexpr int64_t kUnknown = std::numeric_limits<int64_t>::min();

// gauge: the state now (MHz, mW, degrees). counter: grows (ticks, uJ, faults); only differences
// mean something. mask: bits.
enum class Kind { gauge, counter, mask };

// Names say what and, at the end, the unit; docs/platforms.md lists them all:
//   cpuN.mhz cpuN.busy_ticks cpuN.steal_ticks cpuN.throttle_events     (N as in /proc/stat)
//   psi.cpu_some_us  zone.NAME.millicelsius  rapl.NAME.uj
//   rail.NAME.mw  rail.total.mw                                        (INA3221 of Jetson boards)
//   gpuN.sm_mhz gpuN.mem_mhz gpuN.celsius gpuN.mw gpuN.mj gpuN.throttle gpuN.busy_percent
//   gpuN.mem_busy_percent gpuN.processes                               (NVML, or devfreq on Jetson)
//   process.minor_faults process.major_faults process.migrations
struct Channel {
  std::string name;
  Kind kind = Kind::gauge;
  int64_t wrap = 0;           // counters: begins again at 0 after this value; 0: never
  int refresh_ms = 0;         // the source renews the value so often; 0: at every read, or unknown
  int least_interval_ms = 0;  // reading is dear: not more often than this (kUnknown in between)
};

// One origin of channels: found and opened once, then read without allocation.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::vector<Channel> channels() const = 0;  // fixed after it was opened
  // Writes one value for each channel, kUnknown where the machine does not tell now. `now_ns`:
  // CLOCK_MONOTONIC of this round. Never throws, never allocates.
  virtual void read(int64_t now_ns, int64_t* out) noexcept = 0;
};

// Something that could be asked for and is not here: "rapl", "no /sys/class/powercap/intel-rapl:0".
struct Missing {
  std::string what, why;
};

}  // namespace assay::platform
