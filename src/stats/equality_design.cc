// SPDX-License-Identifier: Apache-2.0
#include "stats/equality_design.h"

#include <algorithm>
#include <cmath>

#include "stats/special.h"

namespace assay::stats {

int64_t tost_n_per_group(double cv, double margin, double alpha, double power) {
  if (!(cv >= 0) || !(margin > 0) || !(alpha > 0) || !(alpha < 1) || !(power > 0) || !(power < 1))
    return 0;
  const double z = normal_quantile(1 - alpha) + normal_quantile(1 - (1 - power) / 2);
  if (!(z > 0)) return 2;
  const double ratio = cv / std::log1p(margin);
  const double n = std::ceil(2 * z * z * ratio * ratio);
  if (!(n < 9e15)) return 0;
  return std::max<int64_t>(2, static_cast<int64_t>(n));
}

int64_t quantile_n_per_group(double q, double density_times_quantile, double margin, double alpha,
                             double power) {
  if (!(q > 0) || !(q < 1) || !(density_times_quantile > 0)) return 0;
  return tost_n_per_group(std::sqrt(q * (1 - q)) / density_times_quantile, margin, alpha, power);
}

double alpha_of_some_pairs(double alpha, int64_t k) {
  const auto engines = static_cast<double>(std::max<int64_t>(k, 0));
  return alpha / std::max(1.0, engines * engines / 4);
}

}  // namespace assay::stats
