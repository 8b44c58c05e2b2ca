// SPDX-License-Identifier: Apache-2.0
// assay lock: record what made an engine, verify it by rebuilding, show what it covers.
#include <memory>

#include "audit/lock/folder.h"
#include "audit/lock/record.h"
#include "audit/lock/signature.h"
#include "audit/lock/verify.h"
#include "cli/cli.h"
#include "cli/lock_verify.h"
#include "cli/progress.h"
#include "cli/series_args.h"
#include "report/lock/documents.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay lock record digits --compiler tvm-autotvm --trials 64 -o digits.lock
  assay lock verify digits.lock --builds 5
  assay lock show digits.lock
  assay lock keygen release.key
  assay lock record model.onnx --compiler openvino --key release.key -o model.lock
  assay lock verify model.lock --key release.key.pub --require-signature)";

constexpr const char* kRecordFooter = R"(Examples:
  assay lock record digits --compiler tvm-autotvm --trials 64 -o digits.lock
  assay lock record digits --compiler tvm-autotvm --trials 64 --select stable -o digits.lock
  assay lock record model.onnx --compiler onnxruntime --proof replayed -o model.lock

Builds once, makes the engine again from the decisions alone, runs it, and writes a folder with all that made it: the model,
decisions, packages, hashes of every file that was really mapped or imported, kernels, outputs on stated inputs.)";

struct RecordFlags {
  PlanFlags plan;
  std::string out, proof, select, key, margin;
  int64_t launches = 5, samples = 300;
  double atol = 0, rtol = 0;
};

Result<ExitCode> write_lock(const audit::Plan& plan, const audit::Prepared& prepared,
                            audit::RecordOptions& o) {
  if (!o.key.empty()) {  // a bad key must not cost a tuning
    ASSAY_TRY(std::string signature, audit::sign("", o.key));
  }
  StatusLine line;
  o.cancel = interrupt_flag();
  o.on_progress = [&](const std::string& text) { line.show(text); };
  ASSAY_TRY(audit::Lock lock, audit::record_lock(plan, prepared, 0, o));
  line.clear();
  fmt::print("{}\n", o.out.string());
  fmt::print(stderr, "{} kernels, {} files, {} decisions; prove it with: assay lock verify {}\n",
             lock.kernels.size(), lock.files.size(), lock.choices.size(), o.out.string());
  return ExitCode::ok;
}

Result<ExitCode> record(const RecordFlags& f) {
  interrupt_flag();  // from here on Ctrl-C ends in order
  if (!(f.atol < 1e30 && f.rtol < 1) || f.launches > 100'000 || f.samples > 100'000'000)
    return bad_input(
        "--atol, --rtol, --launches or --samples is out of range",
        "--atol below 1e30, --rtol below 1, at most 100000 launches of 100000000 samples");
  ASSAY_TRY(audit::Request request, request_from_flags(f.plan));
  if (request.models.size() != 1 || request.models[0].compilers.size() != 1 ||
      request.models[0].precisions.size() > 1 || request.models[0].devices.size() > 1)
    return bad_input("a lock is of one model, one compiler, one precision and one device",
                     "name one of each, and record a lock for each recipe");
  if (!f.select.empty() && f.select != "stable" && f.select != "fastest")
    return bad_input(fmt::format("--select {}: unknown", one_line(f.select)),
                     "use stable (near-ties are measured again) or fastest (what the tuner took)");
  audit::RecordOptions o;
  o.out = f.out;
  o.key = f.key;
  o.launches = f.launches;
  o.samples = f.samples;
  o.inputs = f.plan.inputs > 0 ? f.plan.inputs : o.inputs;
  o.atol = f.atol;
  o.rtol = f.rtol;
  o.stable_selection = f.select == "stable";
  if (!f.margin.empty()) {
    ASSAY_TRY(o.margin, parse_share(f.margin, "--margin"));
  }
  ASSAY_TRY(audit::Compiler compiler, audit::find_compiler(request.models[0].compilers[0]));
  if (!f.proof.empty()) {
    ASSAY_TRY(o.proof, audit::proof_from(f.proof));
  } else if (!compiler.lock_proofs.empty()) {
    ASSAY_TRY(o.proof, audit::proof_from(compiler.lock_proofs.front()));
  }
  request.models[0].inputs = o.inputs;
  ASSAY_TRY(audit::Plan plan, audit::make_plan(request));
  ASSAY_TRY(TempDir temporary, TempDir::create(fs::temp_directory_path(), "assay-lock-data-"));
  ASSAY_TRY(audit::Prepared prepared, audit::prepare(plan, temporary.path() / "data", true));
  return write_lock(plan, prepared, o);
}

struct ShowFlags {
  std::string lock, out, format = "text";
};

Result<ExitCode> show(const ShowFlags& f) {
  ASSAY_TRY(audit::LockFolder folder, audit::LockFolder::open(f.lock));
  if (f.format == "json") {
    fmt::print("{}", folder.text());
    return ExitCode::ok;
  }
  const report::Document d = report::lock_document(
      audit::to_json(folder.lock()), folder.sha256(),
      folder.is_signed() ? "there is one; check it with assay lock verify --key" : "none");
  fmt::print("{}", f.format == "md"     ? report::to_markdown(d)
                   : f.format == "html" ? report::to_html(d)
                                        : report::to_text(d, terminal_colours()));
  return ExitCode::ok;
}

Result<ExitCode> engine(const ShowFlags& f) {
  ASSAY_TRY(audit::LockFolder folder, audit::LockFolder::open(f.lock));
  std::error_code ec;
  if (fs::exists(f.out, ec) && !fs::is_empty(f.out, ec))
    return bad_input(f.out + " exists and is not empty", "name a new folder");
  ASSAY_CHECK(folder.lay_out(folder.lock().engine, f.out));
  fmt::print("{}\n", f.out);
  return ExitCode::ok;
}

struct SelectFlags {
  std::string lock, out, key, margin = "2%";
};

Result<ExitCode> select(const SelectFlags& f) {
  ASSAY_TRY(audit::LockFolder from, audit::LockFolder::open(f.lock));
  ASSAY_TRY(TempDir temporary, TempDir::create(fs::temp_directory_path(), "assay-lock-data-"));
  ASSAY_TRY(audit::Plan plan, audit::verification_plan(from, temporary.path() / "locked", {}));
  plan.models[0].recipes[0].lock_mode = "off";  // this lock is made, not used
  ASSAY_TRY(audit::Prepared prepared, audit::prepare(plan, temporary.path() / "data", true));
  const audit::Lock& l = from.lock();
  audit::RecordOptions o;
  o.out = f.out;
  o.key = f.key;
  o.from = &from;
  o.stable_selection = true;
  ASSAY_TRY(o.selection_margin, parse_share(f.margin, "--selection-margin"));
  o.margin = l.margin;
  o.launches = l.launches;
  o.samples = l.samples;
  o.inputs = prepared.models[0].n;
  o.atol = l.atol;
  o.rtol = l.rtol;
  return write_lock(plan, prepared, o);
}

void add_record(App& app, CLI::App& lock) {
  auto f = std::make_shared<RecordFlags>();
  CLI::App* sub = lock.add_subcommand("record", "build once and write the lock");
  sub->footer(kRecordFooter);
  add_plan_flags(*sub, f->plan, false);
  sub->add_option("-o,--out", f->out, "folder of the lock, new")->required();
  sub->add_option("--proof", f->proof,
                  "recompiled or replayed (default: the first that the compiler offers)");
  sub->add_option("--select", f->select,
                  "of compilers that search: fastest (default) or stable: near-ties are measured "
                  "again, interleaved, and a fixed rule chooses");
  sub->add_option("--key", f->key, "private ed25519 key (PEM) that signs the lock");
  sub->add_option("--margin", f->margin,
                  "builds within this ratio of medians count as equal in a verification (default "
                  "5%)");
  sub->add_option("--launches", f->launches, "launches of each engine in a verification")
      ->check(above_zero());
  sub->add_option("--samples,--iterations", f->samples, "timed inferences of each launch")
      ->check(above_zero());
  sub->add_option("--atol", f->atol, "outputs may differ by this (default 0: bitwise equal)")
      ->check(zero_or_more());
  sub->add_option("--rtol", f->rtol, "and by this share of the value")->check(zero_or_more());
  sub->callback([&app, f] {
    app.action = [f] {
      RecordFlags flags = *f;
      flags.plan.no_reference = true;
      return record(flags);
    };
  });
}

}  // namespace

void add_lock(App& app) {
  CLI::App* lock = app.root.add_subcommand(
      "lock", "record what made an engine, and prove by rebuilding that it makes the same again");
  lock->require_subcommand(1);
  lock->footer(kFooter);
  add_record(app, *lock);
  add_lock_verify(app, *lock);

  auto s = std::make_shared<ShowFlags>();
  CLI::App* sub = lock->add_subcommand("show", "what a lock holds, covers and does not cover");
  sub->footer(
      "Examples:\n  assay lock show digits.lock\n  assay lock show digits.lock --format json");
  sub->add_option("lock", s->lock, "folder of the lock")->required();
  add_format(*sub, s->format, "text|md|json|html");
  sub->callback([&app, s] { app.action = [s] { return show(*s); }; });

  auto e = std::make_shared<ShowFlags>();
  sub = lock->add_subcommand("engine", "lay out the engine that a lock recorded");
  sub->footer("Examples:\n  assay lock engine digits.lock -o engine && assay bench engine");
  sub->add_option("lock", e->lock, "folder of the lock")->required();
  sub->add_option("-o,--out", e->out, "folder of the engine, new")->required();
  sub->callback([&app, e] { app.action = [e] { return engine(*e); }; });

  auto x = std::make_shared<SelectFlags>();
  sub = lock->add_subcommand("select",
                             "decide the near-ties of a lock's tuning anew, without tuning again");
  sub->footer("Examples:\n  assay lock select fastest.lock -o stable.lock");
  sub->add_option("lock", x->lock, "folder of the lock that keeps the tuning")->required();
  sub->add_option("-o,--out", x->out, "folder of the new lock")->required();
  sub->add_option("--selection-margin", x->margin,
                  "candidates this close count as equally fast (default 2%)");
  sub->add_option("--key", x->key, "private ed25519 key (PEM) that signs the new lock");
  sub->callback([&app, x] { app.action = [x] { return select(*x); }; });

  auto key = std::make_shared<std::string>();
  sub = lock->add_subcommand("keygen", "make an ed25519 key pair: KEY and KEY.pub");
  sub->footer("Examples:\n  assay lock keygen release.key");
  sub->add_option("key", *key, "file of the private key, new")->required();
  sub->callback([&app, key] {
    app.action = [key]() -> Result<ExitCode> {
      ASSAY_CHECK(audit::generate_key(*key));
      fmt::print("{0}\n{0}.pub\n", *key);
      return ExitCode::ok;
    };
  });
}

}  // namespace assay::cli
