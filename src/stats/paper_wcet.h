// SPDX-License-Identifier: Apache-2.0
// The worst case of the paper under audit, its equation 1 as rewritten in section 6.5, printed
// beside the pWCET. It is a sum of constants: no tail, no confidence, no queueing; C1, C2, C3 and
// epsilon are what the caller states or the largest values seen (statistics.md, section 1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace assay::stats {

// Terms in ns. One camera (cameras == 1): R = C1 + C2 + tau_inf + C3. F cameras:
// R = sum_f C1_f + (C2 + epsilon) + (tau_inf + delta_inf) + (C3 + epsilon), delta_inf the growth of
// inference by concurrency, epsilon the change of pre- and post-processing, which the paper calls
// insignificant and this prints.
struct PaperWcet {
  int64_t cameras = 0;
  double read_ns = 0;  // C1, or the sum of C1_f
  double pre_ns = 0, post_ns = 0;
  double inference_ns = 0;
  double delta_inference_ns = 0, epsilon_ns = 0;  // 0 for one camera
  double response_ns = 0;
  bool ok = false;
};
PaperWcet paper_wcet_single(double c1, double c2, double inference, double c3);
// `c1`: one read time a camera (at least 1). Terms must be finite and >= 0; delta_inf and epsilon
// may be negative. Else ok = false.
PaperWcet paper_wcet_multi(std::span<const double> c1, double c2, double inference, double c3,
                           double delta_inference, double epsilon);

// Terms from measurement: the maximum of each stage alone (inference alone) and under F cameras.
// epsilon is the larger growth of the maxima of pre and post. Empty stages: ok = false.
struct StageSeries {
  std::span<const int64_t> read, pre, inference, post;  // ns
};
PaperWcet paper_wcet_from_max(const StageSeries& alone);
PaperWcet paper_wcet_from_max(const StageSeries& alone, std::span<const StageSeries> cameras);

}  // namespace assay::stats
