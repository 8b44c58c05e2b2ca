// SPDX-License-Identifier: Apache-2.0
#include "frames/request.h"

#include <algorithm>
#include <initializer_list>

#include "base/text.h"
#include "base/word_table.h"
#include "frames/buffer.h"
#include "frames/priority.h"
#include "vision/image.h"

namespace assay::frames {
namespace {

constexpr int64_t max_tasks = 16, max_workers = 64, max_threads = 4096, max_cpu = 1023;
constexpr int64_t max_crops = 64, max_limit = int64_t{1} << 24, max_name = 200;

constexpr WordTable<SourceSpec::Kind, 4> kKinds = {{{SourceSpec::Kind::folder, "folder"},
                                                    {SourceSpec::Kind::video, "video"},
                                                    {SourceSpec::Kind::raw, "raw"},
                                                    {SourceSpec::Kind::synthetic, "synthetic"}}};
constexpr WordTable<SourceSpec::Cache, 3> kCaches = {{{SourceSpec::Cache::warm, "warm"},
                                                      {SourceSpec::Cache::cold, "cold"},
                                                      {SourceSpec::Cache::memory, "memory"}}};

// One object of the request, read member by member; what was not asked for at the end is unknown.
// The first fault is kept: later reads then do nothing that counts.
class Members {
 public:
  Members(const Json& j, std::string where) : j_(j), where_(std::move(where)) {
    if (!j.is_object()) fault("", "no JSON object");
  }
  const Json* at(const char* key) {
    known_.emplace_back(key);
    if (!j_.is_object()) return nullptr;
    const auto it = j_.find(key);
    return it == j_.end() || it->is_null() ? nullptr : &*it;
  }
  void text(const char* key, std::string& out, bool needed = false) {
    const Json* m = at(key);
    if (m == nullptr) {
      if (needed) fault(key, "absent, expected text");
      return;
    }
    if (!m->is_string() || m->get_ref<const std::string&>().find('\0') != std::string::npos)
      return fault(key, one_line(dump_json(*m), 80) + ", expected text");
    out = m->get<std::string>();
  }
  void path(const char* key, fs::path& out, bool needed) {
    std::string value;
    text(key, value, needed);
    if (!ok() || (value.empty() && !needed)) return;
    if (value.empty() || value[0] != '/')
      return fault(key, fmt::format("'{}', expected an absolute path", one_line(value, 80)));
    out = value;
  }
  template <class T>
  void whole(const char* key, T& out, int64_t low, int64_t high) {
    const Json* m = at(key);
    const auto wanted = [&] {
      return fmt::format("expected a whole number from {} to {}", low, high);
    };
    if (m == nullptr) {
      if (static_cast<int64_t>(out) < low) fault(key, "absent, " + wanted());
      return;
    }
    // 2^63 and more is a number_unsigned whose value does not fit.
    const bool fits =
        m->is_number_integer() && !(m->is_number_unsigned() && m->get<uint64_t>() > INT64_MAX);
    if (!fits || m->get<int64_t>() < low || m->get<int64_t>() > high)
      return fault(key, one_line(dump_json(*m), 80) + ", " + wanted());
    out = static_cast<T>(m->get<int64_t>());
  }
  void seed(const char* key, uint64_t& out) {
    const Json* m = at(key);
    if (m == nullptr) return;
    if (!m->is_number_integer() || (!m->is_number_unsigned() && m->get<int64_t>() < 0))
      return fault(key, one_line(dump_json(*m), 80) + ", expected a whole number from 0");
    out = m->get<uint64_t>();
  }
  void real(const char* key, double& out, double low, double high) {
    const Json* m = at(key);
    if (m == nullptr) return;
    const double value = m->is_number() ? m->get<double>() : low - 1;
    if (!(value >= low && value <= high))
      return fault(key,
                   fmt::format("{}, expected {} to {}", one_line(dump_json(*m), 80), low, high));
    out = value;
  }
  void truth(const char* key, bool& out) {
    const Json* m = at(key);
    if (m == nullptr) return;
    if (!m->is_boolean())
      return fault(key, one_line(dump_json(*m), 80) + ", expected true or false");
    out = m->get<bool>();
  }
  // One of the words that `from` knows.
  template <class E, class From>
  void choice(const char* key, E& out, From from, std::string_view words, bool needed) {
    std::string value;
    text(key, value, needed);
    if (!ok() || value.empty()) return;
    const auto found = from(value);
    if (!found) return fault(key, fmt::format("'{}', expected {}", one_line(value, 80), words));
    out = *found;
  }
  const Json& list(const char* key, int64_t low, int64_t high) {
    static const Json none = Json::array();
    const Json* m = at(key);
    const Json& value = m == nullptr ? none : *m;
    const auto n = static_cast<int64_t>(value.is_array() ? value.size() : 0);
    if (!value.is_array() || n < low || n > high) {
      fault(key, fmt::format("a list of {}, expected a list of {} to {}", n, low, high));
      return none;
    }
    return value;
  }
  void fault(const char* key, const std::string& what) {
    if (!fault_.empty()) return;
    fault_ = *key == '\0' ? where_ + ": " + what : fmt::format("{}: {} is {}", where_, key, what);
  }
  bool ok() const { return fault_.empty(); }
  const std::string& where() const { return where_; }
  Status end() {
    if (ok())
      for (const auto& [key, value] : j_.items())
        if (std::find(known_.begin(), known_.end(), key) == known_.end())
          return bad_input(fmt::format("{}: {} is not known", where_, one_line(key, 80)));
    if (!ok()) return bad_input(fault_);
    return {};
  }

 private:
  const Json& j_;
  std::string where_, fault_;
  std::vector<std::string> known_;
};

Result<TaskSpec> task_from_json(const Json& j, const std::string& where) {
  TaskSpec task;
  Members m(j, where);
  m.text("name", task.name, true);
  m.path("runner", task.runner, true);
  m.path("engine_dir", task.engine_dir, true);
  m.text("library", task.library);
  m.text("device", task.device);
  m.text("precision", task.precision);
  m.whole("threads", task.threads, 1, max_threads);
  if (const Json* options = m.at("options")) {
    if (!options->is_object()) m.fault("options", "no JSON object");
    if (options->is_object())
      for (const auto& [key, value] : options->items())
        task.options.emplace_back(key,
                                  value.is_string() ? value.get<std::string>() : dump_json(value));
  }
  if (const Json* pre = m.at("pre")) {
    ASSAY_TRY(task.pre, vision::pre_spec_from_json(*pre, where + " pre"));
  }
  if (const Json* detector = m.at("detector")) {
    ASSAY_TRY(task.detector, vision::detector_from_json(*detector, where + " detector"));
  }
  m.truth("softmax", task.softmax);
  m.whole("next", task.next, -1, max_tasks - 1);
  m.whole("max_crops", task.max_crops, 1, max_crops);
  ASSAY_CHECK(m.end());
  if (task.name.empty() || static_cast<int64_t>(task.name.size()) > max_name)
    return bad_input(
        fmt::format("{}: name has {} bytes, expected 1 to {}", where, task.name.size(), max_name));
  return task;
}

Result<StreamSpec> stream_from_json(const Json& j, const std::string& where) {
  StreamSpec stream;
  Members m(j, where);
  m.text("name", stream.name, true);
  m.whole("camera", stream.camera, 0, buffer_layout::max_streams - 1);
  m.whole("task", stream.task, 0, max_tasks - 1);
  const Json* source = m.at("source");
  const Json* release = m.at("release");
  ASSAY_CHECK(m.end());
  if (source == nullptr || release == nullptr)
    return bad_input(where + ": source and release are needed");
  ASSAY_TRY(stream.source, source_from_json(*source, where + " source"));
  ASSAY_TRY(stream.release, stream::release_spec_from_json(*release, where + " release"));
  return stream;
}

// What no member shows alone.
Status check_whole(const FrameRequest& r) {
  const auto tasks = static_cast<int>(r.tasks.size());
  for (int t = 0; t < tasks; ++t) {
    const TaskSpec& task = r.tasks[static_cast<size_t>(t)];
    if (task.next < 0) continue;
    const std::string where = fmt::format("request: task {}", t);
    if (task.next >= tasks || task.next == t)
      return bad_input(
          fmt::format("{}: next is {}, expected another task of {}", where, task.next, tasks));
    if (!task.detector)
      return bad_input(where + ": next is given, but only a detector has boxes to crop");
    if (r.tasks[static_cast<size_t>(task.next)].next >= 0)
      return bad_input(where + ": next is a cascade itself, expected a single task");
  }
  for (size_t s = 0; s < r.streams.size(); ++s) {
    const StreamSpec& stream = r.streams[s];
    if (stream.task >= tasks)
      return bad_input(
          fmt::format("request: stream {}: task is {}, there are {}", s, stream.task, tasks));
    if (stream.release.scenario != r.scenario)
      return bad_input(fmt::format("request: stream {}: release is {}, the request {}", s,
                                   stream::word(stream.release.scenario),
                                   stream::word(r.scenario)));
  }
  if (r.workers > static_cast<int>(r.streams.size()))
    return bad_input(
        fmt::format("request: workers is {}, there are {} streams", r.workers, r.streams.size()));
  if (!parse_priority(r.priority))
    return bad_input(
        fmt::format("request: priority is '{}', expected other, nice:-20..19 or fifo:1..99",
                    one_line(r.priority, 40)));
  if (r.outputs && r.results_dir.empty())
    return bad_input("request: results_dir is absent, outputs need it");
  return {};
}

}  // namespace

std::string_view word(SourceSpec::Kind k) { return word_of(kKinds, k); }
std::string_view word(SourceSpec::Cache c) { return word_of(kCaches, c); }
std::optional<SourceSpec::Cache> cache_from(std::string_view s) { return value_of(kCaches, s); }

Json to_json(const SourceSpec& s) {
  return {{"kind", word(s.kind)},
          {"path", s.path.string()},
          {"cache", word(s.cache)},
          {"width", s.width},
          {"height", s.height},
          {"format", vision::word(s.format)},
          {"yuv", {{"bt709", s.yuv.bt709}, {"full_range", s.yuv.full_range}}},
          {"loop", s.loop},
          {"limit", s.limit},
          {"seed", s.seed},
          {"scaled_decode", s.scaled_decode},
          {"max_width", s.max_width},
          {"max_height", s.max_height},
          {"max_file_bytes", s.max_file_bytes}};
}

Result<SourceSpec> source_from_json(const Json& j, std::string_view where) {
  SourceSpec s;
  Members m(j, std::string(where));
  const auto kind = [](std::string_view w) { return value_of(kKinds, w); };
  m.choice("kind", s.kind, kind, "folder, video, raw or synthetic", true);
  const bool pixels = s.kind == SourceSpec::Kind::raw || s.kind == SourceSpec::Kind::synthetic;
  m.path("path", s.path, s.kind != SourceSpec::Kind::synthetic);
  m.choice("cache", s.cache, cache_from, "warm, cold or memory", false);
  m.whole("width", s.width, pixels ? 1 : 0, vision::kMaxSide);
  m.whole("height", s.height, pixels ? 1 : 0, vision::kMaxSide);
  m.choice("format", s.format, vision::pixel_format_from, "rgb8, nv12 or i420", false);
  if (const Json* yuv = m.at("yuv")) {
    Members y(*yuv, m.where() + " yuv");
    y.truth("bt709", s.yuv.bt709);
    y.truth("full_range", s.yuv.full_range);
    ASSAY_CHECK(y.end());
  }
  m.truth("loop", s.loop);
  m.whole("limit", s.limit, 0, max_limit);
  m.seed("seed", s.seed);
  m.truth("scaled_decode", s.scaled_decode);
  m.whole("max_width", s.max_width, 1, vision::kMaxSide);
  m.whole("max_height", s.max_height, 1, vision::kMaxSide);
  m.whole("max_file_bytes", s.max_file_bytes, 1, int64_t{1} << 30);
  ASSAY_CHECK(m.end());
  if (pixels && s.width * s.height > vision::kMaxPixels)
    return bad_input(fmt::format("{}: {}x{} pixels, expected at most {}", where, s.width, s.height,
                                 vision::kMaxPixels));
  if (pixels && s.format != vision::PixelFormat::rgb8 && (s.width % 2 != 0 || s.height % 2 != 0))
    return bad_input(fmt::format("{}: {} of {}x{}, expected even sides", where,
                                 vision::word(s.format), s.width, s.height));
  return s;
}

Json to_json(const FrameRequest& r) {
  Json tasks = Json::array(), streams = Json::array();
  for (const TaskSpec& t : r.tasks) {
    Json options = Json::object();
    for (const auto& [key, value] : t.options) options[key] = value;
    tasks.push_back({{"name", t.name},
                     {"runner", t.runner.string()},
                     {"engine_dir", t.engine_dir.string()},
                     {"library", t.library},
                     {"device", t.device},
                     {"precision", t.precision},
                     {"threads", t.threads},
                     {"options", options},
                     {"pre", vision::to_json(t.pre)},
                     {"detector", t.detector ? vision::to_json(*t.detector) : Json()},
                     {"softmax", t.softmax},
                     {"next", t.next},
                     {"max_crops", t.max_crops}});
  }
  for (const StreamSpec& s : r.streams)
    streams.push_back({{"name", s.name},
                       {"camera", s.camera},
                       {"task", s.task},
                       {"source", to_json(s.source)},
                       {"release", stream::to_json(s.release)}});
  return {{"protocol", 1},
          {"action", "frames"},
          {"tasks", tasks},
          {"streams", streams},
          {"workers", r.workers},
          {"policy", stream::word(r.policy)},
          {"scenario", stream::word(r.scenario)},
          {"frames", r.frames},
          {"warmup_frames", r.warmup_frames},
          {"max_seconds", r.max_seconds},
          {"cpus", r.cpus},
          {"priority", r.priority},
          {"lock_memory", r.lock_memory},
          {"outputs", r.outputs},
          {"results_dir", r.results_dir.string()}};
}

Result<FrameRequest> parse_frame_request(std::string_view text) {
  ASSAY_TRY(const Json j, parse_json(text, "request"));
  FrameRequest r;
  Members m(j, "request");
  int64_t protocol = 0;
  std::string action;
  m.whole("protocol", protocol, 1, 1);
  m.text("action", action, true);
  if (m.ok() && action != "frames")
    m.fault("action", fmt::format("'{}', expected frames", one_line(action, 40)));
  const Json& tasks = m.list("tasks", 1, max_tasks);
  for (size_t t = 0; m.ok() && t < tasks.size(); ++t) {
    ASSAY_TRY(TaskSpec task, task_from_json(tasks[t], fmt::format("request: task {}", t)));
    r.tasks.push_back(std::move(task));
  }
  const Json& streams = m.list("streams", 1, buffer_layout::max_streams);
  for (size_t s = 0; m.ok() && s < streams.size(); ++s) {
    ASSAY_TRY(StreamSpec stream,
              stream_from_json(streams[s], fmt::format("request: stream {}", s)));
    r.streams.push_back(std::move(stream));
  }
  m.whole("workers", r.workers, 1, max_workers);
  m.choice("policy", r.policy, stream::policy_from, "queue, drop-oldest or skip-if-busy", false);
  m.choice("scenario", r.scenario, stream::scenario_from,
           "SingleStream, MultiStream, Offline, Server or ConstantStream", true);
  m.whole("frames", r.frames, 1, buffer_layout::max_frames);
  m.whole("warmup_frames", r.warmup_frames, 0, 1 << 20);
  m.real("max_seconds", r.max_seconds, 0, 1e7);
  for (const Json& cpu : m.list("cpus", 0, max_cpu + 1)) {
    if (!cpu.is_number_integer() || get_int({{"cpu", cpu}}, "cpu", -1) < 0 ||
        get_int({{"cpu", cpu}}, "cpu", -1) > max_cpu)
      m.fault("cpus", fmt::format("a list with {}, expected CPUs from 0 to {}",
                                  one_line(dump_json(cpu), 40), max_cpu));
    if (m.ok()) r.cpus.push_back(cpu.get<int>());
  }
  m.text("priority", r.priority);
  m.truth("lock_memory", r.lock_memory);
  m.truth("outputs", r.outputs);
  m.path("results_dir", r.results_dir, false);
  ASSAY_CHECK(m.end());
  ASSAY_CHECK(check_whole(r));
  return r;
}

}  // namespace assay::frames
