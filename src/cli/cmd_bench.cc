// SPDX-License-Identifier: Apache-2.0
// assay bench: time one engine folder, each launch in a fresh process.
#include <algorithm>
#include <memory>

#include "cli/cli.h"
#include "cli/engine_args.h"
#include "stats/intervals.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay bench engines/ov/engines/openvino-fp32-0
  assay bench engines/ov/engines/openvino-fp32-0 --launches 10 --samples 1000 --data photos
  assay bench ENGINE --exportTimes times.json

Intervals are distribution-free bounds at 95 %, for that launch only; what n cannot carry is not printed.)";

struct Flags {
  std::string engine, device, data, export_times, format = "text";
  int64_t launches = 3, samples = 300, warmup_ms = 200, inputs = 64;
  int64_t seed = 1;
};

std::string interval_text(const stats::Interval& i) {
  const std::string point = format_ns(i.estimate);
  if (!i.lower || !i.upper) return point + fmt::format(" [no bound: n >= {}]", i.n_needed);
  return fmt::format("{} [{}, {}]", point, format_ns(*i.lower), format_ns(*i.upper));
}

// trexec-like list: one object a sample, milliseconds as trtexec writes them, and the exact ns
// beside.
Json times_json(const std::vector<std::vector<int64_t>>& launches) {
  Json out = Json::array();
  for (size_t l = 0; l < launches.size(); ++l)
    for (int64_t ns : launches[l])
      out.push_back(
          {{"launch", l}, {"latencyMs", static_cast<double>(ns) / 1e6}, {"latency_ns", ns}});
  return out;
}

Result<ExitCode> go(const Flags& f) {
  ASSAY_TRY(EngineArg engine, open_engine_arg(f.engine, true, f.device));
  ASSAY_TRY(TempDir temporary, TempDir::create(fs::temp_directory_path(), "assay-bench-"));
  ASSAY_TRY(vision::Dataset data,
            open_engine_data(f.data, engine.engine.inputs, f.inputs, static_cast<uint64_t>(f.seed),
                             temporary.path()));
  Table t({"launch", "n", "p50", "p90", "p99", "min", "max", "load", "first run", "null p50"});
  std::vector<std::vector<int64_t>> all;
  std::string clock;
  for (int64_t i = 0; i < f.launches; ++i) {
    audit::WorkerLaunch l = base_launch(engine, data);
    l.launch_index = i;
    l.samples = f.samples;
    l.warmup_ms = f.warmup_ms;
    l.slots = std::min<int64_t>(16, data.n);
    l.seed = static_cast<uint64_t>(f.seed + i);
    ASSAY_TRY(TempDir scratch, TempDir::create(temporary.path(), "launch-"));
    ASSAY_TRY(audit::WorkerResult r, audit::launch_worker(l, scratch.path()));
    if (r.outcome.outcome == "interrupted") return ExitCode::interrupted;
    if (r.outcome.outcome != "ok")
      return bad_input(
          fmt::format("launch {} of {} {}: {}", i, f.engine, r.outcome.outcome, r.outcome.reason),
          "see `assay audit` for the full evidence of such a failure");
    if (r.samples.empty()) return internal_error("a launch ended well but left no samples");
    std::vector<int64_t> s = r.samples;
    std::sort(s.begin(), s.end());
    const Json* series = r.log.find("series");
    const Json* opened = r.log.find("opened");
    const Json* first = r.log.find("first_run");
    clock = series ? get_string(*series, "clock") : "unknown";
    auto ns = [](const Json* j, const char* key) {
      return j && j->contains(key) ? format_ns(get_double(*j, key)) : std::string("unknown");
    };
    t.add({std::to_string(i), std::to_string(s.size()),
           interval_text(stats::quantile_interval(s, 0.5, 0.95)),
           interval_text(stats::quantile_interval(s, 0.9, 0.95)),
           interval_text(stats::quantile_interval(s, 0.99, 0.95)),
           format_ns(static_cast<double>(s.front())), format_ns(static_cast<double>(s.back())),
           ns(opened, "load_ns"), ns(first, "ns"), ns(series, "null_p50_ns")});
    all.push_back(r.samples);
  }
  if (f.format == "text")
    fmt::print("{} ({} {}), {} data, clock {}\n", engine.label(), engine.compiler.name,
               engine.engine.version, data.name,
               clock == "scripted" ? "scripted: not a measurement" : clock);
  ASSAY_CHECK(print_table(t, f.format));
  if (!f.export_times.empty())
    ASSAY_CHECK(write_file_atomic(f.export_times, dump_json(times_json(all), 1) + "\n"));
  return ExitCode::ok;
}

}  // namespace

void add_bench(App& app) {
  auto f = std::make_shared<Flags>();
  CLI::App* sub =
      app.root.add_subcommand("bench", "time one engine, each launch in a fresh process");
  sub->footer(kFooter);
  sub->add_option("engine", f->engine, "engine folder (assay build makes one)")->required();
  sub->add_option("--device", f->device,
                  "another device of the engine's kind, as cuda:1 (default: as it was built)");
  sub->add_option("--data", f->data, "data set (default synthetic)");
  sub->add_option("--inputs", f->inputs, "inputs of a synthetic data set")->check(above_zero());
  sub->add_option("--launches", f->launches, "launches (default 3)")->check(above_zero());
  sub->add_option("--samples,--iterations", f->samples,
                  "timed inferences of each launch (default 300)")
      ->check(above_zero());
  sub->add_option("--warm-up,--warmUp", f->warmup_ms, "milliseconds of warm-up (default 200)")
      ->check(zero_or_more());
  sub->add_option("--seed", f->seed, "seed of the input order")->check(zero_or_more());
  sub->add_option("--export-times,--exportTimes", f->export_times,
                  "write every sample to this JSON file");
  add_format(*sub, f->format, "text|md|json|jsonl|csv");
  sub->callback([&app, f] { app.action = [f] { return go(*f); }; });
}

}  // namespace assay::cli
