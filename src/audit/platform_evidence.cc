// SPDX-License-Identifier: Apache-2.0
#include "audit/platform_evidence.h"

#include "base/text.h"

namespace assay::audit {
namespace {

constexpr int64_t kMostRecordBytes = int64_t{256} << 20;

}  // namespace

Status store_platform(store::RunFolder& run, std::string_view owner, const std::string& owner_id,
                      const PlatformEvidence& e) {
  return run.db().run("INSERT INTO platform VALUES(?,?,?,?,?,?,?,?)",
                      {random_id(), std::string(owner), owner_id, e.record_blob, e.begin_ns,
                       e.end_ns, e.idle_begin_ns, e.idle_end_ns});
}

Result<std::optional<PlatformEvidence>> load_platform(store::RunFolder& run,
                                                      const std::string& owner_id) {
  ASSAY_TRY(auto row, run.db().first("SELECT platform_id, record_blob, begin_ns, end_ns, "
                                     "idle_begin_ns, idle_end_ns FROM platform WHERE owner_id=? "
                                     "ORDER BY rowid DESC",
                                     {owner_id}));
  if (!row) return std::nullopt;
  PlatformEvidence out;
  out.platform_id = row->text(0);
  out.record_blob = row->text(1);
  out.begin_ns = row->integer(2);
  out.end_ns = row->integer(3);
  out.idle_begin_ns = row->integer(4);
  out.idle_end_ns = row->integer(5);
  const auto text = run.read_blob(out.record_blob);
  const auto json =
      text ? parse_json(*text, "record of the machine") : tl::unexpected(text.error());
  auto record = json ? platform::record_from_json(*json) : tl::unexpected(json.error());
  if (record)
    out.record = std::move(*record);
  else
    out.problem = one_line(record.error().message);
  return out;
}

Result<PlatformEvidence> read_announced(const Json& e, const fs::path& folder) {
  PlatformEvidence out;
  ASSAY_TRY(const fs::path file, path_inside(folder, get_string(e, "file")));
  std::error_code ec;
  if (!fs::is_regular_file(fs::symlink_status(file, ec)))
    return bad_input("announced a record of the machine that is not there");
  out.begin_ns = get_int(e, "begin_ns", -1);
  out.end_ns = get_int(e, "end_ns", -1);
  out.idle_begin_ns = get_int(e, "idle_begin_ns", -1);
  out.idle_end_ns = get_int(e, "idle_end_ns", -1);
  if (out.idle_begin_ns < 0 || out.idle_end_ns < out.idle_begin_ns ||
      out.begin_ns < out.idle_end_ns || out.end_ns < out.begin_ns)
    return bad_input("a platform event whose moments are out of order");
  ASSAY_TRY(const std::string text, read_file(file, kMostRecordBytes));
  ASSAY_TRY(const Json j, parse_json(text, "record of the machine"));
  ASSAY_TRY(out.record, platform::record_from_json(j));
  return out;
}

std::optional<platform::Stretch> loop_stretch(const LaunchEvidence& l) {
  if (!l.platform || !l.platform->problem.empty()) return std::nullopt;
  platform::StretchSpec spec;
  spec.begin_ns = l.platform->begin_ns;
  spec.end_ns = l.platform->end_ns;
  spec.cpu = static_cast<int>(get_int(l.sampler, "cpu", -1));
  spec.gpu = static_cast<int>(get_int(l.sampler, "gpu", -1));
  spec.own_cpu_us = get_int(l.sampler, "own_cpu_us", -1);
  for (const Json& cpu : get_array(l.sampler, "busy_cpus"))
    if (cpu.is_number_integer()) spec.busy_cpus.push_back(cpu.get<int>());
  return platform::stretch_of(l.platform->record, spec);
}

}  // namespace assay::audit
