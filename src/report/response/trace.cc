// SPDX-License-Identifier: Apache-2.0
// Chrome's trace event format, which Perfetto opens: "X" slices, "i" instants, "M" names, times in
// us. Written as text: a trace has some ten events a frame, and decimals of whole ns stay exact.
#include <algorithm>

#include "base/json.h"
#include "report/response/report.h"
#include "vision/frame.h"

namespace assay::report {
namespace {

using stream::FrameRecord;

// Lines of a process. Slices of one line must not overlap, and frames of a queue wait together:
// each waits on the first line that is free.
constexpr int64_t kServer = 1, kLost = 2, kDeadlines = 3, kWaiting = 10;
constexpr size_t kMostWaiting = 200;  // lines; frames that find none are told by their read alone

std::string us(int64_t ns) {
  const int64_t whole = ns / 1000, rest = ns % 1000;
  return rest == 0 ? fmt::format("{}", whole) : fmt::format("{}.{:03}", whole, rest);
}

class Trace {
 public:
  void name(const char* what, int64_t pid, int64_t tid, std::string_view text) {
    begin() += fmt::format(R"({{"name":"{}","ph":"M","pid":{},"tid":{},"args":{{"name":{}}}}})",
                           what, pid, tid, dump_json(Json(std::string(text))));
  }
  void slice(std::string_view name, int64_t pid, int64_t tid, int64_t from, int64_t to,
             const FrameRecord& r) {
    begin() += fmt::format(
        R"({{"name":"{}","cat":"stage","ph":"X","ts":{},"dur":{},"pid":{},"tid":{},)"
        R"("args":{{"frame":{},"image":{},"response_us":{}}}}})",
        name, us(from), us(to - from), pid, tid, r.frame, r.image, us(r.done_ns - r.release_ns));
  }
  void instant(std::string_view name, int64_t pid, int64_t tid, int64_t at, const FrameRecord& r) {
    begin() += fmt::format(
        R"({{"name":"{}","ph":"i","s":"t","ts":{},"pid":{},"tid":{},"args":{{"frame":{}}}}})", name,
        us(at), pid, tid, r.frame);
  }
  std::string finish(const Json& other) const {
    return fmt::format("{{\"traceEvents\":[{}\n],\"displayTimeUnit\":\"ms\",\"otherData\":{}}}\n",
                       events_, dump_json(other));
  }

 private:
  std::string& begin() { return events_ += events_.empty() ? "\n" : ",\n"; }
  std::string events_;
};

class StreamTrace {
 public:
  StreamTrace(Trace& out, int64_t pid, const stream::StreamLog& log)
      : out_(out), pid_(pid), log_(log) {}

  void draw(int64_t frames) {
    std::vector<const FrameRecord*> shown;
    for (const FrameRecord& r : log_.records) shown.push_back(&r);
    std::sort(shown.begin(), shown.end(),
              [](const FrameRecord* a, const FrameRecord* b) { return a->frame < b->frame; });
    if (std::ssize(shown) > frames) shown.resize(static_cast<size_t>(std::max<int64_t>(frames, 0)));
    std::stable_sort(shown.begin(), shown.end(), [](const FrameRecord* a, const FrameRecord* b) {
      return a->release_ns < b->release_ns;
    });
    for (const FrameRecord* r : shown) add(*r);
    names();
  }

 private:
  void add(const FrameRecord& r) {
    const auto fate = static_cast<stream::Fate>(r.fate);
    if (fate == stream::Fate::pending) return;
    if (fate != stream::Fate::done) {
      std::string name(stream::word(fate));
      if (r.fault != 0) {
        name += ": ";
        name += vision::word(static_cast<vision::FrameFault>(r.fault));
      }
      out_.instant(name, pid_, kLost, std::max(r.release_ns, r.start_ns), r);
      return;
    }
    wait(r);
    const std::pair<const char*, int64_t> ends[] = {{"read", r.read_ns}, {"decode", r.decode_ns},
                                                    {"pre", r.pre_ns},   {"infer", r.infer_ns},
                                                    {"post", r.post_ns}, {"second", r.done_ns}};
    int64_t from = r.start_ns;
    for (const auto& [name, to] : ends) {
      if (to > from) out_.slice(name, pid_, kServer, from, to, r);
      from = to;
    }
    if (log_.deadline_ns <= 0) return;
    const bool missed = r.done_ns - r.release_ns > log_.deadline_ns;
    out_.instant(missed ? "deadline missed" : "deadline", pid_, kDeadlines,
                 r.release_ns + log_.deadline_ns, r);
  }

  void wait(const FrameRecord& r) {
    if (r.start_ns <= r.release_ns) return;
    size_t line = 0;
    while (line < free_from_.size() && free_from_[line] > r.release_ns) ++line;
    if (line == kMostWaiting) return;
    if (line == free_from_.size()) free_from_.push_back(0);
    free_from_[line] = r.start_ns;
    out_.slice("wait", pid_, kWaiting + static_cast<int64_t>(line), r.release_ns, r.start_ns, r);
  }

  void names() {
    out_.name("process_name", pid_, 0, log_.name);
    out_.name("thread_name", pid_, kServer, "server");
    out_.name("thread_name", pid_, kLost, "dropped, skipped, failed");
    if (log_.deadline_ns > 0) out_.name("thread_name", pid_, kDeadlines, "deadlines");
    for (size_t i = 0; i < free_from_.size(); ++i)
      out_.name("thread_name", pid_, kWaiting + static_cast<int64_t>(i), "waiting");
  }

  Trace& out_;
  int64_t pid_;
  const stream::StreamLog& log_;
  std::vector<int64_t> free_from_;
};

}  // namespace

std::string chrome_trace(const stream::CellLog& log, int repetition, int64_t frames) {
  Trace out;
  for (const stream::Repetition& r : log.repetitions) {
    if (r.index != repetition) continue;
    for (size_t s = 0; s < r.streams.size(); ++s)
      StreamTrace(out, static_cast<int64_t>(s) + 1, r.streams[s]).draw(frames);
  }
  return out.finish({{"recipe", log.cell.recipe},
                     {"streams", log.cell.streams},
                     {"mode", log.cell.mode},
                     {"repetition", repetition}});
}

}  // namespace assay::report
