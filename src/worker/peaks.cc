// SPDX-License-Identifier: Apache-2.0
#include "worker/peaks.h"

#include <charconv>

#include "base/text.h"
#include "platform/peaks.h"

namespace assay::worker {
namespace {

constexpr std::string_view kKind = "cuda:";
constexpr int kMostDevices = 64;
constexpr double kMostSeconds = 60;

// N of "cuda:N"; -1 when it is none.
int cuda_index(std::string_view device) {
  if (!device.starts_with(kKind)) return -1;
  device.remove_prefix(kKind.size());
  int index = -1;
  const auto [end, error] = std::from_chars(device.data(), device.data() + device.size(), index);
  const bool whole = error == std::errc() && end == device.data() + device.size();
  return whole && index >= 0 && index < kMostDevices ? index : -1;
}

}  // namespace

bool asks_for_peaks(std::string_view request) {
  const auto j = parse_json(request, "request");
  return j && j->is_object() && get_string(*j, "action") == "peaks";
}

int run_peaks(std::string_view request, EventWriter& events) {
  const auto j = parse_json(request, "request");
  const std::string device = j ? get_string(*j, "device") : std::string();
  const double seconds = j ? get_double(*j, "seconds", 1) : 0;
  const int index = cuda_index(device);
  if (!j || get_int(*j, "protocol") != 1 || index < 0 ||
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
