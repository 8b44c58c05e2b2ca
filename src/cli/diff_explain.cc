// SPDX-License-Identifier: Apache-2.0
#include "cli/diff_explain.h"

#include <memory>

#include "cli/progress.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay explain A B --outputs --data digits
  assay explain A B --latency --launches 10 --runs 100

What each line means: docs/diff.md, "Why do they differ".)";

audit::ExplainSide side_of(const EngineArg& engine, const vision::Dataset& data) {
  audit::ExplainSide side;
  side.label = engine.label();
  side.launch = base_launch(engine, data);
  side.launch.slots = std::min<int64_t>(side.launch.slots, data.n);
  side.kernels = engine.engine.kernels;
  return side;
}

}  // namespace

void add_explain_flags(CLI::App& sub, ExplainFlags& f) {
  sub.add_flag("--outputs", f.outputs, "find the first layer whose values differ");
  sub.add_flag("--latency", f.latency, "find the layers in which the time goes");
  sub.add_option("--data", f.data, "data set (default synthetic)");
  sub.add_option("--inputs", f.inputs, "inputs whose tensors are compared (default 4)")
      ->check(CLI::Range(1, 4096));
  sub.add_option("--launches", f.launches, "launches of each engine, side by side (default 8)")
      ->check(CLI::Range(2, 10000));
  sub.add_option("--runs", f.runs, "instrumented runs of each launch (default 50)")
      ->check(CLI::Range(1, 10000));
  sub.add_option("--samples,--iterations", f.samples,
                 "un-instrumented runs of each launch (default 300)")
      ->check(CLI::PositiveNumber);
  sub.add_option("--seed", f.seed, "seed of synthetic data and of the order of launches");
}

Result<Explanations> explain(const std::vector<EngineArg>& engines, const ExplainFlags& f) {
  if (engines.size() != 2)
    return bad_input(
        fmt::format("--outputs and --latency explain two engines, {} were given", engines.size()));
  const EngineArg &a = engines[0], &b = engines[1];
  ASSAY_TRY(TempDir temporary, TempDir::create(fs::temp_directory_path(), "assay-explain-"));
  // A launch has up to 16 slots of inputs; tensors are read of the first few.
  ASSAY_TRY(vision::Dataset data,
            open_engine_data(f.data, a.engine.inputs, std::max<int64_t>(f.inputs, 16), f.seed,
                             temporary.path()));
  ASSAY_CHECK(vision::check_fits(data, b.engine.inputs));
  if (f.inputs > data.n)
    return bad_input(fmt::format("--inputs {}: data {} has {}", f.inputs, data.name, data.n));
  const audit::ExplainSide of_a = side_of(a, data), of_b = side_of(b, data);
  if (of_a.launch.threads != of_b.launch.threads && f.latency)
    return bad_input(
        fmt::format("{} was built for {} threads, {} for {}: their times cannot be "
                    "compared",
                    a.label(), of_a.launch.threads, b.label(), of_b.launch.threads));
  Explanations out;
  out.label_a = a.label();
  out.label_b = b.label();
  if (out.label_a == out.label_b) {
    out.label_a = a.folder.string();
    out.label_b = b.folder.string();
  }
  out.data = data.name;
  ProgressLine line;
  const auto say = [&](std::string_view text) {
    audit::Progress p;
    p.note = text;
    line.show(p);
  };
  if (f.outputs) {
    audit::OutputsOptions options;
    options.inputs = f.inputs;
    ASSAY_TRY(out.outputs, audit::explain_outputs(of_a, of_b, options, temporary.path(), say));
  }
  if (f.latency) {
    audit::LatencyOptions options;
    options.launches = f.launches;
    options.runs = f.runs;
    options.samples = f.samples;
    options.seed = f.seed;
    ASSAY_TRY(out.latency, audit::explain_latency(of_a, of_b, options, temporary.path(), say));
  }
  return out;
}

void add_explain(App& app) {
  struct Flags : ExplainFlags {
    std::vector<std::string> engines;
    std::string format = "text";
  };
  auto f = std::make_shared<Flags>();
  CLI::App* sub = app.root.add_subcommand("explain", "why two engines differ");
  sub->group("");  // hidden
  sub->footer(kFooter);
  sub->add_option("engines", f->engines, "two engine folders")->required();
  add_explain_flags(*sub, *f);
  add_format(*sub, f->format, "text|md|json|jsonl|csv");
  sub->callback([&app, f] {
    app.action = [f]() -> Result<ExitCode> {
      if (!f->wanted()) return bad_input("explain what? give --outputs, --latency, or both");
      std::vector<EngineArg> engines;
      for (const std::string& folder : f->engines) {
        ASSAY_TRY(EngineArg engine, open_engine_arg(folder, true));
        engines.push_back(std::move(engine));
      }
      ASSAY_TRY(const Explanations e, explain(engines, *f));
      ASSAY_CHECK(print_explanations(e, f->format));
      return ExitCode::ok;
    };
  });
}

}  // namespace assay::cli
