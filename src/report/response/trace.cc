// SPDX-License-Identifier: Apache-2.0
// Chrome's trace event format, which Perfetto opens: "X" slices in microseconds, "i" instants, "M"
// names. One process a stream.
#include <algorithm>

#include "base/json.h"
#include "report/response/report.h"
#include "vision/frame.h"

namespace assay::report {
namespace {

using stream::FrameRecord;
using stream::Stage;

double us(int64_t ns) { return static_cast<double>(ns) / 1000; }

Json slice(const char* name, int64_t pid, int64_t from, int64_t to, const FrameRecord& r) {
  return {{"name", name},
          {"cat", "stage"},
          {"ph", "X"},
          {"ts", us(from)},
          {"dur", us(to - from)},
          {"pid", pid},
          {"tid", 1},
          {"args", {{"frame", r.frame}, {"image", r.image}}}};
}

Json instant(std::string name, int64_t pid, int64_t at, const FrameRecord& r) {
  return {{"name", std::move(name)},
          {"ph", "i"},
          {"s", "p"},
          {"ts", us(at)},
          {"pid", pid},
          {"tid", 2},
          {"args", {{"frame", r.frame}}}};
}

Json metadata(const char* what, int64_t pid, int64_t tid, const std::string& name) {
  return {{"name", what}, {"ph", "M"}, {"pid", pid}, {"tid", tid}, {"args", {{"name", name}}}};
}

void add_frame(Json& out, int64_t pid, const stream::StreamLog& s, const FrameRecord& r) {
  const auto fate = static_cast<stream::Fate>(r.fate);
  if (fate != stream::Fate::done) {
    std::string name(stream::word(fate));
    if (r.fault != 0) {
      name += ": ";
      name += vision::word(static_cast<vision::FrameFault>(r.fault));
    }
    out.push_back(instant(std::move(name), pid, std::max(r.release_ns, r.start_ns), r));
    return;
  }
  // Waiting lies on a line of its own: the server works on another frame meanwhile.
  if (r.start_ns > r.release_ns) {
    Json wait = slice("wait", pid, r.release_ns, r.start_ns, r);
    wait["tid"] = 3;
    out.push_back(std::move(wait));
  }
  const std::pair<const char*, std::pair<int64_t, int64_t>> stages[] = {
      {"read", {r.start_ns, r.read_ns}}, {"decode", {r.read_ns, r.decode_ns}},
      {"pre", {r.decode_ns, r.pre_ns}},  {"infer", {r.pre_ns, r.infer_ns}},
      {"post", {r.infer_ns, r.post_ns}}, {"second", {r.post_ns, r.done_ns}}};
  for (const auto& [name, span] : stages)
    if (span.second > span.first) out.push_back(slice(name, pid, span.first, span.second, r));
  if (s.deadline_ns > 0 && r.done_ns - r.release_ns > s.deadline_ns)
    out.push_back(instant("deadline missed", pid, r.release_ns + s.deadline_ns, r));
}

}  // namespace

std::string chrome_trace(const stream::CellLog& log, int repetition, int64_t frames) {
  Json events = Json::array();
  for (const stream::Repetition& r : log.repetitions) {
    if (r.index != repetition) continue;
    for (size_t s = 0; s < r.streams.size(); ++s) {
      const auto pid = static_cast<int64_t>(s) + 1;
      events.push_back(metadata("process_name", pid, 0, r.streams[s].name));
      events.push_back(metadata("thread_name", pid, 1, "server"));
      events.push_back(metadata("thread_name", pid, 2, "lost, failed, late"));
      events.push_back(metadata("thread_name", pid, 3, "waiting"));
      int64_t shown = 0;
      for (const FrameRecord& record : r.streams[s].records) {
        if (shown++ == frames) break;
        add_frame(events, pid, r.streams[s], record);
      }
    }
  }
  return dump_json({{"traceEvents", events},
                    {"displayTimeUnit", "ms"},
                    {"otherData", {{"recipe", log.cell.recipe}, {"repetition", repetition}}}}) +
         "\n";
}

}  // namespace assay::report
