// SPDX-License-Identifier: Apache-2.0
// What builds cost, what starts cost, what the engines say against themselves, under what
// conditions.
#include <fmt/format.h>

#include <map>

#include "report/escape.h"
#include "report/figures.h"
#include "report/html_parts.h"
#include "report/svg/charts.h"

namespace assay::report {
namespace {

template <class Value, class Text>
std::string bars(const Recipe& r, std::string_view heading, Value value, Text text) {
  std::vector<svg::Bar> rows;
  bool any = false;
  for (const Build& b : r.builds) {
    if (!b.counts) continue;
    rows.push_back({fmt::format("build {}", b.index), text(value(b)), "#" + b.ref,
                    static_cast<double>(std::max<int64_t>(value(b), 0))});
    any = any || value(b) > 0;
  }
  if (!any) return "";
  return "<figure>" +
         svg::bar_chart(rows, heading, fmt::format("{} per build of {}", heading, r.label)) +
         "</figure>\n";
}

std::string trials_text(const Build& b) {
  if (b.made_by == "rebuilt") return "rebuilt from the lock";
  if (b.made_by == "recorded") return "copied: the engine that the lock recorded";
  if (b.made_by == "replayed") return "copied from the lock: replayed, not rebuilt";
  if (b.trials.empty() && b.candidates == 0) return "no search";
  std::string out;
  if (!b.trials.empty())
    out = fmt::format("{} of {} measured, {} failed", fact(b.trials, "measured"),
                      fact(b.trials, "requested_total"), fact(b.trials, "failed"));
  if (b.candidates > 0)
    out += fmt::format("{}{} candidates recorded, {} failed", out.empty() ? "" : "; ",
                       count_text(b.candidates), count_text(b.candidates_failed));
  return out;
}

bool any_launch(const Recipe& r) {
  for (const Build& b : r.builds)
    for (const Launch& l : b.launches)
      if (l.counts) return true;
  return false;
}

// Facts of each launch, equal ones told once: value -> how many launches.
class FactTable {
 public:
  void add(const std::string& name, const std::string& value, const std::string& ref) {
    auto& slot = facts_[name];
    if (slot.empty()) order_.push_back(name);
    for (auto& s : slot) {
      if (s.value != value) continue;
      ++s.count;
      return;
    }
    slot.push_back({value, ref, 1});
  }
  void add_all(const std::string& prefix, const Json& object, const std::string& ref) {
    if (!object.is_object()) return;
    for (const auto& [key, value] : object.items())
      if (key != "event" && key != "slot_items") add(prefix + key, scalar_text(value), ref);
  }
  std::string str() {
    HtmlTable t({"fact", "value (launches)"}, "facts");
    for (const auto& name : order_) {
      std::string cell;
      const auto& slot = facts_[name];
      for (size_t i = 0; i < slot.size() && i < 6; ++i)
        cell += fmt::format("{}{}{}", i ? "; " : "", evidence(slot[i].value, slot[i].ref),
                            slot.size() > 1 ? fmt::format(" ({})", slot[i].count) : "");
      if (slot.size() > 6) cell += fmt::format("; {} more values", slot.size() - 6);
      t.row().text(name).raw(cell);
    }
    return t.empty() ? "" : t.str();
  }

 private:
  struct Slot {
    std::string value, ref;
    int64_t count;
  };
  std::map<std::string, std::vector<Slot>> facts_;
  std::vector<std::string> order_;
};

}  // namespace

std::string html_builds(const Recipe& r) {
  if (r.builds.empty())
    return "<h4>Builds</h4>\n" +
           paragraph(fmt::format("No build has ended yet; {} are planned.", r.builds_asked));
  std::string figures =
      bars(
          r, "build time", [](const Build& b) { return b.wall_ns; }, cost_text) +
      bars(
          r, "CPU time", [](const Build& b) { return b.cpu_ns; }, cost_text) +
      bars(
          r, "peak memory", [](const Build& b) { return b.peak_memory_bytes; }, bytes_text) +
      bars(
          r, "engine size", [](const Build& b) { return b.engine_bytes; }, bytes_text);
  std::string out = "<h4>Builds</h4>\n";
  if (!figures.empty()) out += "<div class=\"figures\">" + figures + "</div>\n";
  HtmlTable t({"build", "outcome", "build time", "CPU time", "peak memory", "engine", "artifact",
               "kernels", "kernel map", "search trials"});
  for (const Build& b : r.builds) {
    std::string outcome = b.outcome;
    if (!b.counts) outcome += " (counts in no figure)";
    if (!b.reason.empty()) outcome += ": " + b.reason;
    t.row()
        .num(std::to_string(b.index), b.ref)
        .text(outcome)
        .num(cost_text(b.wall_ns), b.ref)
        .num(cost_text(b.cpu_ns), b.ref);
    t.num(bytes_text(b.peak_memory_bytes), b.ref, b.memory_method)
        .num(b.files.empty() && b.engine_bytes <= 0 ? "none" : bytes_text(b.engine_bytes), b.ref);
    t.raw("<code>" + html(short_hash(b.artifact_sha256)) + "</code>")
        .num(count_text(static_cast<int64_t>(b.kernels.size())), b.ref);
    t.raw("<code>" + html(short_hash(b.kernel_map_sha256)) + "</code>").text(trials_text(b));
  }
  return out + t.str();
}

std::string html_cold(const Recipe& r) {
  if (!any_launch(r)) return "";
  std::string out = "<h4>Launches: load and first run (cold, a series of their own)</h4>\n";
  HtmlTable t({"build", "launch", "outcome", "load", "first run", "wall time", "CPU time",
               "peak memory", "kernels as the manifest says"});
  for (const Build& b : r.builds) {
    for (const Launch& l : b.launches) {
      if (!l.counts) continue;
      t.row()
          .num(std::to_string(b.index))
          .num(std::to_string(l.index), l.ref)
          .text(l.reason.empty() ? l.outcome : l.outcome + ": " + l.reason);
      t.num(cost_text(l.load_ns))
          .num(cost_text(l.first_run_ns))
          .num(cost_text(l.wall_ns))
          .num(cost_text(l.cpu_ns));
      t.num(bytes_text(l.peak_memory_bytes))
          .text(l.kernels_agree.empty() ? "unknown" : l.kernels_agree);
    }
  }
  return out + t.str();
}

std::string html_checks(const Recipe& r) {
  struct Count {
    int64_t pass = 0, fail = 0, not_run = 0, inputs = 0;
    std::string why, ref;
  };
  std::vector<std::pair<std::string, Count>> checks;
  for (const Build& b : r.builds) {
    for (const Launch& l : b.launches) {
      if (!l.counts) continue;
      for (const SelfCheck& c : l.checks) {
        Count* at = nullptr;
        for (auto& [name, count] : checks)
          if (name == c.name) at = &count;
        if (!at) at = &checks.emplace_back(c.name, Count{}).second;
        (c.result == "pass" ? at->pass : c.result == "fail" ? at->fail : at->not_run)++;
        if (c.result != "not_run") at->inputs += c.inputs;
        if (at->ref.empty() || (c.result == "fail" && at->fail == 1)) at->ref = l.ref;
        if (c.result != "pass" && (at->why.empty() || (c.result == "fail" && at->fail == 1)))
          at->why = fmt::format("build {} launch {}: {}", b.index, l.index, c.detail);
      }
    }
  }
  if (checks.empty()) return "";
  std::string out = "<h4>Does an engine contradict itself?</h4>\n";
  HtmlTable t(
      {"check", "passed", "failed", "not run", "inputs compared", "first that did not pass"});
  for (const auto& [name, c] : checks)
    t.row()
        .text(name)
        .num(std::to_string(c.pass), c.ref)
        .raw(c.fail > 0 ? fmt::format(R"(<b>{}</b>)",
                                      evidence(std::to_string(c.fail) + " launches", c.ref))
                        : "0")
        .num(std::to_string(c.not_run), c.ref)
        .num(count_text(c.inputs), c.ref)
        .text(c.why.empty() ? "-" : c.why);
  return out + t.str() +
         paragraph(
             "Bit for bit, without any reference. repeat: the same input twice; early_return: "
             "outputs change after run() came back; reload: the engine closed and opened "
             "again; after: before and after the timed loop; batch_rows: equal rows of a batch.",
             "how");
}

std::string html_conditions(const Recipe& r) {
  FactTable cost, sampler, launches, builds;
  for (const Build& b : r.builds) {
    if (b.counts) builds.add_all("build: ", b.isolation, b.ref);
    for (const Launch& l : b.launches) {
      if (!l.counts) continue;
      launches.add_all("launch: ", l.isolation, l.ref);
      launches.add_all("", l.environment, l.ref);
      for (const Series& s : l.series) {
        for (const char* key : {"null_p50_ns", "null_p99_ns", "null_max_ns"})
          cost.add(fmt::format("null runner {}",
                               std::string(key).substr(5, std::string(key).size() - 8)),
                   time_text(get_double(s.cost, key, -1)), s.ref);
        cost.add("warm-up runs", fact(s.cost, "warmup"), s.ref);
        sampler.add_all("", s.sampler, s.ref);
      }
    }
  }
  const std::string c = cost.str(), s = sampler.str(), l = launches.str(), b = builds.str();
  if ((c + s + l + b).empty()) return "";
  std::string out = "<h4>Conditions</h4>\n";
  if (!c.empty()) out += "<h5>The tool's own cost (nothing is subtracted)</h5>\n" + c;
  if (!s.empty()) out += "<h5>What the sampler saw</h5>\n" + s;
  if (!(l + b).empty())
    out += "<details><summary>Isolation and environment</summary>" + b + l + "</details>\n";
  return out;
}

}  // namespace assay::report
