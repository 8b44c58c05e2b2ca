// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <system_error>

#include "cli/cli.h"

namespace {

constexpr const char* kFooter = R"(Start here:
  assay doctor                                   what this machine lets you control and measure
  assay compilers                                what is installed, and the command that installs the rest
  assay audit model.onnx --compiler openvino     build it 3 times, compare, measure, report
  assay stats times.json                         a list of latencies from any tool: bounds, trust, verdicts

Exit codes: 0 evidence complete; 1 a verdict (compare, --fail-on), or no usable build; 2 bad usage or input; 3 something is
missing here; 4 defect of assay; 130 interrupted, the same command goes on.)";

int show(const assay::Error& e) {
  fmt::print(stderr, "assay: {}\n", assay::one_line(e.message, 2000));
  if (!e.fix.empty()) fmt::print(stderr, "  fix: {}\n", assay::one_line(e.fix, 2000));
  return static_cast<int>(e.code);
}

int run(int argc, char** argv) {
  CLI::App root(
      "assay audits DNN compilers: it rebuilds a model many times in isolation and says, with "
      "evidence, what stays the same.",
      "assay");
  root.require_subcommand(1);
  root.set_version_flag("--version", ASSAY_VERSION);
  root.footer(kFooter);
  root.failure_message(CLI::FailureMessage::simple);
  assay::cli::Action action;
  assay::cli::App app{root, action, {argv, argv + argc}};
  assay::cli::add_audit(app);
  assay::cli::add_build(app);
  assay::cli::add_bench(app);
  assay::cli::add_compare(app);
  assay::cli::add_diff(app);
  assay::cli::add_lock(app);
  assay::cli::add_response(app);
  assay::cli::add_report(app);
  assay::cli::add_stats(app);
  assay::cli::add_wcet(app);
  assay::cli::add_compilers(app);
  assay::cli::add_models(app);
  assay::cli::add_doctor(app);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    // Help and version are no errors; all else is bad usage.
    if (e.get_exit_code() == 0) return root.exit(e);
    if (argc > 1 && argv[1][0] != '-' && root.get_subcommands().empty()) {
      std::string names;
      for (const CLI::App* sub : root.get_subcommands([](CLI::App*) { return true; }))
        names += (names.empty() ? "" : ", ") + sub->get_name();
      return show({assay::ExitCode::usage,
                   fmt::format("unknown command \"{}\"", assay::one_line(argv[1])),
                   "known: " + names});
    }
    const auto used = root.get_subcommands();
    return show({assay::ExitCode::usage, e.what(),
                 used.empty() ? std::string("assay --help, or assay COMMAND --help")
                              : fmt::format("assay {} --help", used[0]->get_name())});
  }
  auto result = action();
  if (!result) return show(result.error());
  // A reader that has seen enough (`| head`) is no error.
  if (std::fflush(stdout) != 0 && errno != EPIPE)
    return show({assay::ExitCode::usage, "cannot write to standard output",
                 "check disk space and the pipe"});
  return static_cast<int>(*result);
}

}  // namespace

int assay::cli::run_assay(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::system_error& e) {
    // fmt reports a failed write this way.
    if (e.code().value() == EPIPE) return 0;
    return show(
        {assay::ExitCode::usage, fmt::format("cannot write: {}", e.what()), "check disk space"});
  } catch (const std::bad_alloc&) {
    return show({assay::ExitCode::usage, "out of memory",
                 "audit fewer inputs or samples, or a smaller model"});
  } catch (const std::exception& e) {
    return show(
        {assay::ExitCode::internal, e.what(), "this is a defect of assay; please report it"});
  }
}
