// SPDX-License-Identifier: Apache-2.0
// What the machine alone says about a series, the worst of several gates, and the noise floor.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "stats/gate.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

void add(Gate& gate, Trust trust, std::string reason) {
  if (std::find(gate.reasons.begin(), gate.reasons.end(), reason) != gate.reasons.end()) return;
  // What rejects stands first.
  if (trust == Trust::rejected && gate.trust != Trust::rejected)
    gate.reasons.insert(gate.reasons.begin(), std::move(reason));
  else
    gate.reasons.push_back(std::move(reason));
  if (trust == Trust::rejected || gate.trust == Trust::trusted) gate.trust = trust;
}

void counter(Gate& gate, const char* name, const std::optional<int64_t>& value) {
  if (!value)
    add(gate, Trust::degraded, fmt::format("{} unknown", name));
  else if (*value > 0)
    add(gate, Trust::degraded, fmt::format("{} seen", name));
}

void from_record(Gate& gate, const MachineEvidence& m) {
  if (m.gpu_throttle_unknown) add(gate, Trust::degraded, "GPU throttling unknown");
  if (!m.other_load.empty())
    add(gate, Trust::degraded, fmt::format("other load: {}", m.other_load));
  if (!m.load_unknown.empty())
    add(gate, Trust::degraded, fmt::format("other load unknown: {}", m.load_unknown));
  if (m.gpu_processes_unknown) add(gate, Trust::degraded, "GPU processes unknown");
  if (m.other_gpu_processes > 0)
    add(gate, Trust::degraded, fmt::format("other GPU processes: {}", m.other_gpu_processes));
  if (m.foreign_tree) add(gate, Trust::degraded, "read from another tree than this machine's");
  if (!m.record_problem.empty())
    add(gate, Trust::degraded,
        fmt::format("record of the machine unreadable: {}", m.record_problem));
}

}  // namespace

Gate judge_machine(const MachineEvidence& m, int64_t samples, const GateOptions& options) {
  Gate gate;
  gate.trust = Trust::trusted;
  gate.n = samples;
  if (m.scripted) {
    add(gate, Trust::rejected, "the clock is scripted: not a measurement");
    return gate;
  }
  for (const std::string& reason : m.implausible) add(gate, Trust::rejected, reason);
  if (m.throttle_events && *m.throttle_events > 0) add(gate, Trust::rejected, "throttling seen");
  if (!m.gpu_throttle.empty())
    add(gate, Trust::rejected, fmt::format("throttling seen: GPU {}", m.gpu_throttle));
  if (m.aa_equivalent && !*m.aa_equivalent)
    add(gate, Trust::rejected,
        "A/A not equivalent: launches of the same engine differ by more than the margin allows");
  if (!m.aa_equivalent && options.require_aa) add(gate, Trust::degraded, "A/A unknown");
  if (m.clock_drop && *m.clock_drop > options.clock_drop)
    add(gate, Trust::degraded, fmt::format("clock drop: {:.1f} %", *m.clock_drop * 100));
  from_record(gate, m);
  if (m.external) {
    add(gate, Trust::degraded, "latencies from elsewhere: nothing is known of the machine");
  } else {
    counter(gate, "involuntary_switches", m.involuntary_switches);
    counter(gate, "major_faults", m.major_faults);
    counter(gate, "migrations", m.migrations);
    counter(gate, "steal_ticks", m.steal_ticks);
    if (!m.throttle_events) add(gate, Trust::degraded, "throttling unknown");
    if (!m.clock_drop) add(gate, Trust::degraded, "clocks unknown");
    if (!m.pinned.value_or(false)) add(gate, Trust::degraded, "thread not pinned");
    if (!m.memory_locked.value_or(false)) add(gate, Trust::degraded, "memory not locked");
  }
  if (m.censored > 0) add(gate, Trust::degraded, "series cut off");
  if (samples < m.planned) add(gate, Trust::degraded, "series shorter than planned");
  return gate;
}

Gate worst_of(std::span<const Gate> gates) {
  Gate out;
  if (gates.empty()) {
    out.reasons.push_back("no samples");
    return out;
  }
  const auto rank = [](const Gate& g) {
    return g.trust == Trust::rejected ? 2 : g.trust == Trust::degraded ? 1 : 0;
  };
  const Gate* worst = &gates[0];
  for (const Gate& g : gates)
    if (rank(g) > rank(*worst) || (rank(g) == rank(*worst) && g.ess_ratio < worst->ess_ratio))
      worst = &g;
  out = *worst;
  for (const Gate& g : gates)
    for (const std::string& reason : g.reasons)
      if (std::find(out.reasons.begin(), out.reasons.end(), reason) == out.reasons.end())
        out.reasons.push_back(reason);
  return out;
}

AaResult aa_half_width(std::span<const double> launch_values, double margin, double alpha) {
  AaResult out;
  std::vector<double> d;
  for (size_t i = 0; i + 1 < launch_values.size(); i += 2) {
    const double a = launch_values[i], b = launch_values[i + 1];
    if (a > 0 && b > 0 && std::isfinite(a) && std::isfinite(b)) d.push_back(std::log(b / a));
  }
  out.pairs = static_cast<int64_t>(d.size());
  if (d.empty()) return out;
  double mean = 0, squares = 0;
  for (const double v : d) mean += v;
  const auto m = static_cast<double>(d.size());
  mean /= m;
  out.ratio = std::exp(mean);
  if (d.size() < 2 || !(alpha > 0 && alpha < 0.5)) return out;
  for (const double v : d) squares += (v - mean) * (v - mean);
  // Equal pairs, as from a coarse clock, bound nothing while chance alone gives them.
  if (squares == 0 && std::exp2(-m) >= alpha) return out;
  const double half = t_critical(2 * alpha, m - 1) * std::sqrt(squares / (m - 1) / m);
  if (!std::isfinite(half)) return out;
  out.half_width = std::expm1(half);
  out.floor = 2 * *out.half_width;
  if (!(margin > 0)) return out;
  out.equivalent = std::abs(mean) + half < std::log1p(margin);
  out.margin_allowed = margin >= out.floor;
  return out;
}

}  // namespace assay::stats
