// SPDX-License-Identifier: Apache-2.0
// Where every number of the page comes from: table, row id, blobs.
#include <fmt/format.h>

#include "report/escape.h"
#include "report/figures.h"
#include "report/html_parts.h"

namespace assay::report {
namespace {

class Appendix {
 public:
  void row(std::string_view ref, std::string_view table, std::string_view id, std::string_view what,
           std::string_view blobs) {
    out_ += fmt::format("<tr id=\"{}\"><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", ref,
                        table, html(id, 64), html(what), blobs);
  }
  std::string str() const {
    return "<div class=\"scroll\"><table class=\"appendix\"><thead><tr><th "
           "scope=\"col\">table</th><th scope=\"col\">row</th><th scope=\"col\">what</th>"
           "<th scope=\"col\">blobs (SHA-256)</th></tr></thead>\n<tbody>" +
           out_ + "</tbody></table></div>\n";
  }

 private:
  std::string out_;
};

// Blobs that carry figures in full, logs by their first 12 digits (blobs/ab/cdef...).
std::string blob(std::string_view name, const std::string& hash, bool whole) {
  if (hash.empty()) return "";
  return fmt::format("{} {} ", name, whole ? html(hash, 64) : short_hash(hash));
}

// Ids that a verdict rests on, as links where this report has the row.
std::string rests_on(const Recipe& r, const VerdictRow& v) {
  std::string out;
  size_t more = 0, shown = 0;
  const auto add = [&](const char* key, auto find) {
    for (const Json& id : get_array(v.evidence, key)) {
      if (!id.is_string()) continue;
      const std::string ref = find(id.get<std::string>());
      if (ref.empty()) continue;
      if (++shown > 40)
        ++more;
      else
        out += fmt::format(R"(<a href="#{}">{}</a> )", ref, ref);
    }
  };
  const auto builds = [&](const std::string& id) {
    for (const auto& b : r.builds)
      if (b.id == id) return b.ref;
    return std::string();
  };
  const auto launches = [&](const std::string& id) {
    for (const auto& b : r.builds)
      for (const auto& l : b.launches)
        if (l.id == id) return l.ref;
    return std::string();
  };
  const auto series = [&](const std::string& id) {
    for (const auto& b : r.builds)
      for (const auto& l : b.launches)
        for (const auto& s : l.series)
          if (s.id == id) return s.ref;
    return std::string();
  };
  const auto comparisons = [&](const std::string& id) {
    for (const auto& c : r.comparisons)
      if (c.id == id) return c.ref;
    return std::string();
  };
  add("builds", builds);
  add("launches", launches);
  add("comparisons", comparisons);
  add("series", series);
  if (more) out += fmt::format("and {} more", more);
  return out;
}

void recipe_rows(const Recipe& r, Appendix& a) {
  for (const auto& v : r.verdicts)
    a.row(v.ref, "verdict", v.id, v.subject + (v.scope.empty() ? "" : ", " + v.scope),
          rests_on(r, v));
  for (const auto& c : r.comparisons)
    a.row(c.ref, "comparison", c.id, fmt::format("{}, output {}", c.scope, c.output),
          fmt::format("launches {} {}", short_hash(c.a), short_hash(c.b)));
  for (const auto& b : r.builds) {
    a.row(b.ref, "build", b.id,
          fmt::format("build {}{}", b.index, b.counts ? "" : ", counts in no figure"),
          blob("manifest", b.manifest_blob, false) + blob("engine", b.engine_sha256, true) +
              blob("events", b.events_blob, false) + blob("stdout", b.stdout_blob, false) +
              blob("stderr", b.stderr_blob, false));
    for (const auto& l : b.launches) {
      a.row(l.ref, "launch", l.id,
            fmt::format("build {} launch {}{}", b.index, l.index,
                        l.counts ? "" : ", counts in no figure"),
            blob("events", l.events_blob, false) + blob("stdout", l.stdout_blob, false) +
                blob("stderr", l.stderr_blob, false));
      for (const auto& s : l.series)
        a.row(s.ref, "series", s.id, fmt::format("{}, clock {}", s.name, s.clock),
              blob("samples", s.samples_blob, true) + blob("slots", s.slots_blob, false));
      for (const auto& o : l.outputs)
        a.row(o.ref, "output", o.id, fmt::format("{} {}, {} inputs", o.role, o.name, o.n),
              blob("values", o.blob, false));
    }
  }
}

}  // namespace

std::string html_appendix(const Model& m) {
  Appendix a;
  for (const auto& t : m.attempts)
    a.row(t.ref, "attempt", t.id, "machine " + t.machine_id + ", boot " + t.boot_id, "");
  for (const auto& info : m.models) {
    a.row(info.ref, "model", info.id, info.name, blob("file", info.sha256, true));
    for (const auto& d : info.datasets)
      a.row(d.ref, "dataset", d.id, d.name, blob("data", d.sha256, true));
  }
  for (const auto& f : m.findings) a.row(f.ref, "finding", f.id, f.code, "");
  for (const auto& info : m.models)
    for (const auto& r : info.recipes) recipe_rows(r, a);
  return "<section id=\"evidence\"><h2>Evidence</h2>\n" +
         paragraph(
             "Every linked number leads to its row here. Rows are in run.db of the run folder, "
             "blobs in blobs/ab/cdef... by their SHA-256; "
             "\"assay report --verify\" hashes all of them again and derives every verdict anew.",
             "soft") +
         a.str() + "</section>\n";
}

}  // namespace assay::report
