// SPDX-License-Identifier: Apache-2.0
#include "cli/lock_verify.h"

#include <memory>

#include "audit/audit.h"
#include "audit/lock/certificate.h"
#include "cli/progress.h"
#include "cli/run_files.h"
#include "report/lock/documents.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay lock verify digits.lock --builds 5
  assay lock verify digits.lock --no-latency --format json
  assay lock verify digits.lock --key release.key.pub --require-signature
  assay lock verify digits.lock --allow cpu.flags --allow cpu.model

First the machine, the packages and every recorded file are held against the lock; then the engine is rebuilt from the lock
alone, in fresh processes, beside the engine that was recorded: kernels, outputs and latency must be the same. Exit code 1 when
they are not, or when it could not be shown (--allow-inconclusive takes the latter).)";

struct Flags {
  std::string lock, out, key, format = "text";
  std::vector<std::string> allow;
  int64_t builds = 3, launches = 0, samples = 0;
  bool no_latency = false, allow_inconclusive = false, require_signature = false, fresh = false;
};

Result<std::string> signature_of(const audit::LockFolder& lock, const Flags& f) {
  if (f.require_signature && f.key.empty())
    return bad_input("--require-signature needs the public key that must have signed",
                     "add --key KEY.pub");
  if (f.key.empty()) return std::string(lock.is_signed() ? "unchecked (no --key)" : "unsigned");
  ASSAY_CHECK(lock.check_signed_by(f.key));
  return "checked with " + fs::path(f.key).filename().string();
}

Result<ExitCode> print_certificate(const Json& c, const Flags& f, const fs::path& folder) {
  const report::Document d = report::certificate_document(c);
  if (!folder.empty()) {
    ASSAY_CHECK(write_file_atomic(folder / "certificate.json", dump_json(c, 1) + "\n"));
    ASSAY_CHECK(write_file_atomic(folder / "certificate.md", report::to_markdown(d)));
    ASSAY_CHECK(write_file_atomic(folder / "certificate.html", report::to_html(d)));
  }
  fmt::print("{}", f.format == "json"   ? dump_json(c, 1) + "\n"
                   : f.format == "md"   ? report::to_markdown(d)
                   : f.format == "html" ? report::to_html(d)
                                        : report::to_text(d, terminal_colours()));
  std::fflush(stdout);
  if (!folder.empty())
    fmt::print(stderr, "certificate: {}\nevidence:    {}\n", (folder / "certificate.html").string(),
               folder.string());
  const std::string result = get_string(c, "result");
  return result == "verified" || (result == "inconclusive" && f.allow_inconclusive)
             ? ExitCode::ok
             : ExitCode::verdict;
}

fs::path default_out(const audit::LockFolder& lock, const audit::VerifyOptions& o) {
  return fs::path("runs") /
         fmt::format("verify-{}-{}", lock.folder().stem().string(),
                     content_id(lock.sha256() +
                                dump_json({o.builds, o.launches, o.samples, o.latency, o.allowed}))
                         .substr(0, 8));
}

Result<ExitCode> go(const Flags& f, const std::vector<std::string>& argv) {
  interrupt_flag();  // from here on Ctrl-C ends in order
  ASSAY_TRY(audit::LockFolder lock, audit::LockFolder::open(f.lock));
  ASSAY_TRY(const std::string signature, signature_of(lock, f));
  const audit::VerifyOptions o{
      f.builds, f.launches, f.samples, !f.no_latency, {f.allow.begin(), f.allow.end()}};
  audit::CertificateInput input{lock, signature, {}, o};
  {
    ASSAY_TRY(TempDir scratch, TempDir::create(fs::temp_directory_path(), "assay-verify-"));
    ASSAY_TRY(input.before, audit::check_before_building(lock, o.allowed, scratch.path()));
  }
  const fs::path out = f.out.empty() ? default_out(lock, o) : fs::path(f.out);
  // What an earlier verification certified does not hold until this one has.
  std::error_code ec;
  for (const char* name : {"certificate.json", "certificate.md", "certificate.html"})
    fs::remove(out / name, ec);
  if (!audit::all_hold(input.before)) {
    ASSAY_TRY(Json c, audit::certificate(input, nullptr));
    if (!f.out.empty()) ASSAY_CHECK(make_dirs(out));
    return print_certificate(c, f, f.out.empty() ? fs::path() : out);
  }
  if (f.fresh) ASSAY_CHECK(start_anew(out));
  ASSAY_TRY(store::RunFolder run, store::RunFolder::open_for_writing(out));
  ASSAY_TRY(audit::Plan plan, audit::verification_plan(lock, run.folder() / "locked", o));
  ASSAY_TRY(audit::Prepared prepared, audit::prepare(plan, run.folder() / "data", true));
  if (prepared.recipes[0].lock->sha256() != lock.sha256())
    return bad_input(fmt::format("lock {} changed while it was read", f.lock), "try again");
  prepared.recipes[0].signature = signature.substr(0, signature.find(' '));
  ProgressLine line;
  audit::AuditOptions options;
  options.argv = argv;
  options.cancel = interrupt_flag();
  options.on_progress = [&](const audit::Progress& p) { line.show(p); };
  ASSAY_TRY(audit::AuditResult result, audit::run_audit(plan, prepared, run, options));
  line.clear();
  if (result.interrupted) {
    fmt::print(stderr, "interrupted; what is done is kept in {}; the same command goes on\n",
               out.string());
    return ExitCode::interrupted;
  }
  ASSAY_TRY(report::Model model, report::load_model(run));
  ASSAY_CHECK(write_reports(run, model));
  ASSAY_TRY(Json c, audit::certificate(input, &run));
  return print_certificate(c, f, run.folder());
}

}  // namespace

void add_lock_verify(App& app, CLI::App& lock) {
  auto f = std::make_shared<Flags>();
  CLI::App* sub =
      lock.add_subcommand("verify", "rebuild from a lock and prove that it is the same");
  sub->footer(kFooter);
  sub->add_option("lock", f->lock, "folder of the lock")->required();
  sub->add_option("--builds", f->builds, "rebuilds, each in a fresh process (default 3)")
      ->check(above_zero());
  sub->add_option("--launches", f->launches, "launches of each engine (default: the lock's)")
      ->check(above_zero());
  sub->add_option("--samples,--iterations", f->samples,
                  "timed inferences of each launch (default: the lock's)")
      ->check(above_zero());
  sub->add_flag("--no-latency", f->no_latency, "prove kernels and outputs only");
  sub->add_option("--allow", f->allow,
                  "an item of the lock that may differ here, by its name; may be given again");
  sub->add_option("--key", f->key, "public ed25519 key (PEM) that must have signed the lock");
  sub->add_flag("--require-signature", f->require_signature,
                "refuse a lock without --key's "
                "signature");
  sub->add_flag("--allow-inconclusive", f->allow_inconclusive,
                "exit 0 also when a claim is INCONCLUSIVE");
  sub->add_option("-o,--out", f->out, "run folder of the evidence (default runs/verify-...)");
  sub->add_flag("--fresh", f->fresh, "start anew: removes the evidence in the run folder");
  add_format(*sub, f->format, "text|md|json|html");
  sub->callback([&app, f, argv = app.argv] { app.action = [f, argv] { return go(*f, argv); }; });
}

}  // namespace assay::cli
