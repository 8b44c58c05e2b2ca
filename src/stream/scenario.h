// SPDX-License-Identifier: Apache-2.0
// When frames are released and what happens to those that find the server busy. Names are MLPerf's.
// Pure: times are numbers, no clock is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace assay::stream {

enum class Scenario {
  single_stream,   // the next frame when the last is done
  multi_stream,    // a query of one frame a stream; the next query when all are done
  offline,         // all frames at once
  server,          // Poisson arrivals
  constant_stream  // periodic, at absolute times, an offset a camera
};
std::string_view word(
    Scenario s);  // "SingleStream" "MultiStream" "Offline" "Server" "ConstantStream"
std::optional<Scenario> scenario_from(std::string_view s);  // any case, "constant-stream" too
// True when releases do not wait for completions: lateness is then visible (statistics.md, 2).
bool open_loop(Scenario s);

enum class Policy {
  queue,        // first come, first served, without limit
  drop_oldest,  // at most one frame of a camera waits; a newer one takes its place
  skip_if_busy  // a frame that finds the server busy is lost
};
std::string_view word(Policy p);  // "queue" "drop-oldest" "skip-if-busy"
std::optional<Policy> policy_from(std::string_view s);

// What became of a frame.
enum class Fate : int32_t {
  pending = 0,  // not reached: the run ended before (censored)
  done = 1,
  dropped = 2,  // replaced by a newer frame while it waited
  skipped = 3,  // found the server busy
  failed = 4    // reached the server, but could not be read, decoded or run
};
std::string_view word(Fate f);

// Limits of a schedule: no single duration above 1000 s, no release later than three years.
inline constexpr int64_t kLongestDurationNs = 1'000'000'000'000;
inline constexpr int64_t kLongestScheduleNs = 100'000'000'000'000'000;
inline constexpr size_t kMostTimeStamps = 10'000'000;

// Release times of one camera, ns after the common start.
struct ReleaseSpec {
  Scenario scenario = Scenario::single_stream;
  int64_t period_ns = 0;    // constant_stream: > 0; server: mean gap, > 0
  int64_t offset_ns = 0;    // constant_stream: phase of this camera, >= 0
  int64_t jitter_ns = 0;    // constant_stream: uniform in [-jitter, jitter], seeded; < period/2
  int64_t idle_every = 0;   // after every so many frames ...
  int64_t idle_gap_ns = 0;  // ... this much longer: the next frame is first after idle
  uint64_t seed = 1;        // server and jitter; each camera needs one of its own
  // Replay of a recorded camera (constant_stream only): ascending, ns, the first is 0. Offset is
  // added; period, jitter and idle are not used.
  std::vector<int64_t> time_stamps;
};
Json to_json(const ReleaseSpec& spec);
// Strict: usage error that names an unknown member, a value out of its range, or members that
// contradict each other. Absent members keep their defaults.
Result<ReleaseSpec> release_spec_from_json(const Json& j, std::string_view where);

// Ascending, `frames` of them; fewer when time_stamps end (the camera stopped) or where a time
// would pass kLongestScheduleNs. A longer list begins with the shorter one. Server: the first
// arrives one gap after 0, gaps are exponential. Jitter never releases before 0. Closed loops: all
// 0; the gaps of idle are then in idle_before(). The same seed gives the same times everywhere: no
// function of the C library whose last bits differ is used.
std::vector<int64_t> releases(const ReleaseSpec& spec, int64_t frames);
// Whether frame `i` is the first after an idle gap (never frame 0).
bool first_after_idle(const ReleaseSpec& spec, int64_t i);
// How much longer than usual the camera is silent before frame `i`, ns: what a server that is not
// driven by releases must wait.
int64_t idle_before(const ReleaseSpec& spec, int64_t i);

}  // namespace assay::stream
