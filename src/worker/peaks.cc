// SPDX-License-Identifier: Apache-2.0
#include "worker/peaks.h"

#include "base/text.h"
#include "platform/cuda.h"
#include "platform/peaks.h"

namespace assay::worker {
namespace {

constexpr int kMostDevices = 64;
constexpr double kMostSeconds = 60;

}  // namespace

bool asks_for_peaks(std::string_view request) {
  const auto j = parse_json(request, "request");
  return j && j->is_object() && get_string(*j, "action") == "peaks";
}

int run_peaks(std::string_view request, EventWriter& events) {
  const auto j = parse_json(request, "request");
  const std::string device = j ? get_string(*j, "device") : std::string();
  const double seconds = j ? get_double(*j, "seconds", 1) : 0;
  const int index = platform::cuda_index(device);
  if (!j || get_int(*j, "protocol") != 1 || index < 0 || index >= kMostDevices ||
      !(seconds > 0 && seconds <= kMostSeconds)) {
    events.error("invalid",
                 fmt::format("request: protocol 1, device cuda:0 to cuda:{} and seconds up to {} "
                             "are expected",
                             kMostDevices - 1, kMostSeconds));
    return 1;
  }
  const auto peaks = platform::measure_gpu_peaks(
      platform::roots_from_json(get_object(*j, "platform")), index, seconds);
  if (!peaks) {
    events.error(peaks.error().code == ExitCode::missing ? "missing" : "failed",
                 peaks.error().message);
    return 1;
  }
  events.send({{"event", "peaks"}, {"peaks", platform::to_json(*peaks)}});
  return events.send({{"event", "done"}}) ? 0 : 1;
}

}  // namespace assay::worker
