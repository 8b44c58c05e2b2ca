// SPDX-License-Identifier: Apache-2.0
// assay audit and assay build: plan, show, run, report.
#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "audit/audit.h"
#include "audit/claims.h"
#include "audit/derive.h"
#include "audit/plausibility.h"
#include "cli/audit_locks.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/run_files.h"
#include "report/report.h"

namespace assay::cli {
namespace {

constexpr const char* kAuditFooter = R"(Examples:
  assay audit model.onnx --compiler onnxruntime,openvino
  assay audit digits --compiler tvm-autotvm --builds 3 --trials 64
  assay audit model.onnx --compiler openvino --precision fp32,bf16 --data photos/ --sampling independent
  assay audit digits --compiler openvino --profile standard --limit 1ms --below 1e-3
  assay audit examples/demo.toml --out runs/demo --dry-run

The evidence goes to the folder of --out; the same command goes on after Ctrl-C or a crash. report.html, report.md
and report.json are written there.)";

constexpr const char* kBuildFooter = R"(Examples:
  assay build model.onnx --compiler openvino --out engines/ov
  assay build digits --compiler tvm-autotvm --trials 8 --builds 2 --out engines/tvm

Engines are laid out below the folder of --out as engines/COMPILER-PRECISION-N, ready for assay bench, compare and diff.)";

struct Flags {
  PlanFlags plan;
  std::string out, format = "text", fail_on;
  std::string peaks;
  bool fresh = false, dry_run = false, no_peaks = false, layer_times = false;
};

// What each model's numbers carry, before anything runs (design.md, rule 12).
void print_claims(const audit::Plan& plan, const audit::Prepared& prepared) {
  fmt::print(stderr, "profile {} may claim: {}; not: {}\n", plan.profile.name, plan.profile.claims,
             plan.profile.refuses);
  for (const auto& m : prepared.models) {
    const int64_t units = m.data.sampling == Sampling::fixed       ? 0
                          : m.data.sampling == Sampling::clustered ? m.data.cluster_count()
                                                                   : m.n;
    Table t({"claim", "possible", "carried by", "needs"});
    for (const audit::Claim& c : audit::plan_claims(plan, {m.n, units, m.detector.has_value()}))
      t.add({c.name, c.supported ? "yes" : "no", c.basis, c.needs});
    if (prepared.models.size() > 1) fmt::print(stderr, "{}:\n", m.data.name);
    fmt::print(stderr, "{}", t.text());
  }
}

// What one inference of each model is, and its least time with peaks that are known already.
void print_work(const audit::Plan& plan, const audit::Prepared& prepared,
                const std::optional<platform::Peaks>& peaks) {
  for (size_t i = 0; i < prepared.models.size(); ++i) {
    const auto& cost = prepared.models[i].info.cost;
    fmt::print(stderr, "work of {}: {}\n", plan.models[i].name, model::cost_text(cost));
    std::set<std::string> said;
    for (const auto& r : prepared.recipes)
      if (r.model == i && r.plan.device == "cpu" && said.insert(r.plan.precision).second)
        fmt::print(stderr, "  least time in {}: {}\n", r.plan.precision,
                   peaks ? audit::floor_text(cost, r.plan.precision, peaks)
                         : "unknown until the machine's peaks are measured, before the first "
                           "launch");
  }
}

void print_plan(const audit::Plan& plan, const audit::Prepared& prepared, bool launches,
                const std::optional<platform::Peaks>& peaks) {
  Table t({"model", "compiler", "precision", "builds", "lock", "launches", "samples", "inputs",
           "options"});
  for (const auto& r : prepared.recipes) {
    std::string options;
    for (const auto& [key, value] : r.plan.options.items())
      options += fmt::format("{}{}={}", options.empty() ? "" : " ", key,
                             value.is_string() ? value.get<std::string>() : dump_json(value));
    if (r.plan.dvfs != "default")
      options += fmt::format("{}clocks={}", options.empty() ? "" : " ", r.plan.dvfs);
    const std::string on = r.plan.device == "cpu" ? "" : " " + r.plan.device;
    t.add({plan.models[r.model].name, fmt::format("{}{}", r.plan.compiler, on), r.plan.precision,
           std::to_string(r.builds(plan)), r.plan.lock_mode,
           launches ? std::to_string(r.builds(plan) * plan.launches) : "-",
           launches ? std::to_string(plan.samples) : "-",
           std::to_string(prepared.models[r.model].n), options});
  }
  fmt::print(stderr, "{}", t.text());
  for (const std::string& note : prepared.notes) fmt::print(stderr, "note: {}\n", note);
  if (launches) {
    for (const auto& m : prepared.models) {
      fmt::print(stderr, "data {}: {} ({}{})\n", m.data.name, one_line(m.data.description),
                 word(m.data.sampling),
                 m.data.sampling == Sampling::clustered
                     ? fmt::format(" by {}, {} clusters", one_line(m.data.sampling_by),
                                   m.data.cluster_count())
                     : "");
    }
    print_claims(plan, prepared);
    print_work(plan, prepared, peaks);
  }
  fmt::print(stderr, "seed {}, {} thread{}; rough estimate {}\n", plan.seed, plan.threads,
             plan.threads == 1 ? "" : "s", format_ns(audit::estimate_s(plan, prepared) * 1e9));
}

// The run folder when none is named: the same command finds it again.
fs::path default_out(const audit::Plan& plan) {
  return fs::path("runs") / fmt::format("{}-{}", plan.models[0].name,
                                        content_id(dump_json(audit::to_json(plan))).substr(0, 8));
}

// Bad input must cost no evidence and leave no folder behind: everything is prepared once, with one
// input a model, before the first byte is removed or written.
Status check_inputs(const audit::Plan& plan, bool reference_named) {
  audit::Plan probe = plan;
  for (auto& m : probe.models) m.inputs = 1;
  ASSAY_TRY(TempDir temporary, TempDir::create(fs::temp_directory_path(), "assay-check-"));
  ASSAY_TRY(audit::Prepared prepared, audit::prepare(probe, temporary.path(), reference_named));
  return {};
}

Result<bool> fails_on(store::RunFolder& run, const std::string& words) {
  for (const std::string& w : split(words)) {
    std::string upper = w;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (!verdict_from(upper))
      return bad_input(fmt::format("--fail-on {}: unknown verdict", one_line(w)),
                       "use different, inconclusive");
    ASSAY_TRY(
        auto row,
        run.db().first("SELECT count(*) FROM verdict WHERE verdict=? AND derivation_id=(SELECT "
                       "derivation_id FROM derivation ORDER BY seq DESC LIMIT 1)",
                       {upper}));
    if (row->integer(0) > 0) return true;
  }
  return false;
}

Status lay_out_engines(store::RunFolder& run) {
  ASSAY_TRY(auto models, run.db().first("SELECT count(*) FROM model"));
  ASSAY_TRY(
      auto rows,
      run.db().query("SELECT b.build_id, b.build_index, r.compiler, r.precision, m.name, "
                     "r.regime_json FROM build "
                     "b JOIN recipe r USING(recipe_id) JOIN model m ON m.model_id=r.model_id WHERE "
                     "b.outcome='ok' ORDER BY r.rowid, b.build_index"));
  for (const auto& r : rows) {
    const std::string model = models->integer(0) > 1 ? r.text(4) + "-" : "";
    ASSAY_TRY(const Json regime, parse_json(r.text(5), "recipe.regime_json"));
    std::string device = get_string(regime, "device", "cpu");
    std::replace(device.begin(), device.end(), ':', '-');
    const std::string on = device == "cpu" ? "" : "-" + device;
    const fs::path to = run.folder() / "engines" /
                        fmt::format("{}{}-{}{}-{}", model, r.text(2), r.text(3), on, r.integer(1));
    std::error_code ec;
    fs::remove_all(to, ec);
    ASSAY_CHECK(audit::materialise(run, r.text(0), to));
    fmt::print("{}\n", to.string());
  }
  return {};
}

Result<ExitCode> go(const Flags& flags, const std::vector<std::string>& argv, bool launches) {
  ASSAY_TRY(audit::Request request, request_from_flags(flags.plan));
  ASSAY_TRY(audit::Plan plan, audit::make_plan(request));
  const bool reference_named =
      std::any_of(request.models.begin(), request.models.end(), [](const auto& m) {
        return std::find(m.compilers.begin(), m.compilers.end(), "reference") != m.compilers.end();
      });
  for (const std::string& w : split(flags.fail_on))
    if (w != "different" && w != "inconclusive")
      return bad_input(fmt::format("--fail-on {}: unknown verdict", one_line(w)),
                       "use different, inconclusive");
  std::optional<platform::Peaks> peaks;
  if (!flags.peaks.empty()) {  // read before anything is removed or built
    ASSAY_TRY(const auto given, audit::peaks_from_file(flags.peaks));
    for (const audit::ModelPlan& m : plan.models)
      for (const audit::RecipePlan& r : m.recipes)
        if (!audit::highest_peaks(given, r.device, plan.threads))
          return bad_input(fmt::format("--peaks {}: it has no peaks of {} with {} thread{}",
                                       one_line(flags.peaks, 200), r.device, plan.threads,
                                       plan.threads == 1 ? "" : "s"),
                           "add them, or leave --peaks away: they are measured then");
    peaks = audit::highest_peaks(given, "cpu", plan.threads);
  } else if (!flags.no_peaks) {
    peaks = audit::kept_peaks("cpu", plan.threads);
  }
  const fs::path out = flags.out.empty() ? default_out(plan) : fs::path(flags.out);
  if (flags.dry_run) {
    // Nothing of a dry run stays: data sets that must be made are made in a temporary folder.
    ASSAY_TRY(TempDir temporary, TempDir::create(fs::temp_directory_path(), "assay-dry-run-"));
    ASSAY_TRY(audit::Prepared prepared, audit::prepare(plan, temporary.path(), reference_named));
    print_plan(plan, prepared, launches, peaks);
    fmt::print(stderr, "dry run: nothing was built; evidence would go to {}\n", out.string());
    return ExitCode::ok;
  }
  if (flags.fresh || !looks_like_run(out)) ASSAY_CHECK(check_inputs(plan, reference_named));
  if (flags.fresh) ASSAY_CHECK(start_anew(out));
  ASSAY_TRY(store::RunFolder run, store::RunFolder::open_for_writing(out));
  const fs::path data = run.folder() / "data";
  ASSAY_CHECK(record_locks(plan, run.folder() / "locks", data));
  ASSAY_TRY(audit::Prepared prepared, audit::prepare(plan, data, reference_named));
  print_plan(plan, prepared, launches, peaks);
  ProgressLine line;
  audit::AuditOptions options;
  options.argv = argv;
  options.cancel = interrupt_flag();
  options.launches = launches;
  options.layer_times = flags.layer_times;
  options.peaks = {!flags.no_peaks, flags.peaks};
  options.on_progress = [&](const audit::Progress& p) { line.show(p); };
  ASSAY_TRY(audit::AuditResult result, audit::run_audit(plan, prepared, run, options));
  line.clear();
  if (result.interrupted) {
    fmt::print(stderr, "interrupted; {} jobs are done and kept in {}; the same command goes on\n",
               result.jobs_run + result.jobs_resumed, out.string());
    return ExitCode::interrupted;
  }
  ASSAY_TRY(report::Model model, report::load_model(run));
  if (launches) {
    ASSAY_CHECK(write_reports(run, model));
    ASSAY_TRY(std::string text, flags.format == "json" ? report::to_json(model)
                                : flags.format == "md"
                                    ? report::to_markdown(model)
                                    : report::to_text(model, terminal_colours()));
    fmt::print("{}{}", text, text.ends_with('\n') ? "" : "\n");
    std::fflush(stdout);  // before what follows on stderr
    fmt::print(stderr, "evidence: {}\nreport:   {}\n", run.folder().string(),
               (run.folder() / "report.html").string());
  } else {
    ASSAY_CHECK(lay_out_engines(run));
  }
  if (result.usable_recipes < result.recipes) {
    fmt::print(stderr,
               "assay: {} of {} recipes gave no usable build or launch; the report says why\n",
               result.recipes - result.usable_recipes, result.recipes);
    return ExitCode::verdict;
  }
  ASSAY_TRY(bool failed, fails_on(run, flags.fail_on));
  return failed ? ExitCode::verdict : ExitCode::ok;
}

}  // namespace

void add_audit(App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* sub = app.root.add_subcommand(
      "audit", "rebuild a model many times, compare, measure, judge, report");
  sub->footer(kAuditFooter);
  add_plan_flags(*sub, flags->plan, true);
  sub->add_option("-o,--out", flags->out,
                  "run folder (default runs/MODEL-HASH, the same for the same plan)");
  sub->add_flag("--fresh", flags->fresh, "start anew: removes the evidence in the run folder");
  sub->add_flag("--dry-run,--dryRun", flags->dry_run, "print the plan and an estimate, then stop");
  auto* no_peaks = sub->add_flag("--no-peaks,--noPeaks", flags->no_peaks,
                                 "do not measure what the machine can do at most: no latency is "
                                 "then held against it");
  sub->add_flag("--layer-times,--layerTimes", flags->layer_times,
                "take the times of layers in one launch a recipe: a latency far below their sum is "
                "named");
  sub->add_option("--peaks", flags->peaks,
                  "take the machine's peaks from this file (docs/plausibility.md) instead of "
                  "measuring them")
      ->excludes(no_peaks);
  sub->add_option("--fail-on,--failOn", flags->fail_on,
                  "exit 1 on these verdicts: different,inconclusive");
  add_format(*sub, flags->format, "text|md|json");
  sub->callback([&app, flags, argv = app.argv] {
    app.action = [flags, argv] { return go(*flags, argv, true); };
  });
}

void add_build(App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* sub =
      app.root.add_subcommand("build", "make engines, each in a fresh isolated process");
  sub->footer(kBuildFooter);
  add_plan_flags(*sub, flags->plan, false);
  sub->add_option("-o,--out", flags->out, "folder for evidence and engines")->required();
  sub->add_flag("--fresh", flags->fresh, "start anew: removes what an earlier build left there");
  sub->add_flag("--dry-run,--dryRun", flags->dry_run, "print the plan and an estimate, then stop");
  sub->callback([&app, flags, argv = app.argv] {
    app.action = [flags, argv] {
      Flags f = *flags;
      f.plan.no_reference = true;  // engines are wanted, not a comparison
      if (f.plan.builds == 0) f.plan.builds = 1;
      if (f.plan.inputs == 0) f.plan.inputs = 1;  // nothing is launched: no need to make a data set
      return go(f, argv, false);
    };
  });
}

}  // namespace assay::cli
