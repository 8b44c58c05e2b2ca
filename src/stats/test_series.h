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

}  // namespace assay::stats
