// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <memory>

#include "cli/series_args.h"
#include "report/series/json.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay stats times.json                                  trtexec, Google Benchmark, hyperfine, ort-perf, csv
  assay stats log.csv --column 3 --unit ms --percentile 90,95,99
  assay stats times.json --limit 20ms --below 1e-3        is P(X > 20 ms) below 0.001?
  assay stats before.csv after.csv --margin 2%            two single processes: SAME, DIFFERENT, INCONCLUSIVE
  assay stats a1.csv a2.csv a3.csv --against b1.csv b2.csv b3.csv --fail-on different
  assay stats b0.json b1.json b2.json --builds            files are builds: what does a rebuild change?
  assay stats times.json --format html --out times.html

A quantile that this many samples cannot carry is not printed; the number that could is. A list of
latencies says nothing of its machine, so its trust is DEGRADED at best.
Exit codes: 0 whatever the verdict; 1 by --fail-on; 2 bad input. docs/stats.md tells the rest.)";
constexpr const char* kWords = "different|inconclusive|rejected|degraded|fail|undecided";

struct Flags {
  SeriesFlags series;
  std::vector<std::string> files, against;
  std::string percentile, confidence = "0.95", tail_confidence = "0.99", alpha = "0.05", margin,
                          margin_p99, limit, below;
  uint64_t seed = 1;
  bool builds = false, within = false;
};

Result<report::StatsOptions> options_from(const Flags& f) {
  report::StatsOptions o;
  for (const std::string& part : split(f.percentile)) {
    ASSAY_TRY(double q, parse_share(part + "%", "--percentile"));
    q = std::round(q * 1e12) / 1e12;  // 99.99 / 100 is not the double nearest .9999
    if (std::none_of(o.q.begin(), o.q.end(),
                     [&](double have) { return std::abs(have - q) < 1e-12; }))
      o.q.push_back(q);
  }
  if (o.q.size() > 64) return bad_input("--percentile: more than 64", "give fewer");
  std::sort(o.q.begin(), o.q.end());
  ASSAY_TRY(o.confidence, parse_share(f.confidence, "--confidence"));
  ASSAY_TRY(o.tail_confidence, parse_share(f.tail_confidence, "--tail-confidence"));
  ASSAY_TRY(o.alpha, parse_share(f.alpha, "--alpha", .5));
  if (!f.margin.empty()) {
    ASSAY_TRY(o.margin_median, parse_share(f.margin, "--margin"));
  }
  if (!f.margin_p99.empty()) {
    ASSAY_TRY(o.margin_p99, parse_share(f.margin_p99, "--margin-p99"));
  } else if (!f.margin.empty()) {
    o.margin_p99 = std::max(o.margin_p99, o.margin_median);
  }
  if (f.limit.empty() != f.below.empty())
    return bad_input("--limit and --below go together", "write --limit 20ms --below 1e-3");
  if (!f.limit.empty()) {
    report::Requirement r;
    ASSAY_TRY(r.limit_ns, parse_duration(f.limit, "--limit"));
    ASSAY_TRY(r.below, parse_share(f.below, "--below"));
    o.requirement = r;
  }
  o.seed = f.seed;
  o.cut_warm_up = !f.series.no_warm_up;
  o.builds = f.builds;
  return o;
}

// "times", or "b0 (10 launches)": the names up to their launch, each once.
std::string side_name(std::span<const report::SeriesStats> side) {
  std::vector<std::string> names;
  for (const auto& s : side) {
    const std::string stem =
        side.size() > 1 ? s.input.name.substr(0, s.input.name.find('/')) : s.input.name;
    if (std::find(names.begin(), names.end(), stem) == names.end()) names.push_back(stem);
  }
  std::string out =
      fmt::format("{}", fmt::join(std::span(names).first(std::min<size_t>(names.size(), 3)), ", "));
  if (names.size() > 3) out += fmt::format(" and {} more", names.size() - 3);
  if (side.size() > names.size()) out += fmt::format(" ({} launches)", side.size());
  return out;
}

// Where side B begins, when there are two sides.
Result<std::optional<size_t>> split_of(const Flags& f, const std::vector<report::SeriesInput>& all,
                                       size_t side_a) {
  if (f.within && (!f.against.empty() || f.files.size() != 1 || all.size() != 2))
    return bad_input(fmt::format("--within compares the two series of one file, but there are {} "
                                 "series in {} files",
                                 all.size(), f.files.size() + f.against.size()),
                     "name one file that holds two series, or separate sides with --against");
  if (f.within) return std::optional<size_t>(1);
  if (!f.against.empty()) return std::optional<size_t>(side_a);
  if (f.files.size() != 2 || f.builds) return std::optional<size_t>();
  const auto b = std::find_if(all.begin(), all.end(), [](const auto& s) { return s.group == 1; });
  return std::optional<size_t>(static_cast<size_t>(b - all.begin()));
}

bool fails(const report::StatsReport& r, const std::vector<std::string>& words) {
  auto named = [&](std::string_view w) {
    return std::find(words.begin(), words.end(), w) != words.end();
  };
  if (r.comparison)
    for (const auto& c : r.comparison->claims)
      if ((c.verdict == Verdict::different && named("different")) ||
          (c.verdict == Verdict::inconclusive && named("inconclusive")))
        return true;
  for (const auto& s : r.series) {
    if ((s.gate.trust == Trust::rejected && named("rejected")) ||
        (s.gate.trust == Trust::degraded && named("degraded")))
      return true;
    if (s.requirement &&
        ((s.requirement->decision == stats::Decision::fail && named("fail")) ||
         (s.requirement->decision == stats::Decision::undecided && named("undecided"))))
      return true;
  }
  return false;
}

Result<ExitCode> go(const Flags& f) {
  ASSAY_TRY(const auto words, parse_fail_on(f.series.fail_on, kWords));
  report::StatsReport r;
  ASSAY_TRY(r.options, options_from(f));
  ASSAY_TRY(auto inputs, read_files(f.files, f.series));
  const size_t side_a = inputs.size();
  ASSAY_TRY(auto against, read_files(f.against, f.series, static_cast<int64_t>(f.files.size())));
  std::move(against.begin(), against.end(), std::back_inserter(inputs));
  ASSAY_TRY(const auto border, split_of(f, inputs, side_a));
  for (auto& in : inputs) r.series.push_back(report::analyse_series(std::move(in), r.options));
  if (border) {
    const std::span<const report::SeriesStats> all(r.series);
    const auto a = all.first(*border), b = all.subspan(*border);
    r.comparison = report::compare_sides(a, b, side_name(a), side_name(b), r.options);
  } else {
    r.levels = report::split_levels(r.series, r.options);
  }
  Printed p;
  const report::DrawOptions draw = draw_options(f.series);
  if (draw.svg || (f.series.format != "json" && f.series.format != "csv"))
    p.document = report::stats_document(r, draw);
  if (f.series.format == "json") p.json = report::stats_json(r);
  if (f.series.format == "csv") p.csv = report::quantile_csv(r).csv();
  ASSAY_CHECK(print_series(p, f.series));
  return fails(r, words) ? ExitCode::verdict : ExitCode::ok;
}

}  // namespace

void add_stats(App& app) {
  auto f = std::make_shared<Flags>();
  CLI::App* sub = app.root.add_subcommand(
      "stats", "quantiles with bounds, trust, requirements and comparisons of lists of latencies");
  sub->footer(kFooter);
  sub->add_option("files", f->files, "lists of latencies")->required();
  sub->add_option("--against", f->against, "the files of side B; those before are side A");
  sub->add_option("--percentile", f->percentile, "further quantiles in percent: 90,95,99.99");
  sub->add_option("--confidence", f->confidence, "of two-sided bounds (default 0.95)");
  sub->add_option("--tail-confidence", f->tail_confidence,
                  "of the one-sided upper bound beside them (default 0.99)");
  sub->add_option("--alpha", f->alpha,
                  "error of comparisons and of the requirement (default 0.05)");
  sub->add_option("--margin", f->margin, "equal means: medians within this (default 1%)");
  sub->add_option("--margin-p99", f->margin_p99,
                  "the same for p99 (default 5%, or --margin where that is larger)");
  sub->add_option("--limit", f->limit, "requirement P(X > LIMIT) < BELOW: 20ms");
  sub->add_option("--below", f->below, "its probability: 1e-3");
  sub->add_option("--seed", f->seed, "of the bootstrap (default 1; printed)");
  sub->add_flag("--builds", f->builds, "each file is a build, the series in it are its launches");
  sub->add_flag("--within", f->within, "compare the two series of one file");
  add_series_flags(*sub, f->series, kWords);
  sub->callback([&app, f] { app.action = [f] { return go(*f); }; });
}

}  // namespace assay::cli
