// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "cli/run_series.h"
#include "cli/series_args.h"
#include "report/series/json.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay wcet times.json                                   bounds at p = 1e-3 .. 1e-9 per inference, or a refusal
  assay wcet times.json --p 1e-6,1e-9 --fps 30            and what that is in an hour
  assay wcet times.json --deadline 20ms
  assay wcet times.json --cameras 4 --read 2ms --pre 3ms --post 1ms     the paper's eq. 1 beside it
  assay wcet b0.json b1.json b2.json --builds             over a population of builds
  assay wcet runs/demo                                    each recipe of an audit, over its builds

The bound is the larger of a profile-likelihood bound and an exponential one. It is refused, with
reasons, where the series does not carry it. Below p = 1/(100 n) it is a model's extrapolation.
Exit codes: 0 a bound or a refusal; 1 by --fail-on refused; 2 bad input. docs/stats.md tells the rest.)";
constexpr const char* kWords = "refused";

struct Flags {
  SeriesFlags series;
  std::vector<std::string> targets;
  std::string p, confidence = "0.95", deadline, read, pre, post;
  double fps = 0;
  int64_t cameras = 1;
  int bootstrap = 499;
  uint64_t seed = 1;
  bool builds = false;
};

Result<report::WcetOptions> options_from(const Flags& f) {
  report::WcetOptions o;
  if (!f.p.empty()) {
    ASSAY_TRY(o.pwcet.p, parse_probabilities(f.p, "--p"));
  }
  ASSAY_TRY(o.pwcet.confidence, parse_share(f.confidence, "--confidence"));
  if (o.pwcet.confidence <= .5)
    return bad_input(
        fmt::format("--confidence {}: an upper bound needs more than 0.5", f.confidence),
        "write 0.95 or 0.99");
  o.pwcet.bootstrap = f.bootstrap;
  o.pwcet.seed = f.seed;
  o.cut_warm_up = !f.series.no_warm_up;
  o.fps = f.fps;
  o.cameras = f.cameras;
  if (!f.deadline.empty()) {
    ASSAY_TRY(o.deadline_ns, parse_duration(f.deadline, "--deadline"));
  }
  for (auto [flag, text, term] : {std::tuple{"--read", &f.read, &o.read_ns},
                                  {"--pre", &f.pre, &o.pre_ns},
                                  {"--post", &f.post, &o.post_ns}}) {
    if (text->empty()) continue;
    ASSAY_TRY(const int64_t ns, parse_duration(*text, flag));
    *term = static_cast<double>(ns);
  }
  if (f.cameras > 1 && !o.read_ns && !o.pre_ns && !o.post_ns)
    return bad_input("--cameras is of the paper's eq. 1, which needs its stages",
                     "add --read 2ms --pre 3ms --post 1ms");
  return o;
}

Status add_run(const Flags& f, report::WcetReport& r) {
  if (f.targets.size() != 1)
    return bad_input("a run folder goes alone", "name one run folder, or files");
  ASSAY_TRY(auto recipes, read_run(f.targets.front()));
  // The runner has warmed up, and every sample of the evidence counts.
  r.options.cut_warm_up = false;
  for (RecipeSeries& recipe : recipes)
    r.populations.push_back(
        report::analyse_population(recipe.label, std::move(recipe.launches), r.options));
  return {};
}

Status add_files(const Flags& f, report::WcetReport& r) {
  ASSAY_TRY(auto inputs, read_files(f.targets, f.series));
  std::vector<report::WcetLaunch> launches;
  for (auto& in : inputs) {
    stats::MachineEvidence machine;
    machine.external = true;
    if (!f.builds) in.group = 0;
    launches.push_back({std::move(in), machine});
  }
  if (launches.size() == 1) {
    r.series.push_back(report::analyse_wcet(std::move(launches.front()), r.options));
    return {};
  }
  if (!f.builds)
    r.notes.push_back(fmt::format(
        "{} series were taken as launches of one build; --builds takes each file as a build",
        launches.size()));
  std::string name = fs::path(f.targets.front()).stem().string();
  if (f.targets.size() > 1) name += fmt::format(" and {} more", f.targets.size() - 1);
  r.populations.push_back(
      report::analyse_population(std::move(name), std::move(launches), r.options));
  return {};
}

Result<ExitCode> go(const Flags& f) {
  ASSAY_TRY(const auto words, parse_fail_on(f.series.fail_on, kWords));
  report::WcetReport r;
  ASSAY_TRY(r.options, options_from(f));
  std::error_code error;
  const bool run = std::any_of(f.targets.begin(), f.targets.end(),
                               [&](const std::string& t) { return fs::is_directory(t, error); });
  ASSAY_CHECK(run ? add_run(f, r) : add_files(f, r));
  if (!r.populations.empty() && (r.options.deadline_ns || r.options.read_ns || r.options.fps > 0))
    r.notes.emplace_back(
        "--deadline, --fps and the paper's eq. 1 are of one series; give one launch for them");
  Printed p;
  const report::DrawOptions draw = draw_options(f.series);
  if (draw.svg || (f.series.format != "json" && f.series.format != "csv"))
    p.document = report::wcet_document(r, draw);
  if (f.series.format == "json") p.json = report::wcet_json(r);
  if (f.series.format == "csv") p.csv = report::wcet_csv(r).csv();
  ASSAY_CHECK(print_series(p, f.series));
  return r.refused() && !words.empty() ? ExitCode::verdict : ExitCode::ok;
}

}  // namespace

void add_wcet(App& app) {
  auto f = std::make_shared<Flags>();
  CLI::App* sub = app.root.add_subcommand(
      "wcet", "probabilistic worst case of a list of latencies, or of a run: a bound or a refusal");
  sub->footer(kFooter);
  sub->add_option("targets", f->targets, "lists of latencies, or one run folder")->required();
  sub->add_option("--p", f->p,
                  "exceedance probabilities per inference (default 1e-3,1e-4,1e-5,1e-6,1e-9)");
  sub->add_option("--confidence", f->confidence, "of the bounds, one-sided (default 0.95)");
  sub->add_option("--fps", f->fps, "inferences a second: adds the probability in an hour")
      ->check(above_zero());
  sub->add_option("--deadline", f->deadline, "P(X > D), counted and by the model: 20ms");
  sub->add_option("--cameras", f->cameras, "cameras of the paper's eq. 1 (default 1)")
      ->check(CLI::Range(1, 1000));
  sub->add_option("--read", f->read, "eq. 1: time to read one image");
  sub->add_option("--pre", f->pre, "eq. 1: pre-processing");
  sub->add_option("--post", f->post, "eq. 1: post-processing");
  sub->add_option("--bootstrap", f->bootstrap, "replicates of each test of the tail (default 499)")
      ->check(CLI::Range(99, 99999));
  sub->add_option("--seed", f->seed, "of the bootstrap (default 1; printed)");
  sub->add_flag("--builds", f->builds, "each file is a build, the series in it are its launches");
  add_series_flags(*sub, f->series, kWords);
  sub->callback([&app, f] { app.action = [f] { return go(*f); }; });
}

}  // namespace assay::cli
