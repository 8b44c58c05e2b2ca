// SPDX-License-Identifier: Apache-2.0
// assay response: frames as cameras deliver them, through every stage, against their deadlines.
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "cli/progress.h"
#include "cli/response_args.h"
#include "cli/response_report.h"
#include "cli/run_files.h"
#include "response/claims.h"
#include "response/run.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay response usecases/intersection.toml
  assay response digits --compiler onnxruntime --images photos/ --fps 30 --deadline 33ms
  assay response scenes --compiler openvino,onnxruntime --images scenes --streams 1,2,4 --mode processes,threads
  assay response scenes --compiler openvino --fps 30 --policy queue,drop-oldest --co-runner none,memory
  assay response engines/ov/engines/openvino-fp32-0 --video drive.mp4 --fps 25 --trace timeline.json
  assay response model.onnx --compiler openvino --fps 10 --duration 60 --dry-run

A response is the time from the scheduled release of a frame to its result: waiting, read, decode, pre-process, infer,
post-process. The evidence goes to the folder of --out; the same command goes on after Ctrl-C or a crash. report.html,
report.md and report.json are written there; --trace writes a timeline for Perfetto. docs/response.md tells the rest.)";

constexpr size_t kShownCells = 40;

struct Flags {
  ResponseFlags plan;
  std::string out, format = "text", fail_on, trace;
  bool fresh = false, dry_run = false;
};

const char* plural(auto n) { return n == 1 ? "" : "s"; }

// A place that cannot be written to is told before hours are measured.
Status check_trace(const std::string& file) {
  if (file.empty()) return {};
  std::error_code ec;
  const fs::path folder = fs::absolute(file, ec).parent_path();
  if (fs::is_directory(file, ec))
    return bad_input(fmt::format("--trace {} is a folder", one_line(file, 200)),
                     "name a file, e.g. timeline.json");
  if (!fs::is_directory(folder, ec))
    return bad_input(fmt::format("--trace {}: no folder {}", one_line(file, 200),
                                 one_line(folder.string(), 200)),
                     "make the folder, or name a file elsewhere");
  return {};
}

std::string cpus_text(const std::vector<int>& cpus) {
  return fmt::format("{}", fmt::join(cpus, ","));
}

void print_plan(const response::Plan& plan, const response::Prepared& prepared) {
  Table t({"recipe", "mode", "cameras", "streams", "policy", "co-runner", "cache", "priority",
           "cpus", ""});
  for (size_t i = 0; i < prepared.cells.size() && i < kShownCells; ++i) {
    const stream::Cell& c = prepared.cells[i];
    t.add({c.recipe, c.mode, std::to_string(c.cameras), std::to_string(c.streams),
           std::string(stream::word(c.policy)), c.co_runner, c.cache, c.priority, cpus_text(c.cpus),
           c.oversubscribed ? "oversubscribed" : ""});
  }
  fmt::print(stderr, "{}", t.text());
  if (prepared.cells.size() > kShownCells)
    fmt::print(stderr, "... and {} more conditions\n", prepared.cells.size() - kShownCells);
  for (const response::TaskPlan& task : plan.tasks) {
    std::string says = task.detector ? "boxes" : "labels";
    if (!task.next.empty())
      says += fmt::format(", at most {} crops to {}", task.max_crops, task.next);
    if (!task.streams) says += ", reached by its cascade alone";
    if (task.deadline_ns > 0)
      says += fmt::format(", deadline {}", format_ns(static_cast<double>(task.deadline_ns)));
    fmt::print(stderr, "task {}: {}\n", task.name, says);
  }
  fmt::print(stderr, "pictures: {} ({}); scenario {}{}\n", one_line(plan.data_name),
             frames::word(plan.source.kind), stream::word(plan.scenario),
             plan.fps > 0 ? fmt::format(" at {:g} frames a second", plan.fps) : "");
  Table claims({"claim", "possible", "carried by", "needs"});
  for (const audit::Claim& c : response::plan_claims(plan))
    claims.add({c.name, c.supported ? "yes" : "no", c.basis, c.needs});
  fmt::print(stderr, "{}", claims.text());
  for (const std::string& note : prepared.notes) fmt::print(stderr, "note: {}\n", note);
  fmt::print(stderr,
             "{} condition{} x {} repetition{} of {} frame{} a stream; seed {}, {} thread{}; rough "
             "estimate {} without builds\n",
             prepared.cells.size(), plural(prepared.cells.size()), plan.repetitions,
             plural(plan.repetitions), plan.frames, plural(plan.frames), plan.seed, plan.threads,
             plural(plan.threads), format_ns(response::estimate_s(plan, prepared) * 1e9));
}

fs::path default_out(const response::Plan& plan) {
  return fs::path("runs") /
         fmt::format("{}-response-{}", plan.name,
                     content_id(dump_json(response::to_json(plan))).substr(0, 8));
}

ExitCode say_interrupted(int64_t blocks, const fs::path& out) {
  fmt::print(stderr, "interrupted; {} block{} done and kept in {}; the same command goes on\n",
             blocks, blocks == 1 ? " is" : "s are", one_line(out.string(), 1000));
  return ExitCode::interrupted;
}

Result<ExitCode> go(const Flags& f, const std::vector<std::string>& argv) {
  ASSAY_TRY(const auto words, response_words(f.fail_on));
  ASSAY_CHECK(check_trace(f.trace));
  ASSAY_TRY(const response::Plan plan, response_plan(f.plan));
  ASSAY_TRY(const response::Prepared look, response::preview(plan));
  const fs::path out = f.out.empty() ? default_out(plan) : fs::path(f.out);
  print_plan(plan, look);
  if (f.dry_run) {
    fmt::print(stderr, "dry run: nothing was measured; evidence would go to {}\n",
               one_line(out.string(), 1000));
    return ExitCode::ok;
  }
  if (f.fresh) ASSAY_CHECK(start_anew(out));
  ASSAY_TRY(store::RunFolder run, store::RunFolder::open_for_writing(out));
  ProgressLine line;
  response::Options options;
  options.argv = argv;
  options.cancel = interrupt_flag();
  options.on_progress = [&](const audit::Progress& p) { line.show(p); };
  ASSAY_TRY(const response::Prepared prepared, response::prepare(plan, run, options));
  line.clear();
  if (prepared.interrupted) return say_interrupted(0, out);
  for (const std::string& note : prepared.notes)
    if (std::find(look.notes.begin(), look.notes.end(), note) == look.notes.end())
      fmt::print(stderr, "note: {}\n", note);
  ASSAY_TRY(const response::RunResult result, response::run_grid(plan, prepared, run, options));
  line.clear();
  if (result.interrupted) return say_interrupted(result.blocks_run + result.blocks_resumed, out);
  ASSAY_TRY(const ResponseReport report, load_response_report(run));
  ASSAY_CHECK(write_response_report(run, report));
  ASSAY_TRY(const std::string text, print_response(report, f.format, false));
  fmt::print("{}{}", text, text.ends_with('\n') ? "" : "\n");
  std::fflush(stdout);  // before what follows on stderr
  fmt::print(stderr, "evidence: {}\nreport:   {}\n", one_line(run.folder().string(), 1000),
             one_line((run.folder() / "report.html").string(), 1000));
  const int64_t blocks = result.blocks_run + result.blocks_resumed;
  if (result.blocks_failed == blocks)
    return fail(ExitCode::verdict,
                fmt::format("nothing was measured: {} of {} block{} failed; {}",
                            result.blocks_failed, blocks, plural(blocks), result.first_failure),
                "mend that and add --fresh; the failure is kept as evidence until then");
  if (result.blocks_failed > 0)
    fmt::print(stderr, "assay: {} of {} blocks failed; the first {}\n", result.blocks_failed,
               blocks, one_line(result.first_failure, 600));
  if (!f.trace.empty()) ASSAY_CHECK(write_trace(report, f.trace));
  return response_fails(report.results, words) ? ExitCode::verdict : ExitCode::ok;
}

}  // namespace

void add_response(App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* sub = app.root.add_subcommand(
      "response", "response times of frames: cameras, stages, streams, deadlines");
  sub->footer(kFooter);
  add_response_flags(*sub, flags->plan);
  sub->add_option("-o,--out", flags->out,
                  "run folder (default runs/NAME-response-HASH, the same for the same plan)");
  sub->add_flag("--fresh", flags->fresh, "start anew: removes the evidence in the run folder");
  sub->add_flag("--dry-run,--dryRun", flags->dry_run,
                "print conditions, claims and an estimate, then stop");
  sub->add_option("--fail-on,--failOn", flags->fail_on,
                  "exit 1 on any of these: missed,unstable,invalid");
  sub->add_option("--trace", flags->trace, "write a timeline (Chrome trace JSON) to this file");
  add_format(*sub, flags->format, "text|md|json|csv");
  sub->callback(
      [&app, flags, argv = app.argv] { app.action = [flags, argv] { return go(*flags, argv); }; });
}

}  // namespace assay::cli
