// SPDX-License-Identifier: Apache-2.0
// assay diff: engines layer by layer: kernels, precisions, fusions, choices of tuners, times.
#include <memory>

#include "cli/cli.h"
#include "cli/diff_engines.h"
#include "cli/diff_explain.h"
#include "cli/series_args.h"
#include "diff/read/read.h"
#include "report/diff/report.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay diff engines/tvm-autotvm-fp32-0 engines/tvm-autotvm-fp32-1
  assay diff A B C --html diff.html            a page with sources and candidates
  assay diff A B --format json                 every figure
  assay diff A B --fail-on different           exit code 1 where they differ
  assay diff A B --outputs --data digits       the first layer whose values differ
  assay diff A B --latency --launches 10       where the time goes, layer by layer
  assay diff a.lock b.lock --swap "0 conv2d_NCHWc.x86 1x1x8x8 16x1x3x3"   what one choice costs
  assay diff a.json b.json --profile ap.json,bp.json   files of other tools, with times

An engine is a folder of `assay build`, a lock, or a file that another tool wrote (--input-format). Engines
of one compiler are aligned layer by layer, those of several by the ONNX nodes that their layers
come from. Shown are the layers that are not the same in every engine; --all shows every layer.
Kernels are the same when their normalised sources are; where a compiler tells names only, equal
names may hide unequal code, and a note says so.)";

struct Flags {
  std::vector<std::string> engines;
  std::string format = "text", input_format = "auto", profiles, html, fail_on;
  bool all = false;
  ExplainFlags explain;
};

Result<std::vector<DiffEngine>> read_all(const Flags& f, const fs::path& made) {
  if (f.engines.size() < 2)
    return bad_input(fmt::format("diff needs two or more engines, {} given", f.engines.size()),
                     "name engine folders, locks, or files of other tools: assay diff A B");
  const std::vector<std::string> profiles = split(f.profiles);
  if (!profiles.empty() && profiles.size() != f.engines.size())
    return bad_input(
        fmt::format("--profile names {} files for {} engines", profiles.size(), f.engines.size()),
        "give one for each engine, in their order, comma separated");
  ASSAY_TRY(std::vector<DiffEngine> out, open_diff_engines(f.engines, f.input_format, made));
  for (size_t i = 0; i < profiles.size(); ++i) {
    ASSAY_TRY(diff::EngineMap profile, diff::read_engine(profiles[i], "auto"));
    diff::add_profile(out[i].map, profile);
  }
  return out;
}

std::string printed(const report::DiffReport& r, const std::string& format) {
  if (format == "json") return report::diff_json(r);
  if (format == "jsonl") return report::diff_jsonl(r);
  if (format == "csv") return report::diff_csv(r);
  if (format == "md") return report::diff_markdown(r);
  if (format == "html") return report::diff_html(r);
  return report::diff_text(r);
}

Result<ExitCode> go(const Flags& f) {
  ASSAY_TRY(const auto fail_on, parse_fail_on(f.fail_on, "different"));
  const bool explains = f.explain.wanted() || !f.explain.swaps.empty();
  if (explains && f.format == "html")
    return bad_input("explanations are printed as text, md, json, jsonl or csv",
                     "write the page with --html FILE beside them");
  ASSAY_TRY(TempDir made, TempDir::create(fs::temp_directory_path(), "assay-diff-"));
  ASSAY_TRY(const std::vector<DiffEngine> engines, read_all(f, made.path()));
  report::DiffReport r;
  r.all = f.all;
  for (const DiffEngine& e : engines) r.engines.push_back(e.map);
  r.comparison = diff::compare(r.engines);
  if (!f.html.empty()) {
    ASSAY_CHECK(write_file_atomic(f.html, report::diff_html(r)));
  }
  if (explains) {
    ASSAY_TRY(const Explanations e, explain(engines, f.explain, made.path()));
    if (f.format == "json") {
      ASSAY_TRY(Json whole, parse_json(report::diff_json(r), "diff"));
      whole["explanations"] = explanations_json(e);
      fmt::print("{}\n", dump_json(whole, 1));
    } else {
      if (f.format == "text" || f.format == "md") fmt::print("{}\n", printed(r, f.format));
      ASSAY_CHECK(print_explanations(e, f.format));
    }
  } else {
    fmt::print("{}", printed(r, f.format));
  }
  return !fail_on.empty() && r.comparison.differs() ? ExitCode::verdict : ExitCode::ok;
}

}  // namespace

void add_diff(App& app) {
  auto f = std::make_shared<Flags>();
  CLI::App* sub = app.root.add_subcommand(
      "diff", "compare engines layer by layer: kernels, fusions, precisions, choices, times");
  sub->footer(kFooter);
  sub->add_option("engines", f->engines,
                  "two or more engine folders, locks, or files of other tools")
      ->required();
  sub->add_flag("--all", f->all, "show every layer, not only those that differ");
  sub->add_option("--input-format", f->input_format,
                  "what the engines are: " + diff::format_names());
  sub->add_option("--profile", f->profiles,
                  "times of the layers, a file for each engine, comma separated");
  sub->add_option("--html", f->html, "write the page to this file too");
  add_explain_flags(*sub, f->explain);
  add_format(*sub, f->format, "text|md|json|jsonl|csv|html");
  sub->add_option("--fail-on,--failOn", f->fail_on,
                  "exit code 1 on any of these, comma separated: different");
  sub->callback([&app, f] { app.action = [f] { return go(*f); }; });
}

}  // namespace assay::cli
