// SPDX-License-Identifier: Apache-2.0
// Laws with known quantiles, of which tests and calibrations draw latencies; the parents of
// statistics.md, section 6.4.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "stats/gpd.h"
#include "stats/random.h"

namespace assay::stats {

enum class Parent { gamma2, normal, lognormal, gpd_light, gpd_heavy, exponential, two_modes };

inline std::string parent_name(Parent p) {
  switch (p) {
    case Parent::gamma2:
      return "gamma(2)";
    case Parent::normal:
      return "normal";
    case Parent::lognormal:
      return "lognormal .25";
    case Parent::gpd_light:
      return "GPD xi=-.3";
    case Parent::gpd_heavy:
      return "GPD xi=+.2";
    case Parent::exponential:
      return "exponential";
    case Parent::two_modes:
      return "99.9 % N(1,.02) + 0.1 % N(1.5,.1)";
  }
  return "";
}

// One latency, ns, around 1 ms; as a real number (tests round it).
inline double draw(Parent parent, Random& r) {
  switch (parent) {
    case Parent::gamma2:
      return 1e6 * (exponential(r) + exponential(r));
    case Parent::normal:
      return 1e6 * (10 + normal(r));
    case Parent::lognormal:
      return 1e6 * std::exp(.25 * normal(r));
    case Parent::gpd_light:
      return 1e6 * gpd_quantile(uniform(r), 1, -.3);
    case Parent::gpd_heavy:
      return 1e6 * gpd_quantile(uniform(r), 1, .2);
    case Parent::exponential:
      return 1e6 * exponential(r);
    case Parent::two_modes:
      return uniform(r) < .001 ? 1e6 * (1.5 + .1 * normal(r)) : 1e6 * (1 + .02 * normal(r));
  }
  return 0;
}

inline double upper_normal(double p) {  // z with P(Z > z) = p
  double lo = -40, hi = 40;
  for (int i = 0; i < 200; ++i) {
    const double mid = (lo + hi) / 2;
    (std::erfc(mid / std::sqrt(2.0)) / 2 > p ? lo : hi) = mid;
  }
  return lo;
}

// The latency exceeded with probability p.
inline double true_quantile(Parent parent, double p) {
  switch (parent) {
    case Parent::gamma2: {  // (1 + x) exp(-x) = p
      double x = 1;
      for (int i = 0; i < 300; ++i) x = -std::log(p) + std::log1p(x);
      return 1e6 * x;
    }
    case Parent::normal:
      return 1e6 * (10 + upper_normal(p));
    case Parent::lognormal:
      return 1e6 * std::exp(.25 * upper_normal(p));
    case Parent::gpd_light:
      return 1e6 * gpd_quantile(p, 1, -.3);
    case Parent::gpd_heavy:
      return 1e6 * gpd_quantile(p, 1, .2);
    case Parent::exponential:
      return -1e6 * std::log(p);
    case Parent::two_modes: {
      double lo = .5, hi = 4;
      for (int i = 0; i < 200; ++i) {
        const double x = (lo + hi) / 2, root = std::sqrt(2.0);
        const double tail = .999 * std::erfc((x - 1) / .02 / root) / 2 +
                            .001 * std::erfc((x - 1.5) / .1 / root) / 2;
        (tail > p ? lo : hi) = x;
      }
      return 1e6 * lo;
    }
  }
  return 0;
}

inline std::vector<int64_t> series(Parent parent, int n, uint64_t seed) {
  Random random(seed);
  std::vector<int64_t> x;
  x.reserve(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) x.push_back(static_cast<int64_t>(draw(parent, random)));
  return x;
}

}  // namespace assay::stats
