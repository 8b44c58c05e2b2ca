// SPDX-License-Identifier: Apache-2.0
#include "cli/response_args.h"

#include <charconv>

#include "audit/catalog.h"
#include "cli/series_args.h"

namespace assay::cli {
namespace {

using response::Plan;

template <class T>
Result<std::vector<T>> numbers(const std::string& text, const char* flag) {
  std::vector<T> out;
  for (const std::string& part : split(text)) {
    T value{};
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || !(value >= 0))
      return bad_input(
          fmt::format("{} {}: \"{}\" is no number", flag, one_line(text, 60), one_line(part, 40)),
          "write numbers with commas between them");
    out.push_back(value);
  }
  if (out.empty())
    return bad_input(fmt::format("{}: no number is given", flag),
                     "write numbers with commas between them");
  return out;
}

// "1280x720".
Result<std::pair<int64_t, int64_t>> parse_size(const std::string& text, const std::string& flag) {
  const size_t x = text.find('x');
  if (x != std::string::npos) {
    const auto width = numbers<int64_t>(text.substr(0, x), flag.c_str());
    const auto height = numbers<int64_t>(text.substr(x + 1), flag.c_str());
    if (width && height && width->size() == 1 && height->size() == 1 && (*width)[0] > 0 &&
        (*height)[0] > 0)
      return std::pair{(*width)[0], (*height)[0]};
  }
  return bad_input(fmt::format("{}{}: expected WIDTHxHEIGHT", flag, one_line(text, 60)),
                   fmt::format("write {}1280x720", flag));
}

Status read_source(const ResponseFlags& f, Plan& p) {
  using Kind = frames::SourceSpec::Kind;
  const int given = !f.images.empty() + !f.video.empty() + !f.raw.empty() + !f.camera.empty();
  if (given > 1)
    return bad_input("more than one of --images, --video, --raw and --camera is given",
                     "give one of them");
  frames::SourceSpec& s = p.source;
  s.kind = Kind::synthetic;
  s.scaled_decode = f.scaled_decode;
  if (!f.pixel_format.empty()) {
    const auto format = vision::pixel_format_from(f.pixel_format);
    if (!format)
      return bad_input(fmt::format("--pixel-format {}: unknown", one_line(f.pixel_format, 60)),
                       "use rgb8, nv12 or i420");
    s.format = *format;
  }
  if (!f.images.empty()) {
    s.kind = Kind::folder;
    p.data_name = fs::path(f.images).filename();
    ASSAY_TRY(s.path, response::find_images(f.images, fs::current_path()));
  } else if (!f.video.empty()) {
    s.kind = Kind::video;
    s.path = fs::absolute(f.video);
  } else if (!f.raw.empty()) {
    s.kind = Kind::raw;
    s.path = fs::absolute(f.raw);
    if (f.size.empty())
      return bad_input("--raw needs the size of its frames", "add --size 1280x720");
    ASSAY_TRY(const auto size, parse_size(f.size, "--size "));
    std::tie(s.width, s.height) = size;
  } else if (!f.camera.empty()) {
    const std::string kind = f.camera.substr(0, f.camera.find(':'));
    if (kind != "synthetic")
      return bad_input(fmt::format("--camera {}: unknown camera", one_line(f.camera, 60)),
                       "use synthetic:1280x720; record a real one and give --video or --raw");
    if (kind.size() < f.camera.size()) {
      ASSAY_TRY(const auto size,
                parse_size(f.camera.substr(kind.size() + 1), "--camera synthetic:"));
      std::tie(s.width, s.height) = size;
    }
  }
  if (f.raw.empty() && !f.size.empty())
    return bad_input("--size goes with --raw", "write --camera synthetic:1280x720");
  return {};
}

Result<response::TaskPlan> read_task(const ResponseFlags& f) {
  response::TaskPlan t;
  std::error_code ec;
  if (fs::exists(fs::path(f.targets[0]) / "manifest.json", ec)) {
    for (const std::string& target : f.targets) t.engines.emplace_back(target);
    t.name = "infer";
  } else {
    if (f.targets.size() > 1)
      return bad_input(fmt::format("{} targets, but {} is no engine folder", f.targets.size(),
                                   one_line(f.targets[0], 200)),
                       "name one model or use case, or engine folders");
    if (fs::is_directory(f.targets[0], ec))
      return bad_input(fmt::format("{} is a folder, but no engine folder: it has no manifest.json",
                                   one_line(f.targets[0], 200)),
                       "name a model, a use case, or folders that assay build has made");
    t.model = f.targets[0];
    t.name = fs::path(f.targets[0]).stem();
  }
  Json& pre = t.pre_said;
  if (!f.fit.empty()) pre["fit"] = f.fit;
  if (!f.resize_rule.empty()) pre["resize"] = f.resize_rule;
  if (f.resize >= 0) pre["resize_shorter"] = f.resize;
  for (const auto& [key, text] : {std::pair{"mean", &f.mean}, std::pair{"std", &f.std}}) {
    if (text->empty()) continue;
    auto given = parse_json("[" + *text + "]", std::string("--") + key);
    if (!given)
      return bad_input(fmt::format("--{} {}: expected 1 or 3 numbers", key, one_line(*text, 60)),
                       fmt::format("write --{} 0.5 or --{} 0.485,0.456,0.406", key, key));
    pre[key] = std::move(*given);
  }
  if (!f.detector.empty()) {
    ASSAY_TRY(const std::string text, read_file(f.detector, 64 << 20));
    ASSAY_TRY(const Json spec, parse_json(text, f.detector));
    ASSAY_TRY(t.detector, vision::detector_from_json(spec, f.detector));
  }
  return t;
}

Status read_recipes(const ResponseFlags& f, Plan& p) {
  p.compilers = split(f.compilers);
  if (!f.precisions.empty()) p.precisions = split(f.precisions);
  if (f.builds > 0) p.builds = f.builds;
  for (const std::string& o : f.options) {
    const size_t dot = o.find('.'), eq = o.find('=');
    if (dot == std::string::npos || eq == std::string::npos || dot > eq)
      return bad_input(fmt::format("--option {}: expected NAME.KEY=VALUE", one_line(o)),
                       "the compilers' keys: assay compilers NAME");
    ASSAY_TRY(const audit::Compiler c, audit::find_compiler(o.substr(0, dot)));
    const std::string key = o.substr(dot + 1, eq - dot - 1);
    ASSAY_TRY(Json value, audit::parse_option(c, key, o.substr(eq + 1)));
    if (!p.options.contains(c.name)) p.options[c.name] = Json::object();
    p.options[c.name][key] = value;
  }
  return {};
}

// What stands in [response] of a use case.
Status read_factors(const ResponseFlags& f, Plan& p) {
  if (!f.scenario.empty()) {
    const auto s = stream::scenario_from(f.scenario);
    if (!s)
      return bad_input(fmt::format("--scenario {}: unknown", one_line(f.scenario, 60)),
                       "use SingleStream, MultiStream, Offline, Server or ConstantStream");
    p.scenario = *s;
  }
  if (f.fps > 0) p.fps = f.fps;
  if (!f.streams.empty()) {
    ASSAY_TRY(p.cameras, numbers<int>(f.streams, "--streams"));
  }
  if (!f.cpus.empty()) {
    ASSAY_TRY(auto cpus, numbers<int>(f.cpus, "--cpus"));
    p.cpu_sets = {std::move(cpus)};
  }
  if (!f.replay_fps.empty()) {
    ASSAY_TRY(p.replay_fps, numbers<double>(f.replay_fps, "--replay-fps"));
  }
  if (!f.policies.empty()) p.policies.clear();
  for (const std::string& text : split(f.policies)) {
    const auto policy = stream::policy_from(text);
    if (!policy)
      return bad_input(fmt::format("--policy {}: unknown", one_line(text, 60)),
                       "use queue, drop-oldest or skip-if-busy");
    p.policies.push_back(*policy);
  }
  for (const auto& [text, to] :
       {std::pair{&f.modes, &p.modes}, std::pair{&f.priorities, &p.priorities},
        std::pair{&f.co_runners, &p.co_runners}, std::pair{&f.caches, &p.caches}})
    if (!text->empty()) *to = split(*text);
  for (const auto& [text, to, flag] : {std::tuple{&f.idle_gap, &p.idle_gap_ns, "--idle-gap"},
                                       std::tuple{&f.jitter, &p.jitter_ns, "--jitter"}})
    if (!text->empty()) {
      ASSAY_TRY(*to, parse_duration(*text, flag));
    }
  if (!f.deadline.empty())
    for (response::TaskPlan& t : p.tasks) {
      ASSAY_TRY(t.deadline_ns, parse_duration(f.deadline, "--deadline"));
      if (t.deadline_ns == 0) return bad_input("--deadline is 0", "write --deadline 33ms");
    }
  if (!f.margin.empty()) {
    ASSAY_TRY(p.equality_margin, parse_share(f.margin, "--margin"));
  }
  if (!f.memory_limit.empty()) {
    ASSAY_TRY(p.memory_limit_bytes, parse_bytes(f.memory_limit));
  }
  if (!f.time_stamps.empty()) p.time_stamps = fs::absolute(f.time_stamps);
  if (f.frames > 0 && !f.duration.empty())
    return bad_input("both --frames and --duration are given", "give one of them");
  if (f.frames > 0) {
    p.frames = f.frames;
    p.duration_s = 0;
  }
  if (!f.duration.empty()) {
    // trtexec's flag has no unit: seconds.
    auto seconds = numbers<double>(f.duration, "--duration");
    if (!seconds || seconds->size() != 1) {
      ASSAY_TRY(const int64_t ns, parse_duration(f.duration, "--duration"));
      seconds = std::vector<double>{static_cast<double>(ns) / 1e9};
    }
    if (!((*seconds)[0] > 0)) return bad_input("--duration is 0", "write seconds, as 10");
    p.duration_s = (*seconds)[0];
    p.frames = 0;
  }
  if (f.repetitions > 0) p.repetitions = f.repetitions;
  if (f.warmup_frames >= 0) p.warmup_frames = f.warmup_frames;
  if (f.threads > 0) p.threads = static_cast<int>(f.threads);
  if (f.idle_every > 0) p.idle_every = f.idle_every;
  if (f.seed >= 0) p.seed = static_cast<uint64_t>(f.seed);
  return {};
}

}  // namespace

Result<std::vector<std::string>> response_words(const std::string& text) {
  return parse_fail_on(text, "missed|unstable|invalid");
}

Result<Plan> response_plan(const ResponseFlags& f) {
  if (f.targets.empty() || f.targets[0].empty())
    return bad_input("nothing is named to be measured",
                     "give a use case (.toml), a model with --compiler, or engine folders");
  if (fs::path(f.targets[0]).extension() == ".toml") {
    if (f.targets.size() > 1)
      return bad_input("a use case stands alone", "run the others by commands of their own");
    const bool described = !f.compilers.empty() || !f.precisions.empty() || !f.options.empty() ||
                           f.builds > 0 || !f.images.empty() || !f.video.empty() ||
                           !f.raw.empty() || !f.camera.empty() || !f.size.empty() ||
                           !f.pixel_format.empty() || f.scaled_decode || !f.detector.empty() ||
                           !f.resize_rule.empty() || !f.fit.empty() || !f.mean.empty() ||
                           !f.std.empty() || f.resize >= 0;
    if (described)
      return bad_input("flags that describe tasks, pictures or recipes do not go with a use case",
                       "write them in its [[task]], [source], [recipes] and [compiler.NAME]");
    return response::plan_from_toml(f.targets[0], [&](Plan& p) { return read_factors(f, p); });
  }
  Plan p;
  ASSAY_TRY(response::TaskPlan task, read_task(f));
  p.name = task.model.empty() ? fs::path(f.targets[0]).filename().string() : task.name;
  p.tasks.push_back(std::move(task));
  // Without a frame rate the loop is closed, as MLPerf's first scenario.
  if (f.fps <= 0 && f.time_stamps.empty()) p.scenario = stream::Scenario::single_stream;
  ASSAY_CHECK(read_source(f, p));
  ASSAY_CHECK(read_recipes(f, p));
  ASSAY_CHECK(read_factors(f, p));
  if (p.scenario == stream::Scenario::multi_stream && f.modes.empty()) p.modes = {"one-server"};
  if (p.name.empty()) p.name = "response";
  return response::complete_plan(std::move(p));
}

void add_response_flags(CLI::App& sub, ResponseFlags& f) {
  sub.add_option("target,--onnx", f.targets,
                 "use case (.toml), ONNX file, a name of `assay models`, or engine folders");
  sub.add_option("-c,--compiler", f.compilers, "compilers, comma separated");
  sub.add_option("--precision", f.precisions, "precisions, comma separated (default fp32)");
  sub.add_option("--builds", f.builds, "builds of each recipe (default 1)")->check(above_zero());
  sub.add_option("--option", f.options, "one option of a compiler: NAME.KEY=VALUE");
  sub.add_option("--images", f.images, "folder of JPEG and PNG files, or a name of `assay models`");
  sub.add_option("--video", f.video, "video file, through FFmpeg's libraries");
  sub.add_option("--raw", f.raw, "file of frames as a camera gives them, with --size");
  sub.add_option("--camera", f.camera,
                 "synthetic[:WxH]: pictures made before the run (default, of the tensor's size)");
  sub.add_option("--size", f.size, "of raw frames: WIDTHxHEIGHT");
  sub.add_option("--pixel-format", f.pixel_format, "of raw and synthetic frames: nv12, i420, rgb8");
  sub.add_flag("--scaled-decode", f.scaled_decode, "JPEG decoded at 1/2, 1/4, 1/8 where that does");
  sub.add_option("--detector", f.detector,
                 "how outputs become boxes (default: MODEL.detector.json beside the model)");
  sub.add_option("--resize-rule", f.resize_rule, "pil (default), opencv or torch-plain");
  sub.add_option("--fit", f.fit, "shorter-crop (default), stretch or letterbox");
  sub.add_option("--resize", f.resize, "shorter side before the crop (default 256; 0 = tensor's)")
      ->check(zero_or_more());
  sub.add_option("--mean", f.mean, "1 or 3 numbers, pixels scaled to 0..1 (default ImageNet's)");
  sub.add_option("--std", f.std, "1 or 3 numbers (default ImageNet's)");
  sub.add_option("--scenario", f.scenario,
                 "SingleStream, MultiStream, Offline, Server, ConstantStream (default with --fps)");
  sub.add_option("--fps", f.fps, "frames a second of each camera")->check(above_zero());
  sub.add_option("--deadline", f.deadline, "of a response, e.g. 33ms (default: one frame period)");
  sub.add_option("--streams,--infStreams", f.streams, "cameras, a sweep: 1,2,4 (default 1)");
  sub.add_option("--mode", f.modes, "processes (default), threads, one-server; comma separated");
  sub.add_option("--policy", f.policies, "queue (default), drop-oldest, skip-if-busy");
  sub.add_option("--frames,--iterations", f.frames, "a stream and repetition (default 500)")
      ->check(above_zero());
  sub.add_option("--duration", f.duration, "seconds a repetition, in the place of --frames");
  sub.add_option("--repetitions", f.repetitions, "of each condition (default 5)")
      ->check(above_zero());
  sub.add_option("--warm-up,--warmUp", f.warmup_frames, "frames before the start (default 8)")
      ->check(zero_or_more());
  sub.add_option("--threads", f.threads, "inference threads of build and run (default 1)")
      ->check(above_zero());
  sub.add_option("--cpus", f.cpus, "CPUs for the frames: 0,1 (default: all, the last one first)");
  sub.add_option("--priority", f.priorities, "other (default), nice:-5, fifo:50; comma separated");
  sub.add_option("--co-runner", f.co_runners, "none (default), memory, cache; comma separated");
  sub.add_option("--cache", f.caches, "page cache: warm (default), cold, memory; comma separated");
  sub.add_option("--idle-every", f.idle_every, "after so many frames an idle gap")
      ->check(above_zero());
  sub.add_option("--idle-gap", f.idle_gap, "its length, e.g. 50ms");
  sub.add_option("--jitter", f.jitter, "of the release, e.g. 1ms: uniform in plus and minus that");
  sub.add_option("--time-stamps", f.time_stamps, "release times of a recorded camera, a line each");
  sub.add_option("--replay-fps", f.replay_fps, "rates at which measured services are replayed");
  sub.add_option("--margin", f.margin, "stages within this ratio count as equal (default 5%)");
  sub.add_option("--memory-limit,--memoryLimit", f.memory_limit,
                 "memory of one child: bytes, or with K, M, G");
  sub.add_option("--seed", f.seed, "seed of order, pictures and arrivals (default 1; logged)")
      ->check(zero_or_more());
}

}  // namespace assay::cli
