// SPDX-License-Identifier: Apache-2.0
// assay doctor: what this machine lets assay control and measure; sets what can be set, and puts it
// back.
#include <algorithm>
#include <memory>

#include "audit/machine.h"
#include "cli/cli.h"
#include "cli/doctor_fix.h"
#include "cli/doctor_print.h"

namespace assay::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  assay doctor
  assay doctor --format json --fail-on harmful          for CI: exit code 1 when a fact is harmful
  assay doctor --root recorded/                         a recorded /proc and /sys
  assay doctor --fix --dry-run                          what would be set
  assay doctor --fix -- assay audit model.onnx --compiler openvino
                                                        fixed CPU clocks while it runs, then all as before
  assay doctor --restore                                after a crash of the machine or of its guard

Harm: harmful, possible, unknown (cannot be seen here), none. docs/doctor.md tells the rest.)";

struct Flags {
  std::string format = "text", root, fail_on;
  bool fail_given = false, fix = false, restore = false;
  FixFlags fixing;
};

Result<platform::Roots> roots_of(const Flags& f) {
  platform::Roots roots = platform::roots_from_environment();
  if (!f.root.empty()) roots.root = f.root;
  std::error_code ec;
  if (!fs::is_directory(roots.root, ec))
    return bad_input(fmt::format("{} is no folder", one_line(roots.root.string())),
                     "give the folder that holds the recorded proc/ and sys/");
  return roots;
}

Result<bool> fails(const std::vector<platform::Fact>& facts, const std::string& words) {
  using platform::Harm;
  bool out = false;
  if (words.find_first_not_of(", ") == std::string::npos)
    return bad_input("--fail-on names no kind of harm", "use harmful, possible, unknown");
  for (const std::string& w : split(words)) {
    bool known = false;
    for (const Harm h : {Harm::harmful, Harm::possible, Harm::unknown}) {
      if (w != word(h)) continue;
      known = true;
      out = out ||
            std::any_of(facts.begin(), facts.end(), [&](const auto& f) { return f.harm == h; });
    }
    if (!known)
      return bad_input(fmt::format("--fail-on {}: no kind of harm", one_line(w)),
                       "use harmful, possible, unknown");
  }
  return out;
}

Result<ExitCode> doctor(const Flags& f) {
  ASSAY_TRY(const platform::Roots roots, roots_of(f));
  const bool any = f.fixing.dry_run || f.fixing.allow_unfixed || f.fixing.gpu_mhz > 0 ||
                   !f.fixing.command.empty();
  if (!f.fix && any)
    return bad_input("--dry-run, --gpu-mhz, --allow-unfixed and a COMMAND go with --fix",
                     "assay doctor --fix [-- COMMAND ARGUMENT...]");
  if (f.fix && f.restore) return bad_input("--fix and --restore exclude each other", "give one");
  if ((f.fix || f.restore) && f.fail_given)
    return bad_input("--fail-on judges the facts, which --fix and --restore do not print",
                     "assay doctor --fail-on harmful, then assay doctor --fix");
  if (f.restore) return doctor_restore(roots);
  if (f.fix) return doctor_fix(roots, f.fixing);
  // A wrong word before anything is printed.
  if (f.fail_given) ASSAY_CHECK(fails({}, f.fail_on));
  const std::vector<platform::Fact> facts = audit::machine_facts(roots);
  ASSAY_CHECK(print_facts(roots, facts, f.format, terminal_colours()));
  bool failed = false;
  if (f.fail_given) {
    ASSAY_TRY(failed, fails(facts, f.fail_on));
  }
  return failed ? ExitCode::verdict : ExitCode::ok;
}

}  // namespace

void add_doctor(App& app) {
  auto f = std::make_shared<Flags>();
  CLI::App* sub = app.root.add_subcommand(
      "doctor", "what this machine lets assay control and measure, each with the fix");
  sub->footer(kFooter);
  add_format(*sub, f->format, "text|md|json|jsonl|csv");
  sub->add_option("--root", f->root, "read a recorded tree (a folder with proc/ and sys/)");
  const CLI::Option* fail_on =
      sub->add_option("--fail-on,--failOn", f->fail_on,
                      "exit 1 when there is a fact of this harm: harmful,possible,unknown");
  sub->add_flag(
      "--fix", f->fix,
      "set fixed CPU clocks (governor, range, boost) while COMMAND runs, or until Ctrl-C; "
      "then put all back");
  sub->add_flag("--dry-run,--dryRun", f->fixing.dry_run, "of --fix: print what would be written");
  sub->add_option("--gpu-mhz,--gpuMhz", f->fixing.gpu_mhz,
                  "of --fix: lock the clocks of the GPUs too, at so many MHz")
      ->check(CLI::Range(1, 100000));
  sub->add_flag("--allow-unfixed", f->fixing.allow_unfixed,
                "of --fix: run COMMAND also where nothing can be set");
  sub->add_flag("--restore", f->restore, "put back what a fix left that was cut off");
  sub->add_option("command", f->fixing.command,
                  "of --fix, after --: the command and its arguments");
  sub->callback([&app, f, fail_on] {
    f->fail_given = fail_on->count() > 0;
    app.action = [f] { return doctor(*f); };
  });
}

}  // namespace assay::cli
