// SPDX-License-Identifier: Apache-2.0
#include "platform/peaks.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace assay::platform {
namespace {

// No machine does more: a figure above is a lie or damage.
constexpr double kMostOperations = 1e18, kMostBytes = 1e16;

struct Figure {
  const char* name;
  double Peaks::*value;
  double most;
};
constexpr Figure kFigures[] = {{"flops_fp32", &Peaks::flops_fp32, kMostOperations},
                               {"flops_fp16", &Peaks::flops_fp16, kMostOperations},
                               {"flops_int8", &Peaks::flops_int8, kMostOperations},
                               {"read_bytes_per_s", &Peaks::read_bytes_per_s, kMostBytes},
                               {"cache_bytes_per_s", &Peaks::cache_bytes_per_s, kMostBytes}};

}  // namespace

// What is unknown is null, never 0.
Json to_json(const Peaks& p) {
  Json j{{"device", p.device}, {"threads", p.threads}, {"isa", p.isa}};
  for (const Figure& f : kFigures) j[f.name] = p.*f.value > 0 ? Json(p.*f.value) : Json(nullptr);
  j["last_cache_bytes"] = p.last_cache_bytes > 0 ? Json(p.last_cache_bytes) : Json(nullptr);
  j["repetitions"] = p.repetitions;
  return j;
}

Result<Peaks> peaks_from_json(const Json& j) {
  const auto wrong = [](const char* what) {
    return bad_input(fmt::format("peaks: {} is not as it must be", what),
                     "measure them again: remove the file, or give --peaks another");
  };
  if (!j.is_object()) return wrong("the whole");
  Peaks p;
  p.device = get_string(j, "device");
  if (p.device != "cpu" && !p.device.starts_with("cuda:")) return wrong("device");
  p.device = one_line(p.device, 20);
  const int64_t threads = get_int(j, "threads", 0);
  if (threads < 1 || threads > 65536) return wrong("threads");
  p.threads = static_cast<int>(threads);
  p.isa = one_line(get_string(j, "isa"), 40);
  for (const Figure& f : kFigures) {
    const auto at = j.find(f.name);
    if (at == j.end() || at->is_null()) continue;  // unknown
    if (!at->is_number()) return wrong(f.name);
    p.*f.value = at->get<double>();
    if (!(p.*f.value > 0 && p.*f.value <= f.most)) return wrong(f.name);
  }
  if (const auto at = j.find("last_cache_bytes"); at != j.end() && !at->is_null()) {
    p.last_cache_bytes = get_int(j, "last_cache_bytes", -1);
    if (p.last_cache_bytes <= 0 || p.last_cache_bytes > int64_t{1} << 40)
      return wrong("last_cache_bytes");
  }
  p.repetitions = std::clamp<int64_t>(get_int(j, "repetitions"), 0, int64_t{1} << 40);
  return p;
}

}  // namespace assay::platform
