// SPDX-License-Identifier: Apache-2.0
// The parts of the page that speak of the whole run.
#include <fmt/format.h>

#include "base/text.h"
#include "report/detections.h"
#include "report/escape.h"
#include "report/figures.h"
#include "report/html_parts.h"
#include "report/summary.h"

namespace assay::report {
namespace {

std::string head_cell(const HeadCell& c) {
  std::string out;
  if (!c.word.empty()) out += badge(c.word, c.statement);
  if (!c.text.empty()) out += (out.empty() ? "" : "<br/>") + evidence(c.text, c.ref, c.statement);
  return out;
}

std::string shape_text(const Json& io) {
  std::string out;
  for (const Json& t : io) {
    if (!out.empty()) out += "; ";
    out += fmt::format("{} {} {}", get_string(t, "name", "?"), get_string(t, "dtype"),
                       dump_json(get_array(t, "shape")));
  }
  return out.empty() ? "unknown" : out;
}

}  // namespace

std::string html_findings(const Model& m) {
  std::string out = "<section id=\"findings\"><h2>Findings</h2>\n";
  if (m.findings.empty() && m.problems.empty())
    return out +
           paragraph(m.derivation
                         ? "None: no crash, no lie, no swapped kernel, nothing left behind."
                         : kNothingYet) +
           "</section>\n";
  HtmlTable t({"severity", "where", "hazard", "what to do"});
  for (const std::string& p : m.problems)
    t.row()
        .raw(badge("error"))
        .text("evidence")
        .text(p)
        .text(
            "the figures that rest on it are left out; restore the run folder or run the audit "
            "anew");
  for (const Finding& f : m.findings) {
    const std::string where = recipe_name(m, f.recipe_id);
    t.row()
        .raw(badge(f.severity))
        .raw(evidence(where.empty() ? f.code : where, f.ref, f.code))
        .text(f.text)
        .text(f.fix.empty() ? "-" : f.fix);
  }
  return out + t.str() + "</section>\n";
}

std::string html_machine(const Model& m) {
  std::string out = "<section id=\"machine\"><h2>What was audited, on what machine</h2>\n";
  HtmlTable models(
      {"model", "size", "inputs", "outputs", "data set", "inputs run", "sampling", "labels"});
  for (const auto& info : m.models) {
    const auto subject = [&](HtmlTable& t) {
      t.row()
          .raw(evidence(info.name, info.ref))
          .num(bytes_text(info.bytes), info.ref)
          .text(shape_text(get_array(info.info, "inputs")))
          .text(shape_text(get_array(info.info, "outputs")));
    };
    if (info.datasets.empty()) {
      subject(models);
      models.text("none").text("-").text("-").text("-");
    }
    for (const auto& d : info.datasets) {
      subject(models);
      models.raw(evidence(d.name, d.ref, d.description)).num(count_text(d.n), d.ref);
      models
          .text(d.sampling == "clustered"
                    ? fmt::format("clustered, {} clusters", count_text(d.clusters))
                    : d.sampling)
          .text(has_detector(info) ? std::string(truth_of(info, d))
                : d.labelled       ? std::string("yes")
                                   : std::string("no"));
    }
  }
  if (!models.empty()) out += models.str();
  HtmlTable t({"attempt", "started (UTC)", "processors", "cores", "kernel", "memory", "governor",
               "boost", "virtual machine", "clock read", "assay"});
  for (const auto& a : m.attempts) {
    const double read = get_double(a.machine, "clock_read_ns", -1);
    t.row()
        .raw(evidence(fmt::format("{}", &a - m.attempts.data() + 1), a.ref))
        .text(a.started_utc)
        .text(gpus_text(a.machine).empty()
                  ? fact(a.machine, "cpu")
                  : fmt::format("{}; {}", fact(a.machine, "cpu"), gpus_text(a.machine)))
        .num(fact(a.machine, "cores"), a.ref)
        .text(fact(a.machine, "kernel"));
    t.num(bytes_text(get_int(a.machine, "memory_bytes", -1)), a.ref)
        .text(fact(a.machine, "governor"))
        .text(fact(a.machine, "boost"))
        .text(fact(a.machine, "hypervisor"));
    t.num(read > 0 ? fmt::format("{:.1f} ns", read) : "unknown", a.ref).text(a.assay_version);
  }
  if (t.empty())
    out += paragraph("No process has worked on this run yet.");
  else
    out += t.str();
  return out + "</section>\n";
}

std::string html_headline(const Model& m, const ModelInfo& info) {
  HtmlTable t({"recipe", "builds", "outputs over builds",
               has_detector(info) ? "boxes over builds" : "labels over builds",
               "against the reference", "accuracy", "kernels", "latency p50 over builds",
               "latency p99 over builds", "build time", "engine size", "findings"},
              "headline");
  for (const Recipe& r : info.recipes) {
    const Headline h = headline(m, r);
    t.row().raw(fmt::format(R"(<a href="#{}"><b>{}</b></a>{})", r.ref, html(r.label, 80),
                            r.is_reference ? R"(<br/><span class="soft">reference</span>)" : ""));
    for (const HeadCell* c : {&h.builds, &h.outputs, &h.labels, &h.reference, &h.accuracy,
                              &h.kernels, &h.p50, &h.p99, &h.build_time, &h.engine, &h.findings})
      t.raw(head_cell(*c));
  }
  if (t.empty()) return paragraph("No recipe is planned for this model.");
  return t.str();
}

std::string html_not_established(const Model& m) {
  std::string out = "<section id=\"open\"><h2>Not established</h2>\n";
  HtmlTable t({"recipe", "claim", "what this run shows", "what would settle it"});
  for (const Open& o : not_established(m))
    t.row()
        .text(o.recipe)
        .raw(evidence(o.subject + (o.scope.empty() ? "" : ", " + o.scope), o.ref))
        .text(o.statement)
        .text(o.needs);
  if (t.empty())
    return out +
           paragraph(m.derivation ? "No verdict is INCONCLUSIVE. Bounds still hold only for the "
                                    "data sets and the machine named above."
                                  : kNothingYet) +
           "</section>\n";
  out += paragraph(
      "INCONCLUSIVE is no weak SAME: the evidence neither shows a difference nor rules one out.");
  return out + t.str() + "</section>\n";
}

std::string html_reproduce(const Model& m) {
  std::string out = "<section id=\"reproduce\"><h2>Reproduce</h2>\n";
  for (const auto& a : m.attempts)
    out += fmt::format("<pre>{}</pre>\n", html(command_line(a), 8000));
  HtmlTable t({"what", "value"}, "facts");
  t.row().text("run").text(m.run_id.empty() ? "unknown" : m.run_id);
  t.row().text("seed").text(m.seed.empty() ? "unknown" : m.seed);
  t.row().text("profile").text(m.profile.empty() ? "unknown" : m.profile);
  t.row().text("plan, SHA-256").text(m.plan_sha256.empty() ? "unknown" : m.plan_sha256);
  if (m.derivation) {
    t.row()
        .text("derivation")
        .text(m.derivation->id + ", " + m.derivation->time_utc + ", assay " +
              m.derivation->assay_version);
    t.row().text("result, SHA-256").text(m.derivation->result_sha256);
  }
  out += t.str();
  if (!m.plan_json.empty()) {
    auto plan = parse_json(m.plan_json, "plan_json");
    const std::string body = plain_lines(plan ? dump_json(*plan, 2) : m.plan_json, 60'000);
    out += fmt::format("<details><summary>plan (JSON)</summary><pre>{}</pre></details>\n",
                       html_escape(body));
  }
  return out + "</section>\n";
}

}  // namespace assay::report
