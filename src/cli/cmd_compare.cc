// SPDX-License-Identifier: Apache-2.0
// assay compare: run engines on the same inputs and compare their outputs, all pairs; or lay the
// runs of machines side by side.
#include <memory>

#include "cli/cli.h"
#include "cli/compare_runs.h"
#include "cli/engine_args.h"
#include "cli/series_args.h"
#include "compare/compare.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay compare engines/a/engines/openvino-fp32-0 engines/b/engines/onnxruntime-fp32-0 --data photos
  assay compare A B C --atol 1e-5 --rtol 1e-4
  assay compare runs/nx runs/agx --margin 2%      run folders: the machines side by side
  assay compare runs/here runs/there --format html --out machines.html

Engine folders: SAME means equal in every bit, or within --atol + --rtol * |b| where they are given. Exit code 1 when a
pair is DIFFERENT. The words hold for these inputs only.

Run folders of `assay audit`: latency, tail, energy, use, clocks, kernels and outputs of each recipe that two of them
have, and whether the bigger machine is faster. SAME means equal latency within --margin. That machines differ is no
failure: exit code 0 whatever is found, unless --fail-on names it. docs/platforms-compare.md says more.)";

struct Flags {
  std::vector<std::string> engines;
  std::string device, data, format = "text", margin, fail_on;
  int64_t inputs = 256;
  double atol = 0, rtol = 0;
  uint64_t seed = 1;
  CompareRunsFlags runs;
};

struct Side {
  EngineArg engine;
  std::vector<audit::WorkerOutput> outputs;
  std::unique_ptr<TempDir> scratch;
};

Result<Side> run_engine(const std::string& folder, const Flags& f, const TempDir& temporary,
                        std::unique_ptr<vision::Dataset>& data) {
  ASSAY_TRY(EngineArg engine, open_engine_arg(folder, true, f.device));
  if (!data) {
    ASSAY_TRY(vision::Dataset d,
              open_engine_data(f.data, engine.engine.inputs, f.inputs, f.seed, temporary.path()));
    data = std::make_unique<vision::Dataset>(std::move(d));
  }
  ASSAY_CHECK(vision::check_fits(*data, engine.engine.inputs));
  ASSAY_TRY(TempDir scratch, TempDir::create(temporary.path(), "launch-"));
  audit::WorkerLaunch l = base_launch(engine, *data);
  l.outputs = std::min(data->n, f.inputs);
  ASSAY_TRY(audit::WorkerResult r, audit::launch_worker(l, scratch.path()));
  if (r.outcome.outcome == "interrupted") return fail(ExitCode::interrupted, "interrupted");
  if (r.outcome.outcome != "ok")
    return bad_input(fmt::format("engine {} {}: {}", folder, r.outcome.outcome, r.outcome.reason));
  return Side{std::move(engine), std::move(r.outputs),
              std::make_unique<TempDir>(std::move(scratch))};
}

// The output of `b` that a's output k stands for: the one of its name, or the only one.
Result<size_t> partner(const Side& a, const Side& b, size_t k) {
  for (size_t i = 0; i < b.outputs.size(); ++i)
    if (b.outputs[i].spec.name == a.outputs[k].spec.name) return i;
  if (a.outputs.size() == 1 && b.outputs.size() == 1) return size_t{0};
  return bad_input(fmt::format("{} has no output \"{}\" as {} has", b.engine.label(),
                               one_line(a.outputs[k].spec.name), a.engine.label()));
}

// A flag that says nothing about what is compared would be ignored in silence.
Status check_flags(const CLI::App& sub, bool runs) {
  const auto refused = [&](const char* flag) { return sub.get_option(flag)->count() > 0; };
  const auto of_engines = {"--data", "--inputs", "--atol", "--rtol", "--seed"};
  const auto of_runs = {"--margin", "--across-threads", "--fail-on", "--out"};
  for (const char* flag : runs ? of_engines : of_runs)
    if (refused(flag))
      return bad_input(fmt::format("{} is for {} folders, {} folders are given", flag,
                                   runs ? "engine" : "run", runs ? "run" : "engine"),
                       "leave it out; `assay compare --help` says which flag is for which");
  return {};
}

Result<ExitCode> go(const Flags& f, const CLI::App& sub) {
  ASSAY_TRY(const bool runs, are_runs(f.engines));
  ASSAY_CHECK(check_flags(sub, runs));
  if (runs) {
    if (f.format == "jsonl")
      return bad_input("run folders are not printed as jsonl", "use --format json");
    CompareRunsFlags flags = f.runs;
    flags.format = f.format;
    ASSAY_TRY(flags.fail_on, parse_fail_on(f.fail_on, "different|inconclusive"));
    if (sub.get_option("--fail-on")->count() > 0 && flags.fail_on.empty())
      return bad_input("--fail-on: no word is given", "known: different, inconclusive");
    if (!f.margin.empty()) {
      ASSAY_TRY(flags.margin, parse_share(f.margin, "--margin"));
    }
    return compare_runs(f.engines, flags);
  }
  if (f.format == "html")
    return bad_input("engines are not printed as html",
                     "use --format text, md, json, jsonl or csv");
  if (f.engines.size() < 2) return bad_input("compare needs two or more engine folders");
  ASSAY_TRY(TempDir temporary, TempDir::create(fs::temp_directory_path(), "assay-compare-"));
  std::unique_ptr<vision::Dataset> data;
  std::vector<Side> sides;
  for (const std::string& folder : f.engines) {
    ASSAY_TRY(Side s, run_engine(folder, f, temporary, data));
    sides.push_back(std::move(s));
  }
  Table t({"a", "b", "output", "n", "verdict", "bitwise different", "max abs", "max rel",
           "min cosine", "top-1 flips"});
  bool different = false;
  for (size_t i = 0; i < sides.size(); ++i) {
    for (size_t j = i + 1; j < sides.size(); ++j) {
      const Side &a = sides[i], &b = sides[j];
      if (a.outputs.size() != b.outputs.size())
        return bad_input(fmt::format("{} has {} outputs, {} has {}", a.engine.label(),
                                     a.outputs.size(), b.engine.label(), b.outputs.size()));
      for (size_t k = 0; k < a.outputs.size(); ++k) {
        const auto& oa = a.outputs[k];
        ASSAY_TRY(const size_t at, partner(a, b, k));
        const auto& ob = b.outputs[at];
        ASSAY_TRY(MappedFile ma, MappedFile::open(oa.file));
        ASSAY_TRY(MappedFile mb, MappedFile::open(ob.file));
        const compare::View va{ma.bytes(), oa.spec.dtype, oa.n, oa.spec.elements()},
            vb{mb.bytes(), ob.spec.dtype, ob.n, ob.spec.elements()};
        const bool labels = dtype_is_float(oa.spec.dtype) && !oa.spec.shape.empty() &&
                            oa.spec.shape.back() == oa.spec.elements() && oa.spec.elements() > 1;
        ASSAY_TRY(compare::Pair p,
                  compare::compare_pair(va, vb, labels, labels && compare::looks_like_logits(va)));
        bool same = p.distance.bitwise_different == 0;
        if (!same && (f.atol > 0 || f.rtol > 0)) {
          ASSAY_TRY(same, compare::within(va, vb, f.atol, f.rtol));
        }
        different = different || !same;
        t.add({a.engine.label(), b.engine.label(), oa.spec.name, std::to_string(p.distance.n),
               std::string(word(same ? Verdict::same : Verdict::different)),
               std::to_string(p.distance.bitwise_different),
               fmt::format("{:.3g}", p.distance.max_abs), fmt::format("{:.3g}", p.distance.max_rel),
               fmt::format("{:.9g}", p.distance.min_cosine),
               labels ? std::to_string(p.labels.top1_mismatch) : "-"});
      }
    }
  }
  ASSAY_CHECK(print_table(t, f.format));
  return different ? ExitCode::verdict : ExitCode::ok;
}

}  // namespace

void add_compare(App& app) {
  auto f = std::make_shared<Flags>();
  CLI::App* sub = app.root.add_subcommand(
      "compare", "compare the outputs of engines on the same inputs, or the runs of machines");
  sub->footer(kFooter);
  sub->add_option("engines", f->engines, "two or more engine folders, or run folders")->required();
  sub->add_option("--device", f->device,
                  "another device of the engines' kind, as cuda:1 (default: as they were built)");
  sub->add_option("--data", f->data, "data set (default synthetic)");
  sub->add_option("--inputs", f->inputs, "inputs to compare (default 256)")->check(above_zero());
  sub->add_option("--atol", f->atol, "absolute tolerance")->check(zero_or_more());
  sub->add_option("--rtol", f->rtol, "relative tolerance")->check(zero_or_more());
  sub->add_option("--seed", f->seed, "seed of the synthetic data");
  sub->add_option("--margin", f->margin,
                  "run folders: equal latency means within this (default 1%)");
  sub->add_flag("--across-threads", f->runs.across_threads,
                "run folders: match recipes whatever their threads");
  sub->add_option(
      "--fail-on,--failOn", f->fail_on,
      "run folders: exit code 1 on any of these, comma separated: different, inconclusive");
  sub->add_option("-o,--out", f->runs.out, "run folders: write to this file");
  add_format(*sub, f->format, "text|md|json|jsonl|csv|html");
  sub->get_option("--format")
      ->description("output: text|md|json|csv; engine folders also jsonl, run folders also html");
  sub->callback([&app, f, sub] { app.action = [f, sub] { return go(*f, *sub); }; });
}

}  // namespace assay::cli
