// SPDX-License-Identifier: Apache-2.0
// Small dense minimisation for likelihoods of two and three parameters; private to the fits.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace assay::stats {

// Minimum of `f` (infinite where infeasible) by the simplex of Nelder and Mead (1965), restarted
// from its result until a restart gains nothing. `start` must be feasible.
template <typename F>
std::vector<double> minimise_simplex(const F& f, std::vector<double> start,
                                     const std::vector<double>& step) {
  const size_t d = start.size();
  double best_value = f(start);
  for (int round = 0; round < 6; ++round) {
    std::vector<std::pair<double, std::vector<double>>> s{{best_value, start}};
    for (size_t i = 0; i < d; ++i) {
      std::vector<double> v = start;
      v[i] += (round % 2 == 0 ? 1 : -1) * step[i] / (1 + 3 * round);
      s.emplace_back(f(v), v);
    }
    const auto point = [&](const std::vector<double>& centre, double t) {
      std::vector<double> v(d);
      for (size_t i = 0; i < d; ++i) v[i] = centre[i] + t * (s[d].second[i] - centre[i]);
      return v;
    };
    for (int iteration = 0; iteration < 600; ++iteration) {
      std::sort(s.begin(), s.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      double size = 0;
      for (size_t i = 0; i < d; ++i) {
        size = std::max(size, std::fabs(s[d].second[i] - s[0].second[i]));
      }
      if (size < 1e-9) break;
      std::vector<double> centre(d, 0);
      for (size_t j = 0; j < d; ++j) {
        for (size_t i = 0; i < d; ++i) centre[i] += s[j].second[i] / static_cast<double>(d);
      }
      std::vector<double> trial = point(centre, -1);
      double value = f(trial);
      if (value < s[0].first) {
        std::vector<double> further = point(centre, -2);
        const double v = f(further);
        if (v < value) value = v, trial = std::move(further);
      } else if (!(value < s[d - 1].first)) {
        const bool outside = value < s[d].first;
        trial = point(centre, outside ? -0.5 : 0.5);
        value = f(trial);
        if (!(value < s[d].first)) {  // shrink towards the best
          for (size_t j = 1; j <= d; ++j) {
            for (size_t i = 0; i < d; ++i) {
              s[j].second[i] = (s[j].second[i] + s[0].second[i]) / 2;
            }
            s[j].first = f(s[j].second);
          }
          continue;
        }
      }
      s[d] = {value, std::move(trial)};
    }
    std::sort(s.begin(), s.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    const double gain = best_value - s[0].first;
    start = s[0].second;
    best_value = s[0].first;
    if (round > 0 && !(gain > 1e-10)) break;
  }
  return start;
}

// Hessian of `f` at `x` by central differences of fourth order with steps `h`, row by row.
template <typename F>
std::vector<double> numeric_hessian(const F& f, const std::vector<double>& x,
                                    const std::vector<double>& h) {
  const size_t d = x.size();
  const auto at = [&](size_t i, double a, size_t j, double b) {
    std::vector<double> v = x;
    v[i] += a * h[i];
    v[j] += b * h[j];
    return f(v);
  };
  std::vector<double> out(d * d);
  for (size_t i = 0; i < d; ++i) {
    out[d * i + i] = (-at(i, 2, i, 0) + 16 * at(i, 1, i, 0) - 30 * f(x) + 16 * at(i, -1, i, 0) -
                      at(i, -2, i, 0)) /
                     (12 * h[i] * h[i]);
    for (size_t j = 0; j < i; ++j) {
      const auto cross = [&](double a) {
        return (at(i, a, j, a) - at(i, a, j, -a) - at(i, -a, j, a) + at(i, -a, j, -a)) /
               (4 * a * a * h[i] * h[j]);
      };
      out[d * i + j] = out[d * j + i] = (4 * cross(1) - cross(2)) / 3;
    }
  }
  return out;
}

}  // namespace assay::stats
