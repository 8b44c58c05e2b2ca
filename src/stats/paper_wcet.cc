// SPDX-License-Identifier: Apache-2.0
#include "stats/paper_wcet.h"

#include <algorithm>
#include <cmath>

namespace assay::stats {
namespace {

bool is_time(double v) { return std::isfinite(v) && v >= 0; }

std::optional<double> largest(std::span<const int64_t> values) {
  if (values.empty()) return std::nullopt;
  return static_cast<double>(*std::max_element(values.begin(), values.end()));
}

}  // namespace

PaperWcet paper_wcet_multi(std::span<const double> c1, double c2, double inference, double c3,
                           double delta_inference, double epsilon) {
  PaperWcet w;
  w.cameras = static_cast<int64_t>(c1.size());
  for (const double c : c1) {
    if (!is_time(c)) return w;
    w.read_ns += c;
  }
  w.pre_ns = c2, w.post_ns = c3, w.inference_ns = inference;
  w.delta_inference_ns = delta_inference, w.epsilon_ns = epsilon;
  if (c1.empty() || !is_time(c2) || !is_time(c3) || !is_time(inference)) return w;
  w.response_ns = w.read_ns + (c2 + epsilon) + (inference + delta_inference) + (c3 + epsilon);
  w.ok = is_time(w.response_ns);
  return w;
}

PaperWcet paper_wcet_single(double c1, double c2, double inference, double c3) {
  return paper_wcet_multi({&c1, 1}, c2, inference, c3, 0, 0);
}

PaperWcet paper_wcet_from_max(const StageSeries& alone) {
  const auto read = largest(alone.read), pre = largest(alone.pre),
             inference = largest(alone.inference), post = largest(alone.post);
  if (!read || !pre || !inference || !post) return {};
  return paper_wcet_single(*read, *pre, *inference, *post);
}

PaperWcet paper_wcet_from_max(const StageSeries& alone, std::span<const StageSeries> cameras) {
  const auto pre = largest(alone.pre), inference = largest(alone.inference),
             post = largest(alone.post);
  if (!pre || !inference || !post || cameras.empty()) return {};
  std::vector<double> c1;
  double pre_f = 0, post_f = 0, inference_f = 0;
  for (const StageSeries& s : cameras) {
    const auto r = largest(s.read), p = largest(s.pre), i = largest(s.inference),
               q = largest(s.post);
    if (!r || !p || !i || !q) return {};
    c1.push_back(*r);
    pre_f = std::max(pre_f, *p), inference_f = std::max(inference_f, *i);
    post_f = std::max(post_f, *q);
  }
  const double epsilon = cameras.size() == 1 ? 0 : std::max(pre_f - *pre, post_f - *post);
  const double delta = cameras.size() == 1 ? 0 : inference_f - *inference;
  return paper_wcet_multi(c1, *pre, *inference, *post, delta, epsilon);
}

}  // namespace assay::stats
