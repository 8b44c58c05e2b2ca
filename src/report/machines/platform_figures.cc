// SPDX-License-Identifier: Apache-2.0
// What the machine did while a recipe ran, from the evidence that is there.
#include <fmt/format.h>

#include <algorithm>

#include "report/machines/internal.h"

namespace assay::report::machines {
namespace {

Figures spread(std::vector<double> values, std::string source, std::string why) {
  if (values.empty()) return {{}, {}, {}, "", std::move(why)};
  double sum = 0;
  for (const double v : values) sum += v;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return {sum / static_cast<double>(values.size()), *low, *high, std::move(source), ""};
}

}  // namespace

void add_platform(Machine& machine, MachineCell& cell) {
  (void)machine;
  std::vector<double> clocks, busy;
  for (const Build* b : ok_builds(*cell.recipe))
    for (const Launch& l : b->launches) {
      if (!l.counts || l.outcome != "ok") continue;
      if (l.wall_ns > 0 && l.cpu_ns >= 0)
        busy.push_back(static_cast<double>(l.cpu_ns) / static_cast<double>(l.wall_ns));
      for (const Series& s : l.series) {
        double sum = 0;
        int64_t n = 0;
        for (const Json& mhz : get_array(s.sampler, "cpu_mhz"))
          if (mhz.is_number() && mhz.get<double>() > 0) sum += mhz.get<double>(), ++n;
        if (n > 0) clocks.push_back(sum / static_cast<double>(n));
      }
    }
  cell.clock_mhz = spread(std::move(clocks), "CPU", "this machine did not tell its clock");
  cell.busy = spread(std::move(busy), "CPUs kept busy by a launch, loading included",
                     "no launch ended well");
  cell.energy_mj = {{}, {}, {}, "", "no source of energy was recorded"};
}

}  // namespace assay::report::machines
