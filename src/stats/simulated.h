// SPDX-License-Identifier: Apache-2.0
// Simulated latencies and the reading of error rates, for tests only.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace assay::stats {

// Latencies centre * exp(sigma X) in ns, X a stationary AR(1) with unit variance (phi 0:
// independent).
inline std::vector<int64_t> simulated_series(size_t n, double phi, double sigma, double centre,
                                             std::mt19937_64& engine) {
  std::normal_distribution<double> noise(0, 1);
  const double step = std::sqrt(1 - phi * phi);
  std::vector<int64_t> out(n);
  double x = noise(engine);
  for (auto& v : out) {
    x = phi * x + step * noise(engine);
    v = static_cast<int64_t>(centre * std::exp(sigma * x));
  }
  return out;
}

// Independent lognormal values about 10^6.
inline std::vector<double> simulated_lognormal(size_t n, double sigma, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> noise(0, sigma);
  std::vector<double> out(n);
  for (auto& v : out) v = 1e6 * std::exp(noise(engine));
  return out;
}

// The largest error rate that `audits` simulated audits of a claim with this nominal error may
// show.
inline double most_errors(double nominal, int audits) {
  return nominal + 3 * std::sqrt(nominal * (1 - nominal) / audits);
}

// A figure of a simulation, printed and kept in the test's record.
inline void figure(const std::string& name, double value) {
  std::printf("             %s = %.4g\n", name.c_str(), value);
  ::testing::Test::RecordProperty(name, std::to_string(value));
}

}  // namespace assay::stats
