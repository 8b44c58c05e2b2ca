// SPDX-License-Identifier: Apache-2.0
// What compilers and people hand to an audit: events, manifest and kernel map of an engine, plan
// files.
#include <fstream>

#include "audit/job.h"
#include "audit/lock/lock.h"
#include "audit/lock/remeasure.h"
#include "audit/plan.h"
#include "audit/toml.h"
#include "base/text.h"
#include "model/fuzz_driver.h"

namespace {

using namespace assay;

const fs::path& work() {
  static const TempDir dir =
      std::move(TempDir::create(fs::temp_directory_path(), "assay-audit-fuzz-").value());
  return dir.path();
}

void write(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

void check(const Error& e) {
  if (e.message.empty() || e.code != ExitCode::usage) std::abort();
}

const std::string kKernels =
    R"({"format":1,"kernels":[{"ordinal":0,"layer":"a","kernel":"k","source_sha256":""}]})";

std::string manifest() {
  return dump_json(
      {{"format", 1},
       {"version", "1"},
       {"inputs", Json::array({{{"name", "x"}, {"dtype", "float32"}, {"shape", {1, 4}}}})},
       {"outputs", Json::array({{{"name", "y"}, {"dtype", "float32"}, {"shape", {1, 5}}}})},
       {"files",
        Json::array(
            {{{"path", "e"}, {"role", "artifact"}, {"bytes", 1}, {"sha256", sha256_hex("e")}},
             {{"path", "kernels.json"},
              {"role", "kernel_map"},
              {"bytes", kKernels.size()},
              {"sha256", sha256_hex(kKernels)}}})}});
}

void open(std::string_view manifest_text, std::string_view kernels) {
  const fs::path folder = work() / "engine";
  fs::create_directories(folder);
  write(folder / "e", "e");
  write(folder / "kernels.json", kernels);
  write(folder / "manifest.json", manifest_text);
  auto e = audit::open_engine(folder, {{"x", DType::f32, {1, 4}}});
  if (!e) return check(e.error());
  if (e->files.empty() || e->engine_sha256.size() != 64) std::abort();
  if (!audit::same_kernels(e->kernels, e->kernels)) std::abort();
}

audit::Lock made_lock() {
  audit::Lock l;
  const audit::LockBlob blob{"f", "r", sha256_hex("f"), 1};
  l.compiler = "null";
  l.precision = "fp32";
  l.contract = {{"cpu.model", "A"}};
  l.files = {{"{venv}/a.so", "mapped", "build", sha256_hex("a")}};
  l.model = l.engine = l.inputs = l.decisions = {blob};
  l.kernels = {{0, "conv", "k", "", "fp32", ""}};
  l.kernel_map_sha256 = audit::kernel_map_sha256(l.kernels);
  l.outputs = {{{"y", DType::f32, {1, 5}}, sha256_hex("o"), 3}};
  return l;
}

// A lock whose self-hash was made right again.
void read_lock(std::string_view text) {
  auto j = parse_json(text, "lock.json");
  if (!j) return;
  audit::recorded_from_json(*j);
  auto lock = audit::lock_from_json(*j);
  if (!lock) return check(lock.error());
  auto again = audit::lock_from_json(audit::to_json(*lock));
  if (!again || dump_json(audit::to_json(*again)) != dump_json(audit::to_json(*lock))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  audit::EventLog log;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    log.add(text.substr(at, end - at));
    at = end + 1;
  }
  const audit::JobOutcome outcome = audit::judge(worker::ChildResult(), log);
  if (outcome.outcome.empty() || outcome.reason.find('\n') != std::string::npos) std::abort();
  for (const Json& e : log.events) audit::kernel_from_json(e);
  open(text, kKernels);
  open(manifest(), text);
  read_lock(text);
  write(work() / "plan.toml", text);
  auto request = audit::request_from_toml(work() / "plan.toml");
  if (!request) {
    check(request.error());
  } else if (auto plan = audit::make_plan(*request); plan) {
    if (dump_json(audit::to_json(*plan)).empty()) std::abort();
  } else if (plan.error().message.empty() || plan.error().code == ExitCode::internal) {
    std::abort();
  }
  return 0;
}

#ifndef ASSAY_LIBFUZZER
int main(int argc, char** argv) {
  write(work() / "m.onnx", "x");
  return assay::fuzz(
      argc, argv,
      {"{\"event\":\"done\"}\n{\"event\":\"error\",\"kind\":\"failed\",\"message\":\"m\"}\nx",
       manifest(), kKernels, dump_json(audit::to_json(made_lock())),
       "[audit]\nprofile='quick'\nbuilds=3\nseed=1\nreference=false\n[[model]]\nmodel='m.onnx'\n"
       "compilers=['null']\nshapes='x:1x4'\n[compiler.null]\nbase_ns=5\nclock=\"real\"\n"});
}
#endif
