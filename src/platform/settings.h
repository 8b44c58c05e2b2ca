// SPDX-License-Identifier: Apache-2.0
// Sets what can be set for the time of a measurement, and puts everything back: at the end, on an
// error, on a signal, and when the process is killed (a small guard process outlives it).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "platform/roots.h"

namespace assay::platform {

struct Change {
  std::string path, before, after;  // a file of the tree; GPU clocks: "nvml:gpu0.locked_mhz"
};

struct FixPlan {
  std::vector<Change> changes;       // what would be written
  std::vector<std::string> refused;  // what cannot be set here, each with the reason
  int measuring_cpu = -1;            // the last that this process may use
  bool measuring_refused = false;    // something of its clock cannot be set
  bool gpu_refused = false;          // GPU clocks were asked for and cannot be locked
};
// Fixed CPU clocks: governor performance, boost off, lowest = highest frequency (the base frequency
// where the machine tells it). GPU clocks only with `gpu_mhz` > 0, of all GPUs or of `gpu` alone.
// Nothing is written.
FixPlan plan_fixed_clocks(const Roots& roots, int gpu_mhz = 0, int gpu = -1);

class Settings {
 public:
  // Writes each change, having first started the guard. On the first refusal all are put back and
  // the error says which file. `state`: a file that holds the values before, for `restore_file`.
  static Result<Settings> apply(const Roots& roots, const FixPlan& plan, const fs::path& state);
  Settings(Settings&&) noexcept;
  Settings& operator=(Settings&&) noexcept;
  ~Settings();       // restores
  Status restore();  // once; the values before, in reverse order
  // As they are now: a clock may have been rounded to what the hardware has.
  const std::vector<Change>& changes() const;
  // Of apply(): clocks that were set and can still move ("cpu3: ..."); empty: all of them hold.
  const std::vector<std::string>& not_fixed() const;
  // Of restore(): what somebody else had changed meanwhile.
  const std::vector<std::string>& notes() const;

 private:
  struct Held;
  explicit Settings(std::unique_ptr<Held> held);
  std::unique_ptr<Held> held_;
};

// Where the values before lie while settings are held: doctor/settings.json in the cache folder.
fs::path settings_state();

// Puts back what a state file of a dead process holds, and removes it. One line for each file that
// was written; none when there was nothing to do. Bad input while a living process holds it.
Result<std::vector<std::string>> restore_file(const Roots& roots, const fs::path& state);

}  // namespace assay::platform
