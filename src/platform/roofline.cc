// SPDX-License-Identifier: Apache-2.0
#include "platform/roofline.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace assay::platform {
namespace {

std::string scaled(double v, const char* unit) { return scaled_text(v, unit, 4); }

// All times of one line in one unit, so that a reader can divide them.
std::string time_text(double ns, double scale_of) {
  if (scale_of >= 1e5) return fmt::format("{:.3g} ms", ns / 1e6);
  return scale_of >= 100 ? fmt::format("{:.3g} us", ns / 1e3) : fmt::format("{:.3g} ns", ns);
}

// The highest rate that an engine of this precision could compute at: a lower precision asked for
// may still run some kernels at a higher one, never faster than the fastest. 0: unknown.
double rate_of(const std::string& precision, const Peaks& p) {
  if (precision == "int8")
    return p.flops_int8 > 0 ? std::max({p.flops_int8, p.flops_fp16, p.flops_fp32}) : 0;
  if (precision == "fp16" || precision == "bf16")
    return p.flops_fp16 > 0 ? std::max(p.flops_fp16, p.flops_fp32) : 0;
  // On a GPU what is called fp32 may be TF32, at half the rate of fp16.
  if (p.device != "cpu") return p.flops_fp16 > 0 ? std::max(p.flops_fp16 / 2, p.flops_fp32) : 0;
  return p.flops_fp32;
}

struct Memory {
  double ns = 0;
  std::string arithmetic;
};

Memory memory_bound(const Work& w, const Peaks& p) {
  Memory out;
  if (w.weight_bytes <= 0 || p.last_cache_bytes <= 0) return out;
  const auto cache = static_cast<double>(p.last_cache_bytes);
  const auto take = [&](double ns, std::string text) {
    if (ns > out.ns) out = {ns, std::move(text)};
  };
  if (p.read_bytes_per_s > 0 && w.weight_bytes > cache) {
    // What the cache can keep from inference to inference need not be read again; below one part
    // in a hundred it is within the margin and only makes the line longer.
    const bool small = cache < w.weight_bytes / 100;
    const double bytes = small ? w.weight_bytes : w.weight_bytes - cache;
    const double ns = bytes / p.read_bytes_per_s * 1e9;
    take(ns, fmt::format("weights {}{} at {}/s = {}", scaled(w.weight_bytes, "B"),
                         small ? std::string()
                               : fmt::format(" less {} that the caches hold", scaled(cache, "B")),
                         scaled(p.read_bytes_per_s, "B"), time_text(ns, ns)));
  }
  if (p.cache_bytes_per_s > 0) {
    const double ns = (w.weight_bytes + w.activation_bytes) / p.cache_bytes_per_s * 1e9;
    take(ns, fmt::format("weights {}, inputs and outputs {}, at {}/s from the caches = {}",
                         scaled(w.weight_bytes, "B"), scaled(w.activation_bytes, "B"),
                         scaled(p.cache_bytes_per_s, "B"), time_text(ns, ns)));
  }
  return out;
}

}  // namespace

Bound least_time(const Work& w, const Peaks& p, double margin) {
  Bound b;
  b.margin = std::clamp(margin, 0.0, 0.99);
  const double rate = rate_of(w.precision, p);
  if (rate > 0 && w.irreducible_operations > 0)
    b.compute_ns = w.irreducible_operations / rate * 1e9;
  const Memory memory = memory_bound(w, p);
  b.memory_ns = memory.ns;
  b.floor_ns = std::max(b.compute_ns, b.memory_ns);
  b.known = b.floor_ns > 0 && std::isfinite(b.floor_ns);
  if (!b.known) {
    b = {};
    b.arithmetic = "unknown: no work or no peak is known";
    return b;
  }
  if (b.memory_ns >= b.compute_ns) {
    b.limit = "memory";
    b.arithmetic = memory.arithmetic;
  } else {
    b.limit = "arithmetic";
    b.arithmetic = fmt::format("{} that no algorithm saves, at {}/s in {} = {}",
                               scaled(w.irreducible_operations, "operations"), scaled(rate, "OP"),
                               w.precision, time_text(b.compute_ns, b.compute_ns));
  }
  return b;
}

Place place(const Work& w, const Peaks& p, const Bound& b, double latency_ns) {
  Place out;
  if (!(latency_ns > 0) || !std::isfinite(latency_ns)) {
    out.text = "unknown: no latency";
    return out;
  }
  const double rate = rate_of(w.precision, p), seconds = latency_ns / 1e9;
  if (rate > 0) out.share_of_flops = w.operations / seconds / rate;
  if (p.read_bytes_per_s > 0)
    out.share_of_bandwidth = w.weight_bytes / seconds / p.read_bytes_per_s;
  if (!b.known) {
    out.text = b.arithmetic;
    return out;
  }
  out.known = true;
  out.times_the_floor = latency_ns / b.floor_ns;
  out.impossible = latency_ns < b.floor_ns * (1 - b.margin);
  const double times = out.times_the_floor;
  out.text =
      fmt::format("{}; measured {} is {:.2g} x {}", b.arithmetic, time_text(latency_ns, b.floor_ns),
                  times < 1 ? 1 / times : times, times < 1 ? "below" : "the floor");
  return out;
}

}  // namespace assay::platform
