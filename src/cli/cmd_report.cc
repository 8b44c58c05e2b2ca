// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "audit/derive.h"
#include "cli/cli.h"
#include "report/report.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay report runs/demo
  assay report runs/demo --format md > issue.md
  assay report runs/demo --format html --out report.html
  assay report runs/demo --verify

--verify re-hashes every blob and derives every verdict anew; exit code 1 when something does not hold.)";

struct Flags {
  std::string run, format = "text", out;
  bool verify = false;
};

Result<ExitCode> go(const Flags& f) {
  ASSAY_TRY(store::RunFolder run, store::RunFolder::open_for_reading(f.run));
  if (f.verify) {
    ASSAY_TRY(auto problems, audit::verify(run));
    for (const std::string& p : problems) fmt::print("{}\n", p);
    fmt::print(
        "{}\n",
        problems.empty()
            ? "verified: every blob has its hash, and the evidence gives the stored verdicts again"
            : "NOT verified");
    return problems.empty() ? ExitCode::ok : ExitCode::verdict;
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
  if (!f.out.empty())
    ASSAY_CHECK(write_file_atomic(f.out, text));
  else
    fmt::print("{}{}", text, text.ends_with('\n') ? "" : "\n");
  return ExitCode::ok;
}

}  // namespace

void add_report(App& app) {
  auto f = std::make_shared<Flags>();
  CLI::App* sub = app.root.add_subcommand("report", "print or verify the evidence of a run");
  sub->footer(kFooter);
  sub->add_option("run", f->run, "run folder")->required();
  sub->add_option("-o,--out", f->out, "write to this file instead of standard output");
  sub->add_flag("--verify", f->verify, "re-hash and re-derive everything");
  add_format(*sub, f->format, "text|md|json|html|verdicts");
  sub->callback([&app, f] { app.action = [f] { return go(*f); }; });
}

}  // namespace assay::cli
