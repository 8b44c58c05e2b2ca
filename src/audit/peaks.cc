// SPDX-License-Identifier: Apache-2.0
#include "audit/peaks.h"

#include <algorithm>

#include "audit/machine.h"
#include "audit/plausibility.h"
#include "base/text.h"

namespace assay::audit {
namespace {

constexpr int64_t kLargestFile = 1 << 20;
constexpr double kSeconds = 0.7;  // once a machine and boot

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

}  // namespace

Result<std::vector<platform::Peaks>> peaks_from_file(const fs::path& file) {
  ASSAY_TRY(const std::string text, read_file(file, kLargestFile));
  return parse(text, one_line(file.string(), 200));
}

fs::path kept_peaks_file() {
  return cache_dir() / "peaks" /
         (content_id(boot_id() + "\n" + machine_id() + "\n" + cpu_name()) + ".json");
}

std::optional<platform::Peaks> kept_peaks(int64_t threads) {
  const auto text = read_file(kept_peaks_file(), kLargestFile);
  if (!text) return std::nullopt;
  const auto kept = parse(*text, "kept peaks");
  return kept ? highest_peaks(*kept, "cpu", threads) : std::nullopt;
}

platform::Peaks measure_threads(const std::vector<int>& cpus, int64_t threads) {
  if (cpus.empty()) return {};
  platform::Peaks one = platform::measure_cpu_peaks({cpus.back()}, kSeconds);
  if (threads <= 1) return one;
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

RunPeaks::RunPeaks(PeakOptions options, std::vector<int> cpus, int64_t threads)
    : options_(std::move(options)), cpus_(std::move(cpus)), threads_(threads) {}

Status RunPeaks::get() {
  if (done_ || !options_.wanted) return {};
  done_ = true;
  if (!options_.file.empty()) {
    ASSAY_TRY(peaks_, peaks_from_file(options_.file));
    source_ = "file";
    return {};
  }
  if (const auto p = kept_peaks(threads_)) {
    peaks_ = {*p};
    source_ = "kept";
    return {};
  }
  peaks_ = {measure_threads(cpus_, threads_)};
  source_ = "measured";
  keep();
  return {};
}

bool RunPeaks::again() {
  if (peaks_.empty() || source_ == "file") return false;
  std::vector<platform::Peaks> both = peaks_;
  both.push_back(measure_threads(cpus_, threads_));
  if (auto p = highest_peaks(both, "cpu", threads_)) peaks_ = {*p};
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
        if (p.device != "cpu" || p.threads != threads_) list.push_back(platform::to_json(p));
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
