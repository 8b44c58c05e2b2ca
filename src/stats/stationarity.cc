// SPDX-License-Identifier: Apache-2.0
#include "stats/stationarity.h"

#include <algorithm>
#include <boost/math/special_functions/bessel.hpp>
#include <cmath>
#include <numbers>

#include "stats/lagged.h"
#include "stats/quiet.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

namespace bm = boost::math;

int64_t size_of(const auto& span) { return static_cast<int64_t>(span.size()); }

template <class T>
WarmUp mser5_of(std::span<const T> series) {
  WarmUp out;
  const int64_t m = size_of(series) / 5;
  if (m < 20) return out;
  out.computed = true;
  const double centre =
      mean_of(size_of(series), [&](int64_t i) { return static_cast<double>(series[i]); });
  double sum = 0, squares = 0, best = 0;
  int64_t best_d = 0;
  bool any = false;
  for (int64_t d = m - 1; d >= 0; --d) {  // batches d..m-1 are kept
    double y = 0;
    for (int64_t i = 5 * d; i < 5 * d + 5; ++i) y += static_cast<double>(series[i]) - centre;
    y /= 5;
    sum += y;
    squares += y * y;
    const auto k = static_cast<double>(m - d);
    if (k < 10) continue;
    const double value = std::max(0.0, squares - sum * sum / k) / (k * k);
    if (!any || value <= best) {  // of equal values the smaller cut
      best = value;
      best_d = d;
      any = true;
    }
  }
  out.cut = 5 * best_d;
  out.steady = 2 * best_d <= m;
  return out;
}

// S = concordant - discordant pairs of later against earlier values, by merge sort.
int64_t discordant(std::vector<int64_t>& v, std::vector<int64_t>& scratch, size_t low,
                   size_t high) {
  if (high - low < 2) return 0;
  const size_t mid = low + (high - low) / 2;
  int64_t count = discordant(v, scratch, low, mid) + discordant(v, scratch, mid, high);
  size_t a = low, b = mid;
  for (size_t k = low; k < high; ++k) {
    if (a < mid && (b >= high || v[a] <= v[b])) {
      scratch[k] = v[a++];
    } else {
      count += static_cast<int64_t>(mid - a);
      scratch[k] = v[b++];
    }
  }
  std::copy(scratch.begin() + static_cast<ptrdiff_t>(low),
            scratch.begin() + static_cast<ptrdiff_t>(high),
            v.begin() + static_cast<ptrdiff_t>(low));
  return count;
}

}  // namespace

WarmUp mser5(std::span<const float> series) { return mser5_of(series); }
WarmUp mser5(std::span<const int64_t> series) { return mser5_of(series); }

double brownian_bridge_square_tail(double x) {
  if (!(x > 0)) return 1;
  constexpr double pi = std::numbers::pi;
  // Largest of the weights 1/(j pi)^2 alone decides the far tail: sqrt(2) P(|Z| > pi sqrt x).
  if (x > 3) return unit(std::numbers::sqrt2 * std::erfc(pi * std::sqrt(x / 2)));
  double sum = 0, weight = 1;  // Gamma(j+1/2) / (Gamma(1/2) j!)
  for (int j = 0; j < 40; ++j) {
    const double a = 4.0 * j + 1, z = a * a / (16 * x);
    if (z > 300) break;
    const double term = weight * std::sqrt(a) * std::exp(-z) * bm::cyl_bessel_k(0.25, z, Quiet());
    sum += term;
    if (j > 0 && term < 1e-18 * sum) break;
    weight *= (j + 0.5) / (j + 1.0);
  }
  return unit(1 - sum / (pi * std::sqrt(x)));
}

TestValue kpss_level(std::span<const int64_t> values, int64_t lags) {
  TestValue out;
  const int64_t n = size_of(values);
  if (n < 3) return out;
  if (lags < 0) lags = static_cast<int64_t>(4 * std::pow(static_cast<double>(n) / 100, 0.25));
  lags = std::min(lags, n - 1);
  const double mean = mean_of(n, [&](int64_t i) { return static_cast<double>(values[i]); });
  const auto centred = [&](int64_t i) { return static_cast<double>(values[i]) - mean; };
  double partial = 0, eta = 0;
  for (int64_t i = 0; i < n; ++i) {
    partial += centred(i);
    eta += partial * partial;
  }
  const std::vector<double> gamma = lagged_products(n, 0, lags, centred);
  double variance = gamma[0];
  for (int64_t j = 1; j <= lags; ++j)
    variance += 2 * (1 - static_cast<double>(j) / static_cast<double>(lags + 1)) * gamma[j];
  const auto size = static_cast<double>(n);
  if (!(gamma[0] > 0) || !(variance > 0)) return out;
  out.statistic = eta / (size * variance);  // eta/n^2 over variance/n
  if (!std::isfinite(out.statistic)) return {};
  out.p = brownian_bridge_square_tail(out.statistic);
  out.computed = true;
  return out;
}

TestValue pettitt(std::span<const float> ranks) {
  TestValue out;
  const int64_t n = size_of(ranks);
  if (n < 2) return out;
  const double centre = static_cast<double>(n + 1) / 2;
  double u = 0;
  for (int64_t i = 0; i < n; ++i) {
    u += 2 * (ranks[i] - centre);
    if (std::abs(u) > out.statistic) {
      out.statistic = std::abs(u);
      out.at = i + 1;
    }
  }
  const auto m = static_cast<double>(n);
  out.p = unit(2 * std::exp(-6 * out.statistic * out.statistic / (m * m * m + m * m)));
  out.computed = out.at > 0;
  return out;
}

TestValue ks_split(std::span<const float> ranks, int64_t split) {
  TestValue out;
  const int64_t n = size_of(ranks);
  if (split < 1 || split >= n) return out;
  size_t top = 0;
  for (const float r : ranks) top = std::max(top, static_cast<size_t>(std::max(r, 0.0f)));
  std::vector<uint32_t> first(top + 1, 0), second(top + 1, 0);
  for (int64_t i = 0; i < n; ++i)
    ++(i < split ? first : second)[static_cast<size_t>(std::max(ranks[i], 0.0f))];
  const auto n1 = static_cast<double>(split), n2 = static_cast<double>(n - split);
  double c1 = 0, c2 = 0, d = 0;
  size_t where = 0;
  for (size_t s = 0; s <= top; ++s) {
    c1 += first[s];
    c2 += second[s];
    const double gap = std::abs(c1 / n1 - c2 / n2);
    if (gap > d) {
      d = gap;
      where = s;
    }
  }
  for (int64_t i = 0; d > 0 && i < n; ++i) {
    if (static_cast<size_t>(std::max(ranks[i], 0.0f)) > where) continue;
    out.at = i;
    if (static_cast<size_t>(std::max(ranks[i], 0.0f)) == where) break;
  }
  out.statistic = d;
  const double root = std::sqrt(n1 * n2 / (n1 + n2));
  out.p = kolmogorov_tail((root + 0.12 + 0.11 / root) * d);
  out.computed = true;
  return out;
}

Slices exceedance_slices(std::span<const float> ranks, int64_t slices) {
  Slices out;
  const int64_t n = size_of(ranks);
  if (slices < 2 || n < 20 * slices) return out;
  const int64_t wanted = std::min(std::max(n / 100, 10 * slices), n / 5);
  const float threshold = rank_at(ranks, n - wanted);
  out.counts.assign(static_cast<size_t>(slices), 0);
  int64_t total = 0;
  const int64_t length = n / slices;  // the last n % slices values belong to no slice
  for (int64_t i = 0; i < length * slices; ++i) {
    const bool above = ranks[i] > threshold;
    out.counts[i / length] += above;
    total += above;
  }
  const auto in_slices = static_cast<double>(length * slices);
  out.share = static_cast<double>(total) / in_slices;
  if (total < 5 * slices) return out;  // ties: the chi-square law does not hold
  const double expected = static_cast<double>(total) / static_cast<double>(slices);
  int64_t fullest = 0;
  for (int64_t s = 0; s < slices; ++s) {
    const double off = static_cast<double>(out.counts[s]) - expected;
    out.test.statistic += off * off / (expected * (1 - out.share));
    if (out.counts[s] > out.counts[fullest]) fullest = s;
  }
  out.fullest = static_cast<double>(out.counts[fullest]) / expected;
  out.test.at = fullest * length;
  out.test.p = chi_square_tail(out.test.statistic, static_cast<double>(slices - 1));
  out.test.computed = true;
  return out;
}

TestValue mann_kendall(std::span<const int64_t> values) {
  TestValue out;
  const int64_t n = size_of(values);
  if (n < 3) return out;
  std::vector<int64_t> v(values.begin(), values.end()), scratch(values.size());
  const auto down = static_cast<double>(discordant(v, scratch, 0, v.size()));
  double tied_pairs = 0, tie_term = 0;  // v is sorted now
  for (size_t i = 0; i < v.size();) {
    size_t j = i;
    while (j < v.size() && v[j] == v[i]) ++j;
    const auto t = static_cast<double>(j - i);
    tied_pairs += t * (t - 1) / 2;
    tie_term += t * (t - 1) * (2 * t + 5);
    i = j;
  }
  const auto m = static_cast<double>(n);
  const double pairs = m * (m - 1) / 2;
  if (!(pairs > tied_pairs)) return out;
  const double s = pairs - tied_pairs - 2 * down;
  const double variance = (m * (m - 1) * (2 * m + 5) - tie_term) / 18;
  out.statistic = s / std::sqrt(pairs * (pairs - tied_pairs));
  const double z = std::max(0.0, std::abs(s) - 1) / std::sqrt(variance);
  out.p = unit(std::erfc(z / std::numbers::sqrt2));
  out.computed = true;
  return out;
}

TestValue sup_f(std::span<const int64_t> values, double trim) {
  TestValue out;
  const int64_t n = size_of(values);
  if (n < 5 || !(trim >= 0 && trim < 0.5)) return out;
  const auto m = static_cast<double>(n);
  const double mean = mean_of(n, [&](int64_t i) { return static_cast<double>(values[i]); });
  double total = 0;
  for (const int64_t v : values) {
    const double e = static_cast<double>(v) - mean;
    total += e * e;
  }
  const auto low = std::max<int64_t>(1, static_cast<int64_t>(m * trim));
  double partial = 0;
  for (int64_t t = 1; t < n; ++t) {
    partial += static_cast<double>(values[t - 1]) - mean;
    if (t < low || t > n - low) continue;
    const auto left = static_cast<double>(t);
    const double between = partial * partial * m / (left * (m - left));
    const double f = between / ((total - between) / (m - 2));
    if (f > out.statistic) {
      out.statistic = f;
      out.at = t;
    }
  }
  out.computed = out.at > 0 && std::isfinite(out.statistic);
  return out;
}

TestValue ols_cusum(std::span<const int64_t> values) {
  TestValue out;
  const int64_t n = size_of(values);
  if (n < 3) return out;
  const double mean = mean_of(n, [&](int64_t i) { return static_cast<double>(values[i]); });
  double squares = 0, partial = 0, peak = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double e = static_cast<double>(values[i]) - mean;
    squares += e * e;
    partial += e;
    if (i + 1 < n && std::abs(partial) > peak) {
      peak = std::abs(partial);
      out.at = i + 1;
    }
  }
  if (!(squares > 0)) return {};
  const auto m = static_cast<double>(n);
  out.statistic = peak / std::sqrt(squares / (m - 1) * m);
  out.p = kolmogorov_tail(out.statistic);
  out.computed = std::isfinite(out.statistic);
  return out;
}

Shape level_shape(std::span<const float> ranks) {
  Shape out;
  const int64_t n = size_of(ranks);
  if (n < 3) return out;
  const auto m = static_cast<double>(n);
  const double mean = mean_of(n, [&](int64_t i) { return static_cast<double>(ranks[i]); });
  double total = 0, partial = 0, with_time = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double e = ranks[i] - mean;
    if (i > 0) {
      const auto left = static_cast<double>(i);
      const double between = partial * partial * m / (left * (m - left));
      if (between > out.step_r2) {
        out.step_r2 = between;
        out.step_at = i;
      }
    }
    total += e * e;
    partial += e;
    with_time += e * (static_cast<double>(i) - (m - 1) / 2);
  }
  if (!(total > 0)) return {};
  const double time = m * (m * m - 1) / 12;
  out.step_r2 /= total;
  out.line_slope = with_time / time;
  out.line_r2 = with_time * with_time / (time * total);
  return out;
}

}  // namespace assay::stats
