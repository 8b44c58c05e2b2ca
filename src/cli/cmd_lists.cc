// SPDX-License-Identifier: Apache-2.0
// assay compilers, models: what there is.
#include <memory>

#include "audit/catalog.h"
#include "cli/cli.h"

namespace assay::cli {
namespace {

struct Flags {
  std::string name, format = "text";
};

Result<ExitCode> compilers(const Flags& f) {
  ASSAY_TRY(auto all, audit::load_compilers());
  if (!f.name.empty()) {
    ASSAY_TRY(audit::Compiler c, audit::find_compiler(f.name));
    auto in = audit::find_installation(c);
    fmt::print("{}: {}\n  decides at: {}   searches: {}   kernels told by: {}   precisions: {}\n",
               c.name, c.summary, c.decides_at, c.search ? "yes" : "no", c.kernels,
               fmt::join(c.precisions, ", "));
    if (c.devices != std::vector<std::string>{"cpu"})
      fmt::print("  devices: {}\n", fmt::join(c.devices, ", "));
    Table t({"option", "type", "default", "choices", "what"});
    for (const auto& o : c.options)
      t.add({o.name, o.type, dump_json(o.fallback), fmt::format("{}", fmt::join(o.choices, " ")),
             o.help});
    if (!t.empty()) ASSAY_CHECK(print_table(t, f.format));
    if (!in) return tl::unexpected<Error>(std::move(in).error());
    fmt::print("  installed\n");
    return ExitCode::ok;
  }
  Table t({"compiler", "state", "precisions", "searches", "decides at", "kernels by", "what"});
  std::vector<std::string> fixes;
  for (const auto& c : all) {
    auto in = audit::find_installation(c);
    t.add({c.name, in ? "installed" : "missing", fmt::format("{}", fmt::join(c.precisions, " ")),
           c.search ? "yes" : "no", c.decides_at, c.kernels, c.summary});
    if (!in) fixes.push_back(c.name + ": " + in.error().message + "; " + in.error().fix);
  }
  ASSAY_CHECK(print_table(t, f.format));
  for (const std::string& fix : fixes) fmt::print(stderr, "{}\n", fix);
  return ExitCode::ok;
}

Result<ExitCode> models(const Flags& f) {
  ASSAY_TRY(auto all, audit::load_models());
  Table t({"name", "state", "model", "data", "what"});
  std::vector<std::string> fixes;
  for (const auto& m : all) {
    t.add({m.name, m.present ? "present" : "missing", m.model.empty() ? "-" : m.model.string(),
           m.data.empty() ? "-" : m.data.string(), m.summary});
    if (!m.present) fixes.push_back("make it: ./assay-up models " + m.name);
  }
  ASSAY_CHECK(print_table(t, f.format));
  for (const std::string& fix : fixes) fmt::print(stderr, "{}\n", fix);
  return ExitCode::ok;
}

void add(App& app, const char* name, const char* what, const char* footer,
         Result<ExitCode> (*go)(const Flags&), bool takes_name) {
  auto f = std::make_shared<Flags>();
  CLI::App* sub = app.root.add_subcommand(name, what);
  sub->footer(footer);
  if (takes_name) sub->add_option("name", f->name, "show one, with its options");
  add_format(*sub, f->format, "text|md|json|jsonl|csv");
  sub->callback([&app, f, go] { app.action = [f, go] { return go(*f); }; });
}

}  // namespace

void add_compilers(App& app) {
  add(app, "compilers", "list the compilers, or one with its options",
      "Examples:\n  assay compilers\n  assay compilers tvm-autotvm\n\nInstall with ./assay-up "
      "compilers NAME.",
      compilers, true);
}
void add_models(App& app) {
  add(app, "models", "list the models and data sets that come with assay",
      "Examples:\n  assay models\n  assay audit digits --compiler openvino\n\nMake them with "
      "./assay-up models NAME.",
      models, false);
}

}  // namespace assay::cli
