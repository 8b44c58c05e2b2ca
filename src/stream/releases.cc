// SPDX-License-Identifier: Apache-2.0
// Release times from their description, and the description as JSON.
#include <algorithm>
#include <cmath>

#include "stats/random.h"
#include "stream/scenario.h"
#include "stream/strict_json.h"

namespace assay::stream {
namespace {

// A standard exponential from comparisons of uniform words alone (von Neumann 1951, "Various
// techniques used in connection with random digits"): no logarithm, whose last bits differ between
// C libraries, so that the times are the same everywhere. A descending run of odd length accepts
// its first word as the fraction; every run of even length adds one.
double portable_exponential(stats::Random& random) {
  for (double whole = 0;; ++whole) {
    const uint64_t first = random();
    uint64_t last = first, length = 1;
    for (uint64_t draw = random(); draw < last; draw = random()) {
      last = draw;
      ++length;
    }
    // 53 bits and the middle of their cell, exact in binary: never 0.
    if (length % 2 == 1) return whole + (static_cast<double>(first >> 11) + .5) * 0x1p-53;
  }
}

bool idles(const ReleaseSpec& spec) {
  return spec.idle_every > 0 && spec.idle_gap_ns > 0 && spec.time_stamps.empty();
}

}  // namespace

bool first_after_idle(const ReleaseSpec& spec, int64_t i) {
  return idles(spec) && i > 0 && i % spec.idle_every == 0;
}

int64_t idle_before(const ReleaseSpec& spec, int64_t i) {
  return first_after_idle(spec, i) ? spec.idle_gap_ns : 0;
}

std::vector<int64_t> releases(const ReleaseSpec& spec, int64_t frames) {
  std::vector<int64_t> out;
  if (frames <= 0) return out;
  if (!open_loop(spec.scenario)) {
    out.assign(static_cast<size_t>(frames), 0);
    return out;
  }
  if (!spec.time_stamps.empty()) {
    const auto n = std::min(static_cast<size_t>(frames), spec.time_stamps.size());
    out.reserve(n);
    for (size_t i = 0; i < n; ++i) out.push_back(spec.offset_ns + spec.time_stamps[i]);
    return out;
  }
  stats::Random random(spec.seed);
  out.reserve(static_cast<size_t>(frames));
  int64_t nominal = spec.scenario == Scenario::constant_stream ? spec.offset_ns : 0;
  for (int64_t i = 0; i < frames; ++i) {
    nominal += idle_before(spec, i);
    int64_t at = nominal;
    if (spec.scenario == Scenario::server) {
      nominal += std::llround(static_cast<double>(spec.period_ns) * portable_exponential(random));
      at = nominal;
    } else {
      if (spec.jitter_ns > 0)
        // Less than half a period either way, so that order stays; no camera is there before t0.
        at = std::max<int64_t>(0, at - spec.jitter_ns +
                                      static_cast<int64_t>(stats::below(
                                          random, 2 * static_cast<uint64_t>(spec.jitter_ns) + 1)));
      nominal += spec.period_ns;
    }
    if (at > kLongestScheduleNs) break;
    out.push_back(at);
  }
  return out;
}

Json to_json(const ReleaseSpec& spec) {
  Json j;
  j["scenario"] = word(spec.scenario);
  j["period_ns"] = spec.period_ns;
  j["offset_ns"] = spec.offset_ns;
  j["jitter_ns"] = spec.jitter_ns;
  j["idle_every"] = spec.idle_every;
  j["idle_gap_ns"] = spec.idle_gap_ns;
  j["seed"] = spec.seed;
  if (!spec.time_stamps.empty()) j["time_stamps"] = spec.time_stamps;
  return j;
}

Result<ReleaseSpec> release_spec_from_json(const Json& j, std::string_view where) {
  ReleaseSpec s;
  StrictObject o(j, where);
  o.word("scenario", scenario_from, s.scenario);
  o.integer("period_ns", 0, kLongestDurationNs, s.period_ns);
  o.integer("offset_ns", 0, kLongestDurationNs, s.offset_ns);
  o.integer("jitter_ns", 0, kLongestDurationNs, s.jitter_ns);
  o.integer("idle_every", 0, INT64_MAX, s.idle_every);
  o.integer("idle_gap_ns", 0, kLongestDurationNs, s.idle_gap_ns);
  o.seed("seed", s.seed);
  o.integers("time_stamps", 0, kLongestScheduleNs, kMostTimeStamps, s.time_stamps);
  ASSAY_CHECK(o.end());
  const bool recorded = !s.time_stamps.empty();
  if (recorded && s.scenario != Scenario::constant_stream)
    o.wrong("time_stamps", "only a ConstantStream replays a recorded camera");
  if (recorded && s.time_stamps.front() != 0) o.wrong("time_stamps", "the first must be 0");
  if (std::adjacent_find(s.time_stamps.begin(), s.time_stamps.end(), std::greater_equal<>()) !=
      s.time_stamps.end())
    o.wrong("time_stamps", "must ascend, no two equal");
  if (open_loop(s.scenario) && !recorded && s.period_ns < 1)
    o.wrong("period_ns", "this scenario needs one above 0");
  if (s.jitter_ns > 0 && (s.scenario != Scenario::constant_stream || recorded))
    o.wrong("jitter_ns", "only a ConstantStream without time stamps has jitter");
  if (s.jitter_ns > 0 && 2 * s.jitter_ns >= s.period_ns)
    o.wrong("jitter_ns", "must be below half a period, so that frames keep their order");
  if (s.offset_ns > 0 && s.scenario != Scenario::constant_stream)
    o.wrong("offset_ns", "only a ConstantStream has a phase");
  if ((s.idle_every > 0) != (s.idle_gap_ns > 0))
    o.wrong("idle_every", "needs idle_gap_ns, and the other way round");
  ASSAY_CHECK(o.end());
  return s;
}

}  // namespace assay::stream
