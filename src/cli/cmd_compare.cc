// SPDX-License-Identifier: Apache-2.0
// assay compare: run engines on the same inputs and compare their outputs, all pairs.
#include <memory>

#include "cli/cli.h"
#include "cli/engine_args.h"
#include "compare/compare.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay compare engines/a/engines/openvino-fp32-0 engines/b/engines/onnxruntime-fp32-0 --data photos
  assay compare A B C --atol 1e-5 --rtol 1e-4

SAME: equal in every bit, or within --atol + --rtol * |b| where they are given. Exit code 1 when a pair is DIFFERENT.
The words hold for these inputs only.)";

struct Flags {
  std::vector<std::string> engines;
  std::string device, data, format = "text";
  int64_t inputs = 256;
  double atol = 0, rtol = 0;
  uint64_t seed = 1;
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

Result<ExitCode> go(const Flags& f) {
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
  CLI::App* sub =
      app.root.add_subcommand("compare", "compare the outputs of engines on the same inputs");
  sub->footer(kFooter);
  sub->add_option("engines", f->engines, "two or more engine folders")->required();
  sub->add_option("--device", f->device,
                  "another device of the engines' kind, as cuda:1 (default: as they were built)");
  sub->add_option("--data", f->data, "data set (default synthetic)");
  sub->add_option("--inputs", f->inputs, "inputs to compare (default 256)")->check(above_zero());
  sub->add_option("--atol", f->atol, "absolute tolerance")->check(zero_or_more());
  sub->add_option("--rtol", f->rtol, "relative tolerance")->check(zero_or_more());
  sub->add_option("--seed", f->seed, "seed of the synthetic data");
  add_format(*sub, f->format, "text|md|json|jsonl|csv");
  sub->callback([&app, f] { app.action = [f] { return go(*f); }; });
}

}  // namespace assay::cli
