// SPDX-License-Identifier: Apache-2.0
// Series for the tests: two data sets that every R has, and seeded laws.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace assay::stats {

// Annual flow of the Nile at Aswan, 1871-1970, 10^8 m^3 (R datasets::Nile; Cobb 1978).
inline const std::vector<int64_t> kNile = {
    1120, 1160, 963, 1210, 1160, 1160, 813,  1230, 1370, 1140, 995,  935,  1110, 994,  1020,
    960,  1180, 799, 958,  1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774,  840,
    874,  694,  940, 833,  701,  916,  692,  1020, 1050, 969,  831,  726,  456,  824,  702,
    1120, 1100, 832, 764,  821,  768,  845,  864,  862,  698,  845,  744,  796,  1040, 759,
    781,  865,  845, 944,  984,  897,  822,  1010, 771,  676,  649,  846,  812,  742,  801,
    1040, 860,  874, 848,  890,  744,  749,  838,  1050, 918,  986,  797,  923,  975,  815,
    1020, 906,  901, 1170, 912,  746,  919,  718,  714,  740};

// Luteinizing hormone at 10-minute intervals, in tenths (R datasets::lh; Diggle 1990).
inline const std::vector<int64_t> kLh = {
    24, 24, 24, 22, 21, 15, 23, 23, 25, 20, 19, 17, 22, 18, 32, 32, 27, 22, 22, 19, 19, 18, 27, 30,
    23, 20, 20, 29, 29, 27, 27, 23, 26, 24, 18, 17, 15, 14, 21, 33, 35, 35, 31, 26, 21, 34, 30, 29};

enum class Law { normal, lognormal, t2, bimodal, five_level };
constexpr Law kLaws[] = {Law::normal, Law::lognormal, Law::t2, Law::bimodal, Law::five_level};
inline const char* name_of(Law law) {
  constexpr const char* kNames[] = {"normal", "lognormal", "t2", "bimodal", "5-level"};
  return kNames[static_cast<int>(law)];
}

// iid latencies around 1 ms; scale: coefficient of variation of the normal.
inline std::vector<int64_t> clean(Law law, int64_t n, std::mt19937_64& rng, double scale = 0.02) {
  std::normal_distribution<double> normal;
  std::student_t_distribution<double> t2(2);
  std::vector<int64_t> out(static_cast<size_t>(n));
  for (int64_t& v : out) {
    double x = 0;
    switch (law) {
      case Law::normal:
        x = scale * normal(rng);
        break;
      case Law::lognormal:
        x = std::expm1(5 * scale * normal(rng));
        break;
      case Law::t2:
        x = scale * t2(rng);
        break;
      case Law::bimodal:
        x = (rng() % 10 < 3 ? 0.1 : 0.0) + scale * normal(rng) / 2;
        break;
      case Law::five_level:
        x = 0.003 * static_cast<double>(rng() % 5);
        break;
    }
    v = static_cast<int64_t>(std::llround(1e6 * (1 + x)));
  }
  return out;
}

// Faults, planted into a clean normal series of 2 % spread around 1 ms. The reason's opening phrase
// that must come of each is beside it in kFaults.
enum class Fault {
  step,       // throttling: +5 % from somewhere in the middle 70 % on
  drift,      // +3 % from the first sample to the last, straight
  burst,      // 60 samples in a row 3 standard deviations slower
  copied,     // 100 samples in a row copied to a later place
  tick,       // 0.5 us clock, median 50 us
  beat,       // +10 % at every 30th sample (a timer)
  sine,       // a wave of 1.5 standard deviations, 33.3 samples long
  two_modes,  // 0.4 % of the samples at 1.5 times the median
  unsteady,   // -6 % after 80 % of the samples: the level never settles
  dependent,  // AR(1), .5
};
struct Planted {
  Fault fault;
  const char* name;
  int64_t n;
  const char* reason;
};
constexpr Planted kFaults[] = {
    {Fault::step, "throttle step", 5000, "step:"},
    {Fault::drift, "drift", 5000, "drift:"},
    {Fault::burst, "burst", 2000, "burst:"},
    {Fault::copied, "copied samples", 5000, "copied samples:"},
    {Fault::tick, "0.5 us clock tick", 5000, "coarse clock:"},
    {Fault::beat, "beat", 5000, "periodic:"},
    {Fault::sine, "sine", 2000, "periodic:"},
    {Fault::two_modes, "two-mode tail", 10000, "two-mode tail:"},
    {Fault::unsteady, "no steady state", 5000, "no steady state:"},
    {Fault::dependent, "AR(1) .5", 2000, "dependent:"},
};

inline std::vector<int64_t> planted(Fault fault, int64_t n, std::mt19937_64& rng) {
  std::vector<int64_t> v = clean(Law::normal, n, rng);
  const auto somewhere = [&](double from, double to) {
    const double u = static_cast<double>(rng() >> 11) * 0x1p-53;
    return static_cast<int64_t>((from + (to - from) * u) * static_cast<double>(n));
  };
  std::normal_distribution<double> normal;
  switch (fault) {
    case Fault::step:
      for (int64_t i = somewhere(0.15, 0.85); i < n; ++i) v[i] += 50000;
      break;
    case Fault::drift:
      for (int64_t i = 0; i < n; ++i) v[i] += 30000 * i / n;
      break;
    case Fault::burst:
      for (int64_t i = somewhere(0.05, 0.9), k = 0; k < 60; ++k) v[i + k] += 60000;
      break;
    case Fault::copied: {
      const int64_t from = somewhere(0, 0.4), to = somewhere(0.5, 0.95);
      for (int64_t k = 0; k < 100; ++k) v[to + k] = v[from + k];
      break;
    }
    case Fault::tick:
      for (int64_t& x : v) x = x / 20 / 500 * 500;
      break;
    case Fault::beat:
      for (int64_t i = static_cast<int64_t>(rng() % 30); i < n; i += 30) v[i] += 100000;
      break;
    case Fault::sine:
      for (int64_t i = 0; i < n; ++i)
        v[i] += static_cast<int64_t>(30000 *
                                     std::sin(6.283185307179586 * static_cast<double>(i) / 33.3));
      break;
    case Fault::two_modes:
      for (int64_t& x : v)
        if (rng() % 250 == 0) x += 500000;
      break;
    case Fault::unsteady:
      for (int64_t i = n * 8 / 10; i < n; ++i) v[i] -= 60000;
      break;
    case Fault::dependent: {
      double x = 0;
      for (int64_t& y : v) {
        x = 0.5 * x + normal(rng);
        y = 1000000 + static_cast<int64_t>(20000 * x);
      }
      break;
    }
  }
  return v;
}

}  // namespace assay::stats
