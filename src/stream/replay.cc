// SPDX-License-Identifier: Apache-2.0
#include "stream/replay.h"

#include <cassert>
#include <cmath>

namespace assay::stream {

std::vector<int64_t> periodic(int64_t offset_ns, int64_t period_ns, int64_t frames) {
  std::vector<int64_t> out(static_cast<size_t>(std::max<int64_t>(frames, 0)));
  for (size_t i = 0; i < out.size(); ++i) out[i] = offset_ns + static_cast<int64_t>(i) * period_ns;
  return out;
}

std::vector<std::vector<ReplayedFrame>> replay_frames(Policy policy,
                                                      std::span<const ReplayCamera> cameras) {
  std::vector<std::vector<ReplayedFrame>> out;
  std::vector<std::span<const int64_t>> releases;
  for (const ReplayCamera& c : cameras) {
    assert(!c.services.empty());
    releases.emplace_back(c.releases);
    auto& frames = out.emplace_back(c.releases.size());
    for (size_t i = 0; i < frames.size(); ++i) frames[i].release_ns = c.releases[i];
  }
  const auto service = [&](int32_t c, int64_t i) {
    const auto& times = cameras[static_cast<size_t>(c)].services;
    return times[static_cast<size_t>(i) % times.size()];
  };
  run_queue(policy, std::move(releases), service,
            [&](int32_t c, int64_t i, Fate fate, int64_t start, int64_t done) {
              ReplayedFrame& f = out[static_cast<size_t>(c)][static_cast<size_t>(i)];
              assert(f.fate == Fate::pending);
              const int64_t deadline = cameras[static_cast<size_t>(c)].deadline_ns;
              f.fate = fate;
              f.start_ns = start;
              f.done_ns = done;
              f.missed = fate != Fate::done || (deadline > 0 && f.response_ns() > deadline);
            });
  return out;
}

std::optional<std::vector<double>> stationary_wait(std::span<const double> service, int64_t period,
                                                   int64_t most_steps) {
  constexpr double kTrim = 1e-18, kSettled = 1e-15;
  double total = 0, mean = 0;
  for (size_t k = 0; k < service.size(); ++k) {
    if (!(service[k] >= 0)) return std::nullopt;
    total += service[k];
    mean += static_cast<double>(k) * service[k];
  }
  if (period < 1 || std::abs(total - 1) > 1e-9 || mean >= static_cast<double>(period))
    return std::nullopt;
  std::vector<double> wait = {1}, next;
  for (int64_t step = 0; step < most_steps; ++step) {
    next.assign(wait.size() + service.size(), 0.0);
    for (size_t s = 0; s < service.size(); ++s) {
      if (service[s] == 0) continue;
      for (size_t w = 0; w < wait.size(); ++w) {
        const auto at = static_cast<int64_t>(w + s) - period;
        next[static_cast<size_t>(std::max<int64_t>(at, 0))] += wait[w] * service[s];
      }
    }
    while (next.size() > 1 && next.back() < kTrim) next.pop_back();
    double sum = 0, change = 0;
    for (const double p : next) sum += p;
    for (double& p : next) p /= sum;  // what was trimmed and rounded away
    for (size_t k = 0; k < std::max(wait.size(), next.size()); ++k)
      change += std::abs((k < next.size() ? next[k] : 0) - (k < wait.size() ? wait[k] : 0));
    wait.swap(next);
    if (change < kSettled) return wait;
  }
  return std::nullopt;
}

}  // namespace assay::stream
