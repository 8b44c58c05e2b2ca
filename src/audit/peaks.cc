// SPDX-License-Identifier: Apache-2.0
#include "audit/peaks.h"

#include <algorithm>

#include "audit/job.h"
#include "audit/machine.h"
#include "audit/plausibility.h"
#include "base/text.h"
#include "worker/child.h"

namespace assay::audit {
namespace {

constexpr int64_t kLargestFile = 1 << 20;
constexpr double kSeconds = 0.7;  // once a machine and boot
constexpr double kGpuTimeout = 60;

Result<std::vector<platform::Peaks>> parse(const std::string& text, const std::string& where) {
  ASSAY_TRY(const Json j, parse_json(text, where));
  std::vector<platform::Peaks> out;
  const Json list = j.is_array() ? j : Json::array({j});
  for (const Json& item : list) {
    auto p = platform::peaks_from_json(item);
    if (!p) return bad_input(fmt::format("{}: {}", where, p.error().message), p.error().fix);
    out.push_back(std::move(*p));
  }
  return out;
}

// Absent when there is no such GPU, or it cannot be measured: a bound is then not known.
Result<std::optional<platform::Peaks>> gpu_peaks(const std::string& device, const fs::path& in) {
  ASSAY_TRY(TempDir scratch, TempDir::create(in, "peaks-"));
  ASSAY_CHECK(make_dirs(scratch.path() / "home"));
  EventLog log;
  worker::ChildSpec spec;
  spec.argv = {(executable_dir() / "assay-worker").string()};
  // GPUs are counted as NVML counts them.
  spec.env = {{"CUDA_DEVICE_ORDER", "PCI_BUS_ID"}};
  spec.stdin_text =
      dump_json({{"protocol", 1},
                 {"action", "peaks"},
                 {"device", device},
                 {"seconds", kSeconds},
                 {"platform", platform::to_json(platform::roots_from_environment())}});
  spec.scratch = scratch.path() / "home";
  spec.stdout_file = scratch.path() / "stdout";
  spec.stderr_file = scratch.path() / "stderr";
  spec.timeout_s = kGpuTimeout;
  spec.on_event = [&](std::string_view line) { log.add(line); };
  ASSAY_TRY(const worker::ChildResult child, worker::run_child(spec));
  const Json* event = log.find("peaks");
  if (judge(child, log).outcome != "ok" || event == nullptr) return std::nullopt;
  auto peaks = platform::peaks_from_json(get_object(*event, "peaks"));
  if (!peaks || peaks->device != device) return std::nullopt;
  return std::optional(std::move(*peaks));
}

}  // namespace

Result<std::vector<platform::Peaks>> peaks_from_file(const fs::path& file) {
  ASSAY_TRY(const std::string text, read_file(file, kLargestFile));
  return parse(text, one_line(file.string(), 200));
}

fs::path kept_peaks_file() {
  return cache_dir() / "peaks" /
         (content_id(boot_id() + "\n" + machine_id() + "\n" + cpu_name()) + ".json");
}

std::optional<platform::Peaks> kept_peaks(const std::string& device, int64_t threads) {
  const auto text = read_file(kept_peaks_file(), kLargestFile);
  if (!text) return std::nullopt;
  const auto kept = parse(*text, "kept peaks");
  return kept ? highest_peaks(*kept, device, threads) : std::nullopt;
}

platform::Peaks measure_threads(const std::vector<int>& cpus, int64_t threads) {
  if (cpus.empty()) return {};
  platform::Peaks one = platform::measure_cpu_peaks({cpus.back()}, kSeconds);
  if (threads <= 1) return one;
  if (cpus.size() > 1) {  // cores may be unlike: the faster kind stands first or last
    const platform::Peaks first = platform::measure_cpu_peaks({cpus.front()}, kSeconds);
    one = *highest_peaks({one, first}, "cpu", 1);
  }
  const platform::Peaks all = platform::measure_cpu_peaks(cpus, kSeconds);
  const auto n = static_cast<double>(threads);
  one.threads = static_cast<int>(threads);
  one.flops_fp32 *= n;
  one.flops_fp16 *= n;
  one.flops_int8 *= n;
  one.cache_bytes_per_s *= n;
  one.read_bytes_per_s = all.read_bytes_per_s;
  one.last_cache_bytes = all.last_cache_bytes;
  return one;
}

RunPeaks::RunPeaks(PeakOptions options, std::vector<int> cpus, int64_t threads,
                   std::set<std::string> devices)
    : options_(std::move(options)),
      cpus_(std::move(cpus)),
      threads_(threads),
      devices_(std::move(devices)) {}

Status RunPeaks::measure(const std::string& device, const fs::path& scratch,
                         std::vector<platform::Peaks>& into) const {
  if (device == "cpu") {
    into.push_back(measure_threads(cpus_, threads_));
    return {};
  }
  ASSAY_TRY(auto peaks, gpu_peaks(device, scratch));
  if (!peaks) return {};
  peaks->threads =
      static_cast<int>(threads_);  // of the host: a GPU's figures do not depend on them
  into.push_back(std::move(*peaks));
  return {};
}

Status RunPeaks::get(const fs::path& scratch) {
  if (done_ || !options_.wanted) return {};
  done_ = true;
  if (!options_.file.empty()) {
    ASSAY_TRY(peaks_, peaks_from_file(options_.file));
    source_ = "file";
    return {};
  }
  source_ = "kept";
  for (const std::string& device : devices_) {
    if (const auto p = kept_peaks(device, threads_)) {
      peaks_.push_back(*p);
      continue;
    }
    ASSAY_CHECK(measure(device, scratch, peaks_));
    source_ = "measured";
  }
  if (source_ == "measured") keep();
  return {};
}

Result<bool> RunPeaks::again(const fs::path& scratch) {
  if (peaks_.empty() || source_ == "file") return false;
  std::vector<platform::Peaks> both = peaks_;
  for (const std::string& device : devices_) ASSAY_CHECK(measure(device, scratch, both));
  peaks_.clear();
  for (const std::string& device : devices_)
    if (auto p = highest_peaks(both, device, threads_)) peaks_.push_back(*p);
  source_ = "measured";
  keep();
  return true;
}

// Best effort: without the file the next run measures again.
void RunPeaks::keep() const {
  Json list = Json::array();
  if (const auto text = read_file(kept_peaks_file(), kLargestFile))
    if (const auto kept = parse(*text, "kept peaks"))
      for (const platform::Peaks& p : *kept)
        if (p.threads != threads_ || !highest_peaks(peaks_, p.device, threads_))
          list.push_back(platform::to_json(p));
  for (const platform::Peaks& p : peaks_) list.push_back(platform::to_json(p));
  if (make_dirs(kept_peaks_file().parent_path()))
    (void)write_file_atomic(kept_peaks_file(), dump_json(list));
}

Status RunPeaks::store(store::RunFolder& run, const std::string& attempt_id) const {
  for (const platform::Peaks& p : peaks_) {
    Json j = platform::to_json(p);
    j["source"] = source_;
    ASSAY_CHECK(run.db().run("INSERT OR IGNORE INTO peak VALUES(?,?,?,?)",
                             {attempt_id, p.device, int64_t{p.threads}, dump_json(j)}));
  }
  return {};
}

}  // namespace assay::audit
