// SPDX-License-Identifier: Apache-2.0
// assay diff: engines layer by layer: kernels, precisions, fusions, choices of tuners, times.
#include <algorithm>
#include <map>
#include <memory>

#include "cli/cli.h"
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
  assay diff a.json b.json --profile ap.json,bp.json   files of other tools, with times

An engine is a folder of `assay build`, or a file that another tool wrote (--input-format). Engines
of one compiler are aligned layer by layer, those of several by the ONNX nodes that their layers
come from. Shown are the layers that are not the same in every engine; --all shows every layer.
Kernels are the same when their normalised sources are; where a compiler tells names only, equal
names may hide unequal code, and a note says so.)";

struct Flags {
  std::vector<std::string> engines;
  std::string format = "text", input_format = "auto", profiles, html, fail_on;
  bool all = false;
};

// Labels head columns, so no two may be equal: "build (1)", "build (2)".
void tell_apart(std::vector<diff::EngineMap>& engines) {
  std::map<std::string, int> count, seen;
  for (const diff::EngineMap& e : engines) ++count[e.label];
  for (diff::EngineMap& e : engines)
    if (count[e.label] > 1) e.label = fmt::format("{} ({})", e.label, ++seen[e.label]);
}

Result<std::vector<diff::EngineMap>> read_all(const Flags& f) {
  if (f.engines.size() < 2)
    return bad_input(fmt::format("diff needs two or more engines, {} given", f.engines.size()),
                     "name engine folders, or files of other tools: assay diff A B");
  const std::vector<std::string> profiles = split(f.profiles);
  if (!profiles.empty() && profiles.size() != f.engines.size())
    return bad_input(
        fmt::format("--profile names {} files for {} engines", profiles.size(), f.engines.size()),
        "give one for each engine, in their order, comma separated");
  std::vector<diff::EngineMap> out;
  for (size_t i = 0; i < f.engines.size(); ++i) {
    ASSAY_TRY(diff::EngineMap e, diff::read_engine(f.engines[i], f.input_format));
    if (!profiles.empty()) {
      ASSAY_TRY(diff::EngineMap profile, diff::read_engine(profiles[i], "auto"));
      diff::add_profile(e, profile);
    }
    out.push_back(std::move(e));
  }
  tell_apart(out);
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
  report::DiffReport r;
  r.all = f.all;
  ASSAY_TRY(r.engines, read_all(f));
  r.comparison = diff::compare(r.engines);
  if (!f.html.empty()) {
    ASSAY_CHECK(write_file_atomic(f.html, report::diff_html(r)));
  }
  fmt::print("{}", printed(r, f.format));
  return !fail_on.empty() && r.comparison.differs() ? ExitCode::verdict : ExitCode::ok;
}

}  // namespace

void add_diff(App& app) {
  auto f = std::make_shared<Flags>();
  CLI::App* sub = app.root.add_subcommand(
      "diff", "compare engines layer by layer: kernels, fusions, precisions, choices, times");
  sub->footer(kFooter);
  sub->add_option("engines", f->engines, "two or more engine folders, or files of other tools")
      ->required();
  sub->add_flag("--all", f->all, "show every layer, not only those that differ");
  sub->add_option("--input-format", f->input_format,
                  "what the engines are: " + diff::format_names());
  sub->add_option("--profile", f->profiles,
                  "times of the layers, a file for each engine, comma separated");
  sub->add_option("--html", f->html, "write the page to this file too");
  add_format(*sub, f->format, "text|md|json|jsonl|csv|html");
  sub->add_option("--fail-on,--failOn", f->fail_on,
                  "exit code 1 on any of these, comma separated: different");
  sub->callback([&app, f] { app.action = [f] { return go(*f); }; });
}

}  // namespace assay::cli
