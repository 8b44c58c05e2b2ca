// SPDX-License-Identifier: Apache-2.0
#include "worker/request.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"

namespace assay::worker {
namespace {

constexpr int64_t max_samples = int64_t{1} << 32;
constexpr size_t max_names = 100000;
constexpr int64_t max_idle_ms = 600'000;
constexpr int64_t max_tensor_items = 1 << 20;
constexpr int64_t max_layer_runs = 10000;  // so that the times of one layer fit one event line

Result<fs::path> absolute_path(const Json& j, const char* key) {
  const std::string text = get_string(j, key);
  if (text.empty() || text[0] != '/' || text.find('\0') != std::string::npos)
    return bad_input(fmt::format("request: {} is '{}', expected an absolute path", key, text));
  return fs::path(text);
}

// A whole number in [low, high]; `fallback` when absent.
Result<int64_t> whole(const Json& j, const char* key, int64_t low, int64_t high, int64_t fallback) {
  const auto it = j.find(key);
  const int64_t value = it == j.end() ? fallback : get_int(j, key, low - 1);
  if (value < low || value > high)
    return bad_input(fmt::format("request: {} is {}, expected a whole number from {} to {}", key,
                                 it == j.end() ? "absent" : dump_json(*it), low, high));
  return value;
}

Result<double> duration(const Json& j, const char* key) {
  const double value = get_double(j, key, static_cast<double>(get_int(j, key, 0)));
  if (!std::isfinite(value) || value < 0 || value > 1e7)
    return bad_input(fmt::format("request: {} is {}, expected 0 to 1e7", key, value));
  return value;
}

// Options reach the runner as text: 16, 0.5, true, text.
std::string option_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

Result<LatencyRequest> parse_latency(const Json& j) {
  LatencyRequest latency;
  ASSAY_TRY(latency.samples, whole(j, "samples", 1, max_samples, 0));
  ASSAY_TRY(latency.warmup_runs, whole(j, "warmup_runs", 0, max_samples, 0));
  ASSAY_TRY(latency.warmup_ms, duration(j, "warmup_ms"));
  ASSAY_TRY(latency.slots, whole(j, "slots", 1, 4096, 1));
  ASSAY_TRY(latency.max_seconds, duration(j, "max_seconds"));
  if (const auto it = j.find("seed"); it != j.end() && it->is_number_unsigned())
    latency.seed = it->get<uint64_t>();
  else
    latency.seed = static_cast<uint64_t>(get_int(j, "seed", 0));
  return latency;
}

Result<TensorsRequest> parse_tensors(const Json& j) {
  TensorsRequest tensors;
  const Json& names = get_array(j, "names");
  if (names.empty() || names.size() > max_names)
    return bad_input(
        fmt::format("request: tensors names {} layers, expected 1 to {}", names.size(), max_names));
  for (const Json& name : names) {
    if (!name.is_string() || name.get<std::string>().find('\0') != std::string::npos)
      return bad_input(fmt::format("request: tensors: {} is no name", dump_json(name)));
    tensors.names.push_back(name.get<std::string>());
  }
  ASSAY_TRY(tensors.items, whole(j, "items", 1, max_tensor_items, 1));
  ASSAY_TRY(tensors.dir, absolute_path(j, "dir"));
  return tensors;
}

Result<PlatformRequest> parse_platform(const Json& j) {
  PlatformRequest platform;
  platform.roots = platform::roots_from_json(j);
  if (j.contains("dir")) {
    ASSAY_TRY(platform.dir, absolute_path(j, "dir"));
  }
  ASSAY_TRY(platform.idle_ms, whole(j, "idle_ms", 0, max_idle_ms, 0));
  return platform;
}

}  // namespace

const std::vector<std::string>& check_names() {
  static const std::vector<std::string> names = {"early_return", "repeat", "batch_rows", "after",
                                                 "reload"};
  return names;
}

bool LaunchRequest::wants(std::string_view check) const {
  return std::find(checks.begin(), checks.end(), check) != checks.end();
}

Result<LaunchRequest> parse_launch_request(std::string_view text) {
  ASSAY_TRY(const Json j, parse_json(text, "request"));
  if (!j.is_object()) return bad_input("request: not a JSON object");
  if (get_int(j, "protocol") != 1)
    return bad_input(
        fmt::format("request: protocol {}, this worker speaks 1", get_int(j, "protocol")),
        "use assay and assay-worker of one build");
  if (get_string(j, "action") != "launch")
    return bad_input(fmt::format("request: action '{}', expected launch", get_string(j, "action")));
  LaunchRequest request;
  ASSAY_TRY(request.runner, absolute_path(j, "runner"));
  ASSAY_TRY(request.engine_dir, absolute_path(j, "engine_dir"));
  ASSAY_TRY(request.dataset, absolute_path(j, "dataset"));
  request.library = get_string(j, "library");
  request.device = get_string(j, "device", "cpu");
  request.precision = get_string(j, "precision");
  ASSAY_TRY(const int64_t threads, whole(j, "threads", 1, 4096, 1));
  ASSAY_TRY(const int64_t cpu, whole(j, "cpu", -1, 1023, -1));
  request.threads = static_cast<int>(threads);
  request.cpu = static_cast<int>(cpu);
  if (const auto it = j.find("sampler_cpu"); it != j.end() && !it->is_null()) {
    ASSAY_TRY(const int64_t sampler_cpu, whole(j, "sampler_cpu", -1, 1023, -1));
    request.sampler_cpu = static_cast<int>(sampler_cpu);
  }
  ASSAY_TRY(request.build_index, whole(j, "build_index", 0, INT64_MAX, 0));
  ASSAY_TRY(request.launch_index, whole(j, "launch_index", 0, INT64_MAX, 0));
  request.threads_all = get_bool(j, "threads_all");
  for (const auto& [key, value] : get_object(j, "options").items())
    request.options.emplace_back(key, option_text(value));
  const Json& outputs = get_object(j, "outputs");
  ASSAY_TRY(request.outputs_count, whole(outputs, "count", 0, max_samples, 0));
  if (request.outputs_count > 0) {
    ASSAY_TRY(request.outputs_dir, absolute_path(outputs, "dir"));
  }
  for (const Json& check : get_array(j, "checks")) {
    const std::string name = check.is_string() ? check.get<std::string>() : "";
    if (std::find(check_names().begin(), check_names().end(), name) == check_names().end())
      return bad_input(fmt::format("request: check {} is not known", dump_json(check)));
    request.checks.push_back(name);
  }
  if (const auto it = j.find("latency"); it != j.end() && !it->is_null()) {
    if (!it->is_object()) return bad_input("request: latency is neither null nor an object");
    ASSAY_TRY(request.latency, parse_latency(*it));
  }
  if (const auto it = j.find("platform"); it != j.end() && !it->is_null()) {
    if (!it->is_object()) return bad_input("request: platform is neither null nor an object");
    ASSAY_TRY(request.platform, parse_platform(*it));
  }
  if (const auto it = j.find("tensors"); it != j.end() && !it->is_null()) {
    if (!it->is_object()) return bad_input("request: tensors is neither null nor an object");
    ASSAY_TRY(request.tensors, parse_tensors(*it));
  }
  if (const auto it = j.find("layer_times"); it != j.end() && !it->is_null()) {
    if (!it->is_object()) return bad_input("request: layer_times is neither null nor an object");
    ASSAY_TRY(request.layer_runs, whole(*it, "runs", 1, max_layer_runs, 0));
  }
  request.loaded = get_bool(j, "loaded");
  return request;
}

}  // namespace assay::worker
