// SPDX-License-Identifier: Apache-2.0
// assay diff: the kernel maps of engines, layer by layer.
#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "cli/cli.h"
#include "cli/engine_args.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay diff engines/tvm/engines/tvm-autotvm-fp32-0 engines/tvm/engines/tvm-autotvm-fp32-1
  assay diff A B C --all --format md

Shows the layers whose kernel, source or precision is not the same in every engine; --all shows every layer.)";

struct Flags {
  std::vector<std::string> engines;
  std::string format = "text";
  bool all = false;
};

std::string cell(const audit::Kernel* k) {
  if (!k) return "(absent)";
  std::string out = k->kernel;
  if (!k->source_sha256.empty()) out += " #" + k->source_sha256.substr(0, 8);
  if (!k->precision.empty()) out += " " + k->precision;
  return one_line(out, 120);
}

Result<ExitCode> go(const Flags& f) {
  if (f.engines.size() < 2) return bad_input("diff needs two or more engine folders");
  std::vector<EngineArg> engines;
  for (const std::string& e : f.engines) {
    ASSAY_TRY(EngineArg arg, open_engine_arg(e, false));
    engines.push_back(std::move(arg));
  }
  using Key = std::pair<std::string, int>;  // layer, occurrence
  std::vector<std::map<Key, const audit::Kernel*>> maps;
  std::vector<Key> order;
  std::set<Key> known;
  for (const EngineArg& e : engines) {
    std::map<std::string, int> seen;
    auto& m = maps.emplace_back();
    for (const audit::Kernel& k : e.engine.kernels) {
      const Key key{k.layer, seen[k.layer]++};
      m[key] = &k;
      if (known.insert(key).second) order.push_back(key);
    }
  }
  std::vector<std::string> header{"layer"};
  for (const EngineArg& e : engines) header.push_back(e.label());
  header.push_back("same");
  Table t(header);
  size_t differ = 0;
  for (const Key& key : order) {
    std::vector<std::string> row{one_line(key.first, 80)};
    std::set<std::string> values;
    for (const auto& m : maps) {
      auto it = m.find(key);
      row.push_back(cell(it == m.end() ? nullptr : it->second));
      // Compared whole; the cell is shortened for people.
      values.insert(it == m.end()
                        ? std::string()
                        : dump_json(Json::array({it->second->kernel, it->second->source_sha256,
                                                 it->second->precision})));
    }
    row.push_back(values.size() == 1 ? "yes" : "no");
    differ += values.size() != 1;
    if (f.all || values.size() != 1) t.add(std::move(row));
  }
  if (!t.empty() || f.format != "text") ASSAY_CHECK(print_table(t, f.format));
  const bool sources = std::all_of(engines.begin(), engines.end(), [](const EngineArg& e) {
    return e.compiler.kernels == "source";
  });
  if (f.format == "text") {
    fmt::print(
        "{} of {} layers differ{}\n", differ, order.size(),
        sources ? ""
                : " (this compiler tells names, not sources: equal names may hide unequal code)");
  }
  return ExitCode::ok;
}

}  // namespace

void add_diff(App& app) {
  auto f = std::make_shared<Flags>();
  CLI::App* sub = app.root.add_subcommand("diff", "compare the kernel maps of engines");
  sub->footer(kFooter);
  sub->add_option("engines", f->engines, "two or more engine folders")->required();
  sub->add_flag("--all", f->all, "show every layer, not only those that differ");
  add_format(*sub, f->format, "text|md|json|jsonl|csv");
  sub->callback([&app, f] { app.action = [f] { return go(*f); }; });
}

}  // namespace assay::cli
