// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdlib>

#include "cli/cli.h"
#include "cli/series_args.h"

namespace assay::cli {
namespace {

std::atomic<bool> interrupted{false};

void on_signal(int) {
  if (interrupted.exchange(true)) _exit(130);  // second Ctrl-C; children die with us
}

Result<Json> preprocess_from_flags(const PlanFlags& f) {
  Json out = Json::object();
  if (f.resize >= 0) out["resize"] = f.resize;
  if (f.bgr) out["bgr"] = true;
  if (!f.labels.empty()) out["labels"] = fs::absolute(f.labels).string();
  for (const auto& [key, text] : {std::pair{"mean", &f.mean}, std::pair{"std", &f.std}}) {
    if (text->empty()) continue;
    ASSAY_TRY(out[key], parse_json("[" + *text + "]", std::string("--") + key));
  }
  return out;
}

}  // namespace

const std::atomic<bool>* interrupt_flag() {
  struct sigaction act {};
  act.sa_handler = on_signal;
  sigaction(SIGINT, &act, nullptr);
  sigaction(SIGTERM, &act, nullptr);
  // A terminal that was closed; under nohup it stays ignored.
  struct sigaction before {};
  if (sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
    sigaction(SIGHUP, &act, nullptr);
  return &interrupted;
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t end = text.find(at);
    if (end != 0) out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

Result<int64_t> parse_bytes(std::string_view text) {
  int64_t value = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  int shift = unit.empty() ? 0 : unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : -1;
  if (ec != std::errc() || value < 0 || shift < 0 || value > (int64_t{1} << 60 >> shift))
    return bad_input(fmt::format("\"{}\" is no size", one_line(text)),
                     "write bytes, or a number with K, M or G");
  return value << shift;
}

namespace {

// Not a comparison that a NaN, or text that a whole number would be clipped to, passes.
CLI::Validator number_check(bool zero, const char* name, const char* expected) {
  return CLI::Validator(
      [zero, expected](std::string& text) -> std::string {
        double value = 0;
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool fits = ec == std::errc() && end == text.data() + text.size() &&
                          std::isfinite(value) && (zero ? value >= 0 : value > 0);
        if (!fits) return fmt::format("{} is given, expected {}", one_line(text, 60), expected);
        const bool whole = text.find_first_not_of("0123456789") == std::string::npos;
        if (whole && value >= 0x1p63) return fmt::format("{} is too large", one_line(text, 60));
        return "";
      },
      name);
}

}  // namespace

CLI::Validator above_zero() { return number_check(false, "POSITIVE", "a number above 0"); }
CLI::Validator zero_or_more() { return number_check(true, "NONNEGATIVE", "a number of 0 or more"); }

bool terminal_colours() { return isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR"); }

void add_format(CLI::App& sub, std::string& format, const char* choices) {
  std::vector<std::string> names = split(choices, '|');
  sub.add_option("--format", format, std::string("output: ") + choices)
      ->check(CLI::IsMember(names));
}

Status print_table(const Table& t, const std::string& format) {
  if (format == "md")
    fmt::print("{}", t.markdown());
  else if (format == "csv")
    fmt::print("{}", t.csv());
  else if (format == "json" || format == "jsonl") {
    Json all = Json::array();
    for (const auto& row : t.rows()) {
      Json j = Json::object();
      for (size_t c = 0; c < t.header().size(); ++c)
        j[t.header()[c]] = c < row.size() ? row[c] : "";
      if (format == "jsonl")
        fmt::print("{}\n", dump_json(j));
      else
        all.push_back(std::move(j));
    }
    if (format == "json") fmt::print("{}\n", dump_json(all, 2));
  } else {
    fmt::print("{}", t.text());
  }
  return {};
}

void add_plan_flags(CLI::App& sub, PlanFlags& f, bool measures) {
  sub.add_option("target,--onnx", f.target,
                 "plan file (.toml), ONNX file, or a name of `assay models`");
  sub.add_option("-c,--compiler", f.compilers,
                 "compilers, comma separated (see `assay compilers`)");
  sub.add_option("--precision", f.precisions,
                 "precisions, comma separated: fp32, fp16, bf16, int8 (default fp32)");
  sub.add_option("--device", f.devices,
                 "devices, comma separated: cpu, cuda:0, ... (default: the compiler's first)");
  sub.add_option("--builds", f.builds, "builds of each recipe (default: the profile's)")
      ->check(above_zero());
  sub.add_option("--trials", f.trials,
                 "search budget of compilers that search (their option `trials`)");
  sub.add_option("--option", f.options,
                 "one option of a compiler: NAME.KEY=VALUE; may be given again");
  sub.add_option("--shapes", f.shapes, "input shapes, as trtexec: input:1x3x224x224,mask:1x10");
  sub.add_option("--data", f.data,
                 "data set: a name of `assay models`, a prepared folder, a folder of images, "
                 "npy:INPUT=FILE, or synthetic");
  sub.add_option("--inputs", f.inputs, "use at most so many inputs of the data set")
      ->check(above_zero());
  sub.add_option("--threads", f.threads,
                 "inference threads, for tuning, build and launch alike (default 1)")
      ->check(above_zero());
  sub.add_option("--seed", f.seed, "seed of the order and of the tuners (default 1; logged)")
      ->check(zero_or_more());
  sub.add_option("--build-timeout,--buildTimeout", f.build_timeout_s,
                 "seconds a build may take (default 3600)")
      ->check(above_zero());
  sub.add_option("--memory-limit,--memoryLimit", f.memory_limit,
                 "memory of one child: bytes, or with K, M, G");
  sub.add_flag("--no-reference", f.no_reference, "do not add the reference compiler");
  if (!measures) return;
  sub.add_option(
      "--lock", f.locks,
      "lock modes, comma separated: off (default), record (a lock is kept beside), verified "
      "(builds made from a lock)");
  sub.add_option("--dvfs", f.dvfs,
                 "clock states, comma separated: default, fixed (each recipe once in each; fixed "
                 "sets the CPU clocks around its jobs, see `assay doctor --fix`)");
  sub.add_option("--gpu-mhz,--gpuMhz", f.gpu_mhz,
                 "with --dvfs fixed on a GPU: lock its clock at so many MHz")
      ->check(above_zero());
  sub.add_option("--lock-proof", f.lock_proof,
                 "of verified builds: recompiled or replayed (default: the compiler's first)");
  sub.add_option(
      "--sampling", f.sampling,
      "of a folder of images: independent or fixed (default fixed: no bound on other inputs)");
  sub.add_option(
         "--resize", f.resize,
         "of a folder of images: shorter side in pixels (default 256; 0 = straight to the input)")
      ->check(zero_or_more());
  sub.add_option(
      "--mean", f.mean,
      "of a folder of images: 1 or 3 numbers, pixels scaled to 0..1 (default ImageNet's)");
  sub.add_option("--std", f.std, "of a folder of images: 1 or 3 numbers (default ImageNet's)");
  sub.add_flag("--bgr", f.bgr, "of a folder of images: blue first");
  sub.add_option("--labels", f.labels,
                 "of a folder of images: labels file (default: class sub-folders)");
  sub.add_option(
      "--profile", f.profile,
      "quick, standard or certify: numbers, and what they let you claim (default quick)");
  sub.add_option("--launches", f.launches, "launches (processes) of each build")
      ->check(above_zero());
  sub.add_option("--samples,--iterations", f.samples, "timed inferences of each launch")
      ->check(above_zero());
  sub.add_option("--warm-up,--warmUp", f.warmup_ms, "milliseconds of warm-up (default 200)")
      ->check(zero_or_more());
  sub.add_option("--limit", f.limit, "requirement P(X > LIMIT) < BELOW on every build, e.g. 20ms");
  sub.add_option("--below", f.below, "its rate, e.g. 1e-3");
  sub.add_option("--margin", f.margin,
                 "builds within this ratio of medians count as equal (default 1%)");
  sub.add_option("--margin-p99", f.tail_margin, "the same for tail quantiles (default 5%)");
  sub.add_option("--launch-timeout,--launchTimeout", f.launch_timeout_s,
                 "seconds a launch may take (default 900)")
      ->check(above_zero());
}

Result<audit::Request> request_from_flags(const PlanFlags& f) {
  audit::Request r;
  if (f.target.empty())
    return bad_input("no model is named",
                     "give an ONNX file, a plan file (.toml) or a name of `assay models`");
  const bool file = fs::path(f.target).extension() == ".toml";
  if (file) {
    if (!f.compilers.empty() || !f.precisions.empty() || !f.devices.empty() || !f.data.empty() ||
        !f.shapes.empty() || !f.sampling.empty() || !f.locks.empty() || !f.lock_proof.empty() ||
        !f.dvfs.empty() || !f.mean.empty() || !f.std.empty() || !f.labels.empty() || f.bgr ||
        f.resize >= 0) {
      return bad_input(
          "--compiler, --precision, --device, --lock, --dvfs, --data, --shapes and what describes "
          "a "
          "data set do not "
          "go with "
          "a plan file",
          "write them in its [[model]]");
    }
    ASSAY_TRY(r, audit::request_from_toml(f.target));
  } else {
    if (f.compilers.empty())
      return bad_input("no compiler is named",
                       "add --compiler NAME[,NAME]; `assay compilers` lists them");
    audit::Request::Model m;
    m.model = f.target;
    m.data = f.data;
    m.shapes = f.shapes;
    m.sampling = f.sampling;
    ASSAY_TRY(m.preprocess, preprocess_from_flags(f));
    m.compilers = split(f.compilers);
    m.precisions = split(f.precisions);
    m.devices = split(f.devices);
    m.locks = split(f.locks);
    m.lock_proof = f.lock_proof;
    m.dvfs = split(f.dvfs);
    r.models.push_back(std::move(m));
  }
  if (!f.profile.empty()) r.profile = f.profile;
  if (f.builds) r.builds = f.builds;
  if (f.launches) r.launches = f.launches;
  if (f.samples) r.samples = f.samples;
  if (f.inputs) {
    r.inputs = f.inputs;
    for (auto& m : r.models) m.inputs = f.inputs;
  }
  if (f.threads) r.threads = f.threads;
  if (f.warmup_ms >= 0) r.warmup_ms = f.warmup_ms;
  if (f.seed >= 0) r.seed = static_cast<uint64_t>(f.seed);
  if (f.build_timeout_s > 0) r.build_timeout_s = f.build_timeout_s;
  if (f.launch_timeout_s > 0) r.launch_timeout_s = f.launch_timeout_s;
  if (!f.memory_limit.empty()) {
    ASSAY_TRY(r.memory_limit_bytes, parse_bytes(f.memory_limit));
  }
  if (f.no_reference) r.reference = false;
  if (f.gpu_mhz > 0) r.gpu_mhz = f.gpu_mhz;
  if (f.limit.empty() != f.below.empty())
    return bad_input("--limit and --below go together", "write --limit 20ms --below 1e-3");
  if (!f.limit.empty()) {
    ASSAY_TRY(r.limit_ns, parse_duration(f.limit, "--limit"));
    ASSAY_TRY(r.limit_below, parse_share(f.below, "--below"));
  }
  if (!f.margin.empty()) {
    ASSAY_TRY(r.latency_margin, parse_share(f.margin, "--margin"));
  }
  if (!f.tail_margin.empty()) {
    ASSAY_TRY(r.tail_margin, parse_share(f.tail_margin, "--margin-p99"));
  }
  for (const std::string& o : f.options) {
    const size_t dot = o.find('.'), eq = o.find('=');
    if (dot == std::string::npos || eq == std::string::npos || dot > eq)
      return bad_input(fmt::format("--option {}: expected NAME.KEY=VALUE", one_line(o)));
    ASSAY_TRY(audit::Compiler c, audit::find_compiler(o.substr(0, dot)));
    ASSAY_TRY(Json value,
              audit::parse_option(c, o.substr(dot + 1, eq - dot - 1), o.substr(eq + 1)));
    if (!r.options[c.name].is_object()) r.options[c.name] = Json::object();
    r.options[c.name][o.substr(dot + 1, eq - dot - 1)] = value;
  }
  if (!f.trials.empty()) {
    bool used = false;
    for (const auto& m : r.models) {
      for (const std::string& name : m.compilers) {
        ASSAY_TRY(audit::Compiler c, audit::find_compiler(name));
        if (!c.search) continue;
        ASSAY_TRY(Json value, audit::parse_option(c, "trials", f.trials));
        if (!r.options[name].is_object()) r.options[name] = Json::object();
        r.options[name]["trials"] = value;
        used = true;
      }
    }
    if (!used)
      return bad_input("--trials is given, but no named compiler searches", "leave it out");
  }
  return r;
}

}  // namespace assay::cli
