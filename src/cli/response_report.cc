// SPDX-License-Identifier: Apache-2.0
#include "cli/response_report.h"

#include <algorithm>

#include "audit/derive.h"
#include "cli/cli.h"
#include "cli/run_files.h"
#include "report/document.h"

namespace assay::cli {
namespace {

constexpr int64_t kTraceFrames = 2000;

std::string json_of(const stream::Results& results) {
  return dump_json(stream::to_json(results), 1) + "\n";
}

}  // namespace

Result<ResponseReport> load_response_report(store::RunFolder& run) {
  ResponseReport out;
  ASSAY_TRY(out.results, report::load_response(run));
  ASSAY_TRY(out.logs, report::load_cell_logs(run));
  return out;
}

Status write_response_report(store::RunFolder& run, const ResponseReport& r) {
  report::ResponseDraw page;
  page.plots = false;
  const report::Document document = report::response_document(r.results, r.logs, page);
  const std::string json = json_of(r.results);
  ASSAY_TRY(const std::string markdown, print_response(r, "md", true));  // has no drawings
  ASSAY_CHECK(write_file_atomic(run.folder() / "report.html", report::to_html(document)));
  ASSAY_CHECK(write_file_atomic(run.folder() / "report.md", markdown));
  ASSAY_CHECK(write_file_atomic(run.folder() / "report.json", json));
  ASSAY_TRY(const auto attempt,
            run.db().first("SELECT attempt_id FROM attempt ORDER BY rowid DESC LIMIT 1"));
  if (!attempt) return internal_error("a response run without an attempt");
  return run.db().run(
      "INSERT INTO response_derivation(attempt_id, time_utc, assay_version, result_sha256) "
      "VALUES(?,?,?,?)",
      {attempt->text(0), utc_now(), std::string(ASSAY_VERSION),
       sha256_hex(dump_json(stream::to_json(r.results)))});
}

Result<std::string> print_response(const ResponseReport& r, const std::string& format,
                                   bool to_file) {
  if (format == "json") return json_of(r.results);
  if (format == "csv") return report::response_csv(r.results);
  report::ResponseDraw draw;
  draw.colour = !to_file && terminal_colours();
  draw.svg = format == "html";
  draw.plots = format == "text";
  const report::Document document = report::response_document(r.results, r.logs, draw);
  if (format == "md") return report::to_markdown(document);
  if (format == "html") return report::to_html(document);
  return report::to_text(document, draw.colour);
}

bool response_fails(const stream::Results& results, const std::vector<std::string>& words) {
  const auto asked = [&](const char* word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  for (const stream::CellResult& c : results.cells) {
    if (asked("unstable") && c.stability.unstable) return true;
    if (asked("invalid") && !c.valid) return true;
    if (!asked("missed")) continue;
    if (c.frame_set_deadline && c.frame_set_deadline->observed.misses > 0) return true;
    // Where no frame was judged nothing shows that none is missed.
    for (const stream::TaskResult& t : c.tasks)
      if (t.deadline && (t.deadline->observed.misses > 0 || t.deadline->observed.n == 0))
        return true;
  }
  return false;
}

Result<std::vector<std::string>> verify_response(store::RunFolder& run) {
  std::vector<std::string> problems;
  ASSAY_TRY(const auto damaged, run.damaged_blobs());
  for (const std::string& sha : damaged)
    problems.push_back(fmt::format("blob {} is absent or does not have its hash", sha));
  // The engines that it built are evidence of a run folder inside.
  if (looks_like_run(run.folder() / "engines.run")) {
    ASSAY_TRY(store::RunFolder engines,
              store::RunFolder::open_for_reading(run.folder() / "engines.run"));
    ASSAY_TRY(const auto of_engines, audit::verify(engines));
    for (const std::string& p : of_engines) problems.push_back("engines.run: " + p);
  }
  ASSAY_TRY(const auto newest, run.db().first("SELECT result_sha256 FROM response_derivation "
                                              "ORDER BY seq DESC LIMIT 1"));
  if (!newest) problems.emplace_back("no results have been derived yet");
  if (!problems.empty()) return problems;  // deriving from damaged evidence proves nothing
  const auto results = report::load_response(run);
  if (!results)
    problems.push_back("the evidence gives no results: " + one_line(results.error().message));
  else if (sha256_hex(dump_json(stream::to_json(*results))) != newest->text(0))
    problems.emplace_back(
        "deriving anew from the evidence gives other results than the stored ones");
  return problems;
}

Status write_trace(const ResponseReport& r, const std::string& file) {
  const auto most = std::max_element(r.logs.begin(), r.logs.end(), [](auto& a, auto& b) {
    return a.cell.streams < b.cell.streams;
  });
  if (most == r.logs.end() || most->repetitions.empty())
    return bad_input("no frames were recorded, there is no trace to write",
                     "see what failed: the report says why");
  return write_file_atomic(
      file, report::chrome_trace(*most, most->repetitions.front().index, kTraceFrames));
}

}  // namespace assay::cli
