// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "audit/derive.h"
#include "cli/cli.h"
#include "cli/response_report.h"
#include "report/report.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay report runs/demo
  assay report runs/demo --format md > issue.md
  assay report runs/demo --format html --out report.html
  assay report runs/demo --verify

--verify re-hashes every blob and derives every verdict or result anew; exit code 1 when something does not hold.)";

struct Flags {
  std::string run, format = "text", out, trace;
  bool verify = false;
};

Status put(const Flags& f, const std::string& text) {
  if (!f.out.empty()) return write_file_atomic(f.out, text);
  fmt::print("{}{}", text, text.ends_with('\n') ? "" : "\n");
  return {};
}

Result<ExitCode> go(const Flags& f) {
  ASSAY_TRY(store::RunFolder run, store::RunFolder::open_for_reading(f.run));
  const bool response = report::is_response_run(run);
  if (f.verify) {
    ASSAY_TRY(auto problems, response ? verify_response(run) : audit::verify(run));
    for (const std::string& p : problems) fmt::print("{}\n", p);
    fmt::print(
        "{}\n",
        problems.empty()
            ? fmt::format("verified: every blob has its hash, and the evidence gives the stored {} "
                          "again",
                          response ? "results" : "verdicts")
            : std::string("NOT verified"));
    return problems.empty() ? ExitCode::ok : ExitCode::verdict;
  }
  if (!response && (f.format == "csv" || !f.trace.empty()))
    return bad_input(fmt::format("{} holds an audit, which has no csv and no trace", f.run),
                     "use --format text, md, json, html or verdicts");
  if (response) {
    if (f.format == "verdicts")
      return bad_input(fmt::format("{} holds a response run, which has no verdicts", f.run),
                       "use --format text, md, json, html or csv");
    ASSAY_TRY(const ResponseReport loaded, load_response_report(run));
    if (!f.trace.empty()) ASSAY_CHECK(write_trace(loaded, f.trace));
    ASSAY_TRY(const std::string text, print_response(loaded, f.format, !f.out.empty()));
    ASSAY_CHECK(put(f, text));
    return ExitCode::ok;
  }
  ASSAY_TRY(report::Model model, report::load_model(run));
  auto print = [&]() -> Result<std::string> {
    if (f.format == "md") return report::to_markdown(model);
    if (f.format == "json") return report::to_json(model);
    if (f.format == "html") return report::to_html(model);
    if (f.format == "verdicts") return report::verdicts_json(model);
    return report::to_text(model, f.out.empty() && terminal_colours());
  };
  ASSAY_TRY(std::string text, print());
  ASSAY_CHECK(put(f, text));
  return ExitCode::ok;
}

}  // namespace

void add_report(App& app) {
  auto f = std::make_shared<Flags>();
  CLI::App* sub = app.root.add_subcommand("report", "print or verify the evidence of a run");
  sub->footer(kFooter);
  sub->add_option("run", f->run, "run folder")->required();
  sub->add_option("-o,--out", f->out, "write to this file instead of standard output");
  sub->add_option("--trace", f->trace,
                  "of a response run: write a timeline (Chrome trace JSON) to this file");
  sub->add_flag("--verify", f->verify, "re-hash and re-derive everything");
  add_format(*sub, f->format, "text|md|json|html|verdicts|csv");
  sub->callback([&app, f] { app.action = [f] { return go(*f); }; });
}

}  // namespace assay::cli
