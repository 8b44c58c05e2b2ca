// SPDX-License-Identifier: Apache-2.0
// One recipe: its frame, verdicts, accuracy and kernels.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "report/escape.h"
#include "report/figures.h"
#include "report/html_parts.h"
#include "report/platform/platform.h"
#include "report/summary.h"

namespace assay::report {
namespace {

constexpr size_t kMostLayers = 60;

std::string facts_of(const ModelInfo& info, const Recipe& r) {
  std::set<std::string> versions;
  for (const Build& b : r.builds)
    if (!b.compiler_version.empty()) versions.insert(b.compiler_version);
  const DataSet* d = dataset_of(info, r);
  std::string s = fmt::format(
      "Compiler {}, version {}; precision {}; {} thread{}; kernels chosen at {}; lock {}; data set "
      "{}",
      r.compiler, versions.empty() ? "unknown" : fmt::format("{}", fmt::join(versions, ", ")),
      r.precision, r.threads, r.threads == 1 ? "" : "s", r.decides_at, r.lock_mode,
      d ? d->name : "unknown");
  s += fmt::format(". Builds {} of {} ok, launches {} of {} ok", r.builds_ok, r.builds_asked,
                   r.launches_ok, r.launches_asked);
  if (r.superseded + r.interrupted > 0)
    s += fmt::format("; {} superseded and {} interrupted jobs are kept and count in no figure",
                     r.superseded, r.interrupted);
  return s + ".";
}

std::string pairs_text(const Json& object) {
  std::string out;
  if (object.is_object())
    for (const auto& [key, value] : object.items())
      out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", key, scalar_text(value));
  return out.empty() ? "none" : out;
}

std::string verdict_table(const Recipe& r) {
  if (r.verdicts.empty()) return paragraph(kNothingYet);
  HtmlTable t({"subject", "over", "verdict", "statement"}, "facts");
  for (const VerdictRow& v : r.verdicts)
    t.row()
        .raw(evidence(v.subject, v.ref))
        .text(v.scope.empty() ? "-" : v.scope)
        .raw(badge(v.verdict, v.statement))
        .text(v.statement);
  return t.str();
}

}  // namespace

std::string html_accuracy(const Recipe& r) {
  const VerdictRow* v = find_verdict(r, "accuracy");
  if (!v) return "";
  const bool labelled = get_bool(v->statistic, "labelled");
  std::string out = fmt::format("<h4>{}</h4>\n",
                                labelled ? "Accuracy" : "Agreement with the reference (no labels)");
  HtmlTable t({"engine", labelled ? "top-1 right" : "top-1 as the reference", "bound", "top-5",
               "against the reference (McNemar p)"});
  const auto add = [&](const std::string& name, const Json& j) {
    const auto top1 = proportion_at(j, "top1"), top5 = proportion_at(j, "top5");
    t.row()
        .text(name)
        .num(top1 ? count_of(*top1) : "unknown", v->ref)
        .text(top1 ? bound_text(*top1) : "unknown")
        .num(top5 ? count_of(*top5) : "not told", v->ref);
    t.num(j.contains("mcnemar_p") && j["mcnemar_p"].is_number()
              ? number_text(get_double(j, "mcnemar_p"))
              : "-",
          v->ref);
  };
  for (const Json& b : get_array(v->statistic, "builds"))
    if (b.is_object()) add(fmt::format("build {}", get_int(b, "build", -1)), b);
  if (const Json& ref = get_object(v->statistic, "reference"); !ref.empty()) add("reference", ref);
  return out + t.str();
}

std::string html_kernels(const Recipe& r) {
  const VerdictRow* v = find_verdict(r, "kernels");
  if (!v) return "";
  std::string out = "<h4>Kernels</h4>\n";
  const std::string told = get_string(v->statistic, "source", "unknown");
  HtmlTable t({"builds", "layer", "kernel of the first", "kernel of the second",
               "source of the first", "source of the second"});
  size_t shown = 0, all = 0;
  for (const Json& pair : get_array(v->statistic, "pairs")) {
    const auto& layers = get_array(pair, "layers");
    all +=
        std::max(layers.size(), static_cast<size_t>(std::max<int64_t>(get_int(pair, "differ"), 0)));
    for (const Json& l : layers) {
      if (shown >= kMostLayers) break;
      ++shown;
      t.row().raw(
          evidence(fmt::format("{} and {}", get_int(pair, "a"), get_int(pair, "b")), v->ref));
      t.text(get_string(l, "layer", "unknown"))
          .text(get_string(l, "a_kernel", "unknown"))
          .text(get_string(l, "b_kernel", "unknown"));
      t.raw("<code>" + short_hash(get_string(l, "a_source")) + "</code>")
          .raw("<code>" + short_hash(get_string(l, "b_source")) + "</code>");
    }
  }
  if (t.empty() && all == 0) {
    out += paragraph(v->statement);
  } else {
    out +=
        paragraph(fmt::format("Layers that run another kernel, or the same name from other source: "
                              "{} in all pairs of builds.",
                              all));
    out += t.str();
    if (shown < all)
      out += paragraph(fmt::format("{} more are not shown; report.json has those that were stored.",
                                   all - shown),
                       "soft");
  }
  out += paragraph(
      told == "source"
          ? "This compiler tells the source of its kernels: equal hashes are equal code."
      : told == "name"
          ? "This compiler tells kernel names only: equal names may still be different code."
          : "This compiler tells layers only: which kernel a layer runs stays unknown.",
      "how");
  return out;
}

std::string html_recipe(const Model& m, const ModelInfo& info, const Recipe& r) {
  std::string out = fmt::format(
      "<section class=\"recipe\" id=\"{}\"><h3>{}{}</h3>\n", r.ref, html(r.label),
      m.models.size() > 1 ? fmt::format(R"( <span class="soft">of {}</span>)", html(info.name))
                          : "");
  out += paragraph(facts_of(info, r), "soft");
  out += paragraph("Options: " + pairs_text(r.options) + ". Regime: " + pairs_text(r.regime) + ".",
                   "soft");
  for (const Finding& f : m.findings)
    if (f.recipe_id == r.id && f.severity != "note")
      out += fmt::format(R"(<p class="finding">{} {})", badge(f.severity), html(f.text, 600)) +
             (f.fix.empty() ? "" : " <b>Do:</b> " + html(f.fix, 600)) + "</p>\n";
  out += verdict_table(r);
  for (const auto& part : {html_outputs(r), html_flips(r), html_detections(r), html_accuracy(r),
                           html_kernels(r), html_latency(r), html_tail(r), html_platform(r),
                           html_builds(r), html_cold(r), html_checks(r), html_conditions(r)})
    out += part;
  return out + "</section>\n";
}

}  // namespace assay::report
