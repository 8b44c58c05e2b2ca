// SPDX-License-Identifier: Apache-2.0
#include "cli/diff_explain.h"

#include <memory>

#include "audit/lock/swap.h"
#include "cli/progress.h"

namespace assay::cli {
namespace {

audit::ExplainSide side_of(const EngineArg& engine, const vision::Dataset& data) {
  audit::ExplainSide side;
  side.label = engine.label();
  side.launch = base_launch(engine, data);
  side.launch.slots = std::min<int64_t>(side.launch.slots, data.n);
  side.kernels = engine.engine.kernels;
  return side;
}

struct Sides {
  const audit::ExplainSide &a, &b;
  const vision::Dataset& data;
};

// Each named choice of B put into A by itself: built, then launched beside both.
Status explain_swaps(const std::vector<DiffEngine>& given, const ExplainFlags& f,
                     const Sides& sides, const audit::LatencyOptions& options, const fs::path& made,
                     const audit::Say& say, Explanations& out) {
  if (!given[0].lock || !given[1].lock)
    return bad_input("--swap builds an engine again, so it needs two locks",
                     "record them with: assay lock record MODEL --compiler NAME -o DIR");
  std::vector<std::string> layers = f.swaps;
  if (layers == std::vector<std::string>{"*"})
    layers = audit::differing_choices(given[0].lock->lock(), given[1].lock->lock());
  if (layers.empty())
    return bad_input("the locks made the same choice for every layer", "there is nothing to swap");
  for (size_t i = 0; i < layers.size(); ++i) {
    say("build with the other choice of " + layers[i]);
    const fs::path folder = made / fmt::format("swap-{}", i);
    ASSAY_CHECK(make_dirs(folder));
    ASSAY_TRY(audit::Engine engine, audit::rebuild_swapped(*given[0].lock, *given[1].lock,
                                                           {layers[i]}, folder, interrupt_flag()));
    ASSAY_TRY(const EngineArg swapped, open_engine_arg(folder / "engine", true));
    audit::ExplainSide with = side_of(swapped, sides.data);
    with.label = sides.a.label + " with " + layers[i];
    ASSAY_TRY(diff::SwapShare share,
              audit::explain_swap(sides.a, sides.b, with, options, folder, say));
    out.swaps.emplace_back(layers[i], std::move(share));
  }
  return {};
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
      ->check(above_zero());
  sub.add_option("--swap", f.swaps,
                 "of two locks: build A with B's choice for this layer (\"*\": for each that "
                 "differs), and see how much of the difference goes with it; may be given again");
  sub.add_option("--seed", f.seed, "seed of synthetic data and of the order of launches");
}

Result<Explanations> explain(const std::vector<DiffEngine>& given, const ExplainFlags& f,
                             const fs::path& made) {
  if (given.size() != 2)
    return bad_input(
        fmt::format("--outputs, --latency and --swap explain two engines, {} were given",
                    given.size()),
        "name two");
  ASSAY_TRY(const EngineArg a, open_engine_arg(given[0].path, true));
  ASSAY_TRY(const EngineArg b, open_engine_arg(given[1].path, true));
  ASSAY_TRY(TempDir temporary, TempDir::create(fs::temp_directory_path(), "assay-explain-"));
  // A launch has up to 16 slots of inputs; tensors are read of the first few.
  ASSAY_TRY(vision::Dataset data,
            open_engine_data(f.data, a.engine.inputs, std::max<int64_t>(f.inputs, 16), f.seed,
                             temporary.path()));
  ASSAY_CHECK(vision::check_fits(data, b.engine.inputs));
  if (f.inputs > data.n)
    return bad_input(fmt::format("--inputs {}: data {} has {}", f.inputs, data.name, data.n));
  audit::ExplainSide of_a = side_of(a, data), of_b = side_of(b, data);
  of_a.label = given[0].map.label;
  of_b.label = given[1].map.label;
  if (of_a.launch.threads != of_b.launch.threads && f.latency)
    return bad_input(
        fmt::format("{} was built for {} threads, {} for {}: their times cannot be "
                    "compared",
                    a.label(), of_a.launch.threads, b.label(), of_b.launch.threads));
  Explanations out;
  out.label_a = given[0].map.label;
  out.label_b = given[1].map.label;
  out.data = data.name;
  StatusLine line;
  const auto say = [&](std::string_view text) { line.show(fmt::format("explain: {}", text)); };
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
  if (!f.swaps.empty()) {
    audit::LatencyOptions options;
    options.launches = f.launches;
    options.samples = f.samples;
    options.seed = f.seed;
    ASSAY_CHECK(explain_swaps(given, f, {of_a, of_b, data}, options, made, say, out));
  }
  return out;
}

}  // namespace assay::cli
