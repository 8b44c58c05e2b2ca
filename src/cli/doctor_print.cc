// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_print.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "cli/cli.h"

namespace assay::cli {
namespace {

using platform::Fact;
using platform::Harm;

constexpr Harm kHarms[] = {Harm::harmful, Harm::possible, Harm::unknown, Harm::none};

int64_t count(const std::vector<Fact>& facts, Harm harm) {
  return std::count_if(facts.begin(), facts.end(), [&](const Fact& f) { return f.harm == harm; });
}

std::string place(const platform::Roots& roots) {
  return roots.real() ? "this machine, now"
                      : fmt::format("NOT this machine: a tree or libraries of others ({})",
                                    one_line(roots.root.string(), 200));
}

bool settable_harm(const std::vector<Fact>& facts) {
  return std::any_of(facts.begin(), facts.end(), [](const Fact& f) {
    return f.settable && f.group == "cpu" && (f.harm == Harm::harmful || f.harm == Harm::possible);
  });
}

std::string summary(const std::vector<Fact>& facts) {
  return fmt::format("{} harmful, {} possible, {} unknown, {} without harm",
                     count(facts, Harm::harmful), count(facts, Harm::possible),
                     count(facts, Harm::unknown), count(facts, Harm::none));
}

std::vector<std::string> next_steps(const std::vector<Fact>& facts) {
  std::vector<std::string> out;
  if (settable_harm(facts))
    out.emplace_back(
        "assay doctor --fix -- COMMAND   fixes the CPU clocks while COMMAND runs, then puts all "
        "back");
  for (const Fact& f : facts)
    if (f.harm == Harm::harmful && !f.settable && !f.fix.empty() && out.size() < 5)
      out.push_back(fmt::format("{} {}: {}", f.group, f.name, f.fix));
  if (value_of(facts, "sensors", "clocks") == "unknown")
    out.emplace_back(
        "clocks cannot be seen here: outputs, kernels and accuracy can be audited all the same, "
        "but no latency is TRUSTED");
  if (out.empty()) out.emplace_back("assay audit MODEL.onnx --compiler NAME   (assay compilers)");
  return out;
}

std::string coloured(Harm harm, std::string text, bool colours) {
  if (!colours) return text;
  const int code = harm == Harm::harmful    ? 31
                   : harm == Harm::possible ? 33
                   : harm == Harm::none     ? 32
                                            : 36;
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

void print_text(const platform::Roots& roots, const std::vector<Fact>& facts, bool colours) {
  size_t name = 0, value = 0;
  for (const Fact& f : facts) {
    name = std::max(name, f.name.size());
    value = std::max(value, std::min<size_t>(f.value.size(), 28));
  }
  fmt::print("{}\n", place(roots));
  std::string group;
  for (const Fact& f : facts) {
    if (f.group != group) fmt::print("\n{}\n", f.group);
    group = f.group;
    std::string line = fmt::format("  {}  {:<{}}  {:<{}}",
                                   coloured(f.harm, fmt::format("{:<8}", word(f.harm)), colours),
                                   f.name, name, f.value, value);
    if (!f.why.empty()) line += "  " + f.why;
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
    if (!f.fix.empty())
      fmt::print("  {:<8}  {:<{}}  fix: {}{}\n", "", "", name, f.fix,
                 f.settable ? " (or assay doctor --fix)" : "");
  }
  fmt::print("\n{}\n", summary(facts));
  for (const std::string& step : next_steps(facts)) fmt::print("next: {}\n", step);
}

Json object(const platform::Roots& roots, const std::vector<Fact>& facts) {
  Json counts = Json::object();
  for (const Harm h : kHarms) counts[std::string(word(h))] = count(facts, h);
  return {{"real", roots.real()},
          {"root", roots.root.string()},
          {"summary", std::move(counts)},
          {"next", next_steps(facts)},
          {"facts", platform::to_json(facts)}};
}

}  // namespace

Status print_facts(const platform::Roots& roots, const std::vector<Fact>& facts,
                   const std::string& format, bool colours) {
  if (format == "text") {
    print_text(roots, facts, colours);
    return {};
  }
  if (format == "json") {
    fmt::print("{}\n", dump_json(object(roots, facts), 2));
    return {};
  }
  if (format == "jsonl") {
    for (const Fact& f : facts) fmt::print("{}\n", dump_json(platform::to_json(f)));
    return {};
  }
  Table t({"group", "name", "value", "harm", "why", "settable", "fix"});
  for (const Fact& f : facts)
    t.add({f.group, f.name, f.value, std::string(word(f.harm)), f.why, f.settable ? "yes" : "no",
           f.fix});
  if (format == "md") fmt::print("{}\n\n", markdown_escape(place(roots)));
  ASSAY_CHECK(print_table(t, format));
  if (format == "md") fmt::print("\n{}\n", summary(facts));
  return {};
}

}  // namespace assay::cli
