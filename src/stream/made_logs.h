// SPDX-License-Identifier: Apache-2.0
// Logs as a run would leave them, for tests: given laws, seeds and faults, frames through the
// queue itself on a virtual clock. The same numbers everywhere for one seed.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "stats/random.h"
#include "stream/cell.h"
#include "stream/replay.h"
#include "stream/result.h"
#include "vision/frame.h"

namespace assay::stream {

// median_ns exp(spread Z), plus spike_ns in a share of the frames. Z: standard normal.
struct MadeLaw {
  double median_ns = 0, spread = .03;
  double spike_share = 0, spike_ns = 0;
};

struct MadeCell {
  Cell cell;  // streams, cameras, mode, scenario, policy, period_ns count; id is filled in
  std::vector<std::string> tasks = {"classify"};  // streams = cameras x tasks
  int64_t frames = 1000, repetitions = 5;
  MadeLaw read{1e6, .05}, decode{4e6, .03}, pre{2e6, .03}, infer{3e6, .03}, post{2e5, .05},
      second{0, 0};
  double dependence = 0;            // correlation of the Z of any two stages of a frame
  double memory = 0;                // of Z from frame to frame (AR(1))
  double repetition_spread = .003;  // of a factor that a whole repetition shares
  double growth = .1;               // decode, pre and infer: times 1 + growth (streams - 1)
  int64_t deadline_ns = 0;
  int64_t warm_up = 0;  // frames at the start flagged as such
  int64_t idle_every = 0, idle_gap_ns = 0,
          after_idle_ns = 0;  // gaps; what the next infer takes more
  // Faults. Repetition and frame count from 0; they hit stream 0; -1: none.
  double failed_share = 0;                                // of all frames: picture damaged
  int64_t stall_frame = -1, stall_ns = 100'000'000;       // in infer, each repetition
  int64_t stop_frame = -1;                                // the camera delivers no more
  int64_t die_frame = -1, die_repetition = 0;             // the process dies
  int64_t lose_frame = -1;                                // one record is missing, each repetition
  int64_t end_ns = INT64_MAX;                             // what is released later stays pending
  int64_t own_allocations = 0, compiler_allocations = 0;  // a frame
  stats::MachineEvidence machine = quiet();
  uint64_t seed = 1;

  static stats::MachineEvidence quiet() {
    stats::MachineEvidence m;
    m.throttle_events = m.involuntary_switches = m.major_faults = m.migrations = m.steal_ticks = 0;
    m.clock_drop = 0;
    m.pinned = m.memory_locked = true;
    return m;
  }
};

namespace made {

inline constexpr int kParts = 6;  // read decode pre infer post second
using Parts = std::array<int64_t, kParts>;

inline std::vector<Parts> services(const MadeCell& m, double factor, uint64_t seed) {
  const MadeLaw* laws[kParts] = {&m.read, &m.decode, &m.pre, &m.infer, &m.post, &m.second};
  stats::Random random(seed);
  const double keep = std::sqrt(1 - m.memory * m.memory);
  const double shared = std::sqrt(m.dependence), own = std::sqrt(1 - m.dependence);
  std::array<double, kParts + 1> z{};
  for (double& v : z) v = stats::normal(random);
  std::vector<Parts> out(static_cast<size_t>(m.frames));
  for (int64_t i = 0; i < m.frames; ++i) {
    for (double& v : z) v = m.memory * v + keep * stats::normal(random);
    for (size_t k = 0; k < kParts; ++k) {
      const MadeLaw& law = *laws[k];
      const double grown = k >= 1 && k <= 3 ? 1 + m.growth * (m.cell.streams - 1) : 1;
      double ns =
          law.median_ns * grown * factor * std::exp(law.spread * (shared * z[kParts] + own * z[k]));
      if (stats::uniform(random) < law.spike_share) ns += law.spike_ns;
      if (k == 3 && m.idle_every > 0 && i > 0 && i % m.idle_every == 0)
        ns += static_cast<double>(m.after_idle_ns);
      out[static_cast<size_t>(i)][k] = std::llround(ns);
    }
  }
  return out;
}

inline FrameRecord record(const MadeCell& m, int64_t frame, int64_t release, Fate fate) {
  FrameRecord r;
  r.frame = frame;
  r.image = frame % 500;
  r.release_ns = release;
  r.fate = static_cast<int64_t>(fate);
  r.flags = frame < m.warm_up ? kWarmUp : 0;
  if (m.idle_every > 0 && frame > 0 && frame % m.idle_every == 0) r.flags |= kFirstAfterIdle;
  r.own_allocations = m.own_allocations;
  r.compiler_allocations = m.compiler_allocations;
  return r;
}

inline void fill_times(FrameRecord& r, int64_t start, const Parts& parts) {
  int64_t* const ends[kParts] = {&r.read_ns,  &r.decode_ns, &r.pre_ns,
                                 &r.infer_ns, &r.post_ns,   &r.done_ns};
  r.start_ns = start;
  for (size_t k = 0; k < kParts; ++k) *ends[k] = start += parts[k];
  r.second_infer = parts[5];
  r.objects = 1;
  r.label = r.image % 10;
}

inline ReleaseSpec schedule(const MadeCell& m, int camera, uint64_t seed) {
  ReleaseSpec spec;
  spec.scenario = m.cell.scenario;
  spec.period_ns = std::max<int64_t>(1, m.cell.period_ns);
  if (spec.scenario == Scenario::constant_stream)
    spec.offset_ns = spec.period_ns * camera / std::max(1, m.cell.cameras);
  spec.idle_every = m.idle_every;
  spec.idle_gap_ns = m.idle_gap_ns;
  spec.seed = stats::derived_seed(seed, static_cast<uint64_t>(camera));
  return spec;
}

// The streams of one server, from frame 0 to the end.
inline void serve(const MadeCell& m, std::span<StreamLog* const> streams,
                  std::span<const std::vector<Parts>> parts, uint64_t seed) {
  const auto total = [&](size_t s, int64_t i) {
    int64_t sum = 0;
    for (const int64_t v : parts[s][static_cast<size_t>(i)]) sum += v;
    return sum;
  };
  const auto damaged = [&](FrameRecord& r) {  // known after reading
    r.fate = static_cast<int64_t>(Fate::failed);
    r.fault = static_cast<int64_t>(vision::FrameFault::damaged);
    r.decode_ns = r.pre_ns = r.infer_ns = r.post_ns = r.second_infer = r.objects = 0;
    r.label = -1;
    r.done_ns = r.read_ns;
  };
  stats::Random random(seed);
  const auto add = [&](size_t s, FrameRecord r, int64_t start) {
    if (r.release_ns > m.end_ns) {
      streams[s]->records.push_back(record(m, r.frame, r.release_ns, Fate::pending));
      return;
    }
    if (r.fate == static_cast<int64_t>(Fate::done)) {
      fill_times(r, start, parts[s][static_cast<size_t>(r.frame)]);
      if (stats::uniform(random) < m.failed_share) damaged(r);
    }
    streams[s]->records.push_back(r);
  };
  if (!open_loop(m.cell.scenario)) {
    std::vector<int64_t> free(streams.size(), 0);
    int64_t all = 0;
    for (int64_t i = 0; i < m.frames; ++i) {
      for (size_t s = 0; s < streams.size(); ++s) {
        // One server: one after the other.
        int64_t start = streams.size() > 1 ? all : free[s];
        const int64_t release = m.cell.scenario == Scenario::offline ? 0 : start;
        add(s, record(m, i, release, Fate::done), start);
        all = free[s] = start + total(s, i);
      }
    }
    return;
  }
  std::vector<std::vector<int64_t>> due;
  std::vector<std::span<const int64_t>> views;
  for (const StreamLog* s : streams)
    due.push_back(releases(schedule(m, s->camera, seed), m.frames));
  for (const auto& d : due) views.emplace_back(d);
  int64_t idle_since = 0;
  run_queue(
      m.cell.policy, views, [&](int32_t c, int64_t i) { return total(static_cast<size_t>(c), i); },
      [&](int32_t c, int64_t i, Fate fate, int64_t start, int64_t done) {
        const auto s = static_cast<size_t>(c);
        FrameRecord r = record(m, i, due[s][static_cast<size_t>(i)], fate);
        if (fate == Fate::done) {
          r.idle_ns = std::max<int64_t>(0, r.release_ns - idle_since);
          idle_since = done;
        }
        add(s, r, start);
      });
}

inline void plant(const MadeCell& m, StreamLog& log, Repetition& rep) {
  auto& records = log.records;
  const auto from = [&](int64_t frame) {
    return std::stable_partition(records.begin(), records.end(),
                                 [&](const FrameRecord& r) { return r.frame < frame; });
  };
  if (m.stop_frame >= 0)
    for (auto it = from(m.stop_frame); it != records.end(); ++it) {
      *it = record(m, it->frame, 0, Fate::pending);
      it->fault = static_cast<int64_t>(vision::FrameFault::stopped);
    }
  if (m.lose_frame >= 0)
    std::erase_if(records, [&](const auto& r) { return r.frame == m.lose_frame; });
  if (m.die_frame >= 0 && rep.index == m.die_repetition) {
    records.erase(from(m.die_frame), records.end());
    rep.outcome.assign("crashed");
    rep.reason.assign("the process of stream 0 ended with signal 11");
  }
}

}  // namespace made

inline CellLog made_log(MadeCell m) {
  const auto tasks = static_cast<int>(m.tasks.size());
  m.cell.cameras = std::max(1, m.cell.streams / std::max(1, tasks));
  m.cell.streams = m.cell.cameras * tasks;
  m.cell.id = cell_id(m.cell);
  CellLog out{m.cell, {}};
  for (int64_t rep = 0; rep < m.repetitions; ++rep) {
    const uint64_t seed = stats::derived_seed(m.seed, static_cast<uint64_t>(rep));
    stats::Random random(seed);
    const double factor = std::exp(m.repetition_spread * stats::normal(random));
    Repetition r;
    r.index = static_cast<int>(rep);
    std::vector<std::vector<made::Parts>> parts;
    for (int s = 0; s < m.cell.streams; ++s) {
      StreamLog log;
      log.camera = s / tasks;
      log.task = m.tasks[static_cast<size_t>(s % tasks)];
      log.name = "camera " + std::to_string(log.camera) + " / " + log.task;
      log.deadline_ns = m.deadline_ns;
      log.planned = m.frames;
      log.machine = m.machine;
      r.streams.push_back(std::move(log));
      parts.push_back(
          made::services(m, factor, stats::derived_seed(seed, static_cast<uint64_t>(s) + 1)));
    }
    if (m.stall_frame >= 0) parts[0][static_cast<size_t>(m.stall_frame)][3] += m.stall_ns;
    std::vector<StreamLog*> all;
    for (StreamLog& s : r.streams) all.push_back(&s);
    const size_t together = m.cell.mode == "one-server" ? all.size() : 1;
    for (size_t s = 0; s < all.size(); s += together)
      made::serve(m, std::span(all).subspan(s, together), std::span(parts).subspan(s, together),
                  stats::derived_seed(seed, 1000 + s));
    made::plant(m, r.streams[0], r);
    for (const StreamLog& s : r.streams)
      for (const FrameRecord& f : s.records) r.wall_ns = std::max(r.wall_ns, f.done_ns);
    if (m.end_ns != INT64_MAX) r.wall_ns = std::max(r.wall_ns, m.end_ns);
    out.repetitions.push_back(std::move(r));
  }
  return out;
}

// Two compilers with 1, 2 and 4 cameras at 20 frames a second (a deadline of one period), a third
// condition with a co-runner, and one with more threads than CPUs: what a report must show.
inline std::vector<CellLog> made_grid(int64_t frames = 400, uint64_t seed = 1) {
  std::vector<CellLog> out;
  const auto add = [&](const char* recipe, int streams, const char* co_runner, double infer_ns) {
    MadeCell m;
    m.cell.recipe.assign(recipe);
    m.cell.compiler.assign(recipe, m.cell.recipe.find(' '));
    m.cell.streams = m.cell.cameras = streams;
    m.cell.co_runner.assign(co_runner);
    m.cell.scenario = Scenario::constant_stream;
    m.cell.period_ns = m.deadline_ns = 50'000'000;
    m.cell.oversubscribed = streams > 2;
    m.frames = frames;
    m.infer.median_ns = infer_ns;
    if (m.cell.co_runner != "none") m.infer.spike_share = .02, m.infer.spike_ns = 5e7;
    m.seed = stats::derived_seed(seed, out.size());
    out.push_back(made_log(m));
  };
  for (const int n : {1, 2, 4}) {
    add("alpha fp32", n, "none", 3e6);
    add("beta fp32", n, "none", 9e6);
  }
  add("beta fp32", 2, "memory", 9e6);
  return out;
}

}  // namespace assay::stream
