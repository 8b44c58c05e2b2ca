// SPDX-License-Identifier: Apache-2.0
// Launches of two made-up engines whose truth is known, for tests only.
#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "diff/layer_delta.h"

namespace assay::diff {

struct MadeEngine {
  std::vector<double> layers_ns;    // true medians
  double outside_ns = 0;            // of a run, outside of layers
  double overhead_ns = 0;           // of the instrumentation, outside of layers
  std::vector<double> inflated_ns;  // of the instrumentation, inside each layer; may be empty
  int64_t tick_ns = 1;              // step of its profiler
};

// A launch: every time is multiplied by `drift`, which the engines of one pair share, and by the
// launch's own effect (`spread`, relative); runs scatter by 2 % around that.
inline TimedLaunch made_launch(const MadeEngine& e, double drift, double spread, int runs,
                               std::mt19937_64& engine) {
  std::normal_distribution<double> noise(0, 1);
  TimedLaunch out;
  out.layers.resize(e.layers_ns.size());
  std::vector<double> own;
  double truth = e.outside_ns;
  for (const double t : e.layers_ns) own.push_back(t * drift * std::exp(spread * noise(engine)));
  for (const double t : own) truth += t;
  for (int r = 0; r < runs; ++r) {
    double whole = e.outside_ns + e.overhead_ns;
    for (size_t i = 0; i < own.size(); ++i) {
      double t = own[i] * std::exp(0.02 * noise(engine));
      if (!e.inflated_ns.empty()) t += e.inflated_ns[i];
      whole += t;
      const auto ns = static_cast<int64_t>(t);
      out.layers[i].push_back(ns / e.tick_ns * e.tick_ns);
    }
    out.whole.push_back(static_cast<int64_t>(whole) / e.tick_ns * e.tick_ns);
    out.samples.push_back(static_cast<int64_t>(truth * std::exp(0.02 * noise(engine))));
  }
  return out;
}

struct MadePairs {
  std::vector<TimedLaunch> a, b;
};
inline MadePairs made_pairs(const MadeEngine& a, const MadeEngine& b, int launches, double spread,
                            std::mt19937_64& engine) {
  MadePairs out;
  std::uniform_real_distribution<double> drift(0.9, 1.1);
  for (int l = 0; l < launches; ++l) {
    const double d = drift(engine);
    out.a.push_back(made_launch(a, d, spread, 31, engine));
    out.b.push_back(made_launch(b, d, spread, 31, engine));
  }
  return out;
}

inline std::vector<LayerPair> one_to_one(size_t n) {
  std::vector<LayerPair> out;
  for (size_t i = 0; i < n; ++i) out.push_back({{i}, {i}, false});
  return out;
}

}  // namespace assay::diff
