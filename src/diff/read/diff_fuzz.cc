// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdlib>

#include "diff/read/made_files.h"
#include "diff/read/read.h"
#include "model/fuzz_driver.h"

namespace {

using namespace assay::diff;

// What holds of any result; anything else is a defect.
void check(const assay::Result<EngineMap>& result, std::string_view text) {
  if (!result) {
    const auto& e = result.error();
    if (e.code != assay::ExitCode::usage || !e.message.starts_with("fuzz.x: ") || e.fix.empty() ||
        e.message.find('\n') != std::string::npos || e.message.size() > 4000)
      std::abort();
    return;
  }
  if (result->layers.empty() && result->decisions.empty()) std::abort();
  for (const Layer& l : result->layers) {
    if (l.name.empty() || l.inputs.size() > kMostTensors) std::abort();
    if (l.share && !(*l.share >= 0 && *l.share <= 1)) std::abort();
    for (double t : l.time_ns)
      if (!(t >= 0) || !std::isfinite(t)) std::abort();
  }
  for (const Decision& d : result->decisions) {
    size_t chosen = 0;
    for (const Candidate& c : d.candidates) {
      chosen += c.chosen;
      if (c.ok == c.time_ns.empty() || (c.chosen && c.text != d.choice)) std::abort();
      for (double t : c.time_ns)
        if (!(t >= 0) || !std::isfinite(t)) std::abort();
    }
    if (chosen > 1 || d.candidates.empty()) std::abort();
  }
  for (const std::string& n : result->notes)
    if (n.find('\n') != std::string::npos || n.size() > text.size() + 4000) std::abort();
}

// The text as each file of an engine folder, its hash as the manifest states it.
void check_folder(std::string_view text) {
  const auto read = [&](const std::map<std::string, std::string>& files) {
    const auto r = parse_engine_folder(
        [&](std::string_view name, int64_t most) -> assay::Result<std::string> {
          const auto found = files.find(std::string(name));
          if (found == files.end() || static_cast<int64_t>(found->second.size()) > most)
            return assay::bad_input("fuzz.x: no such file", "none");
          return found->second;
        },
        "fuzz.x");
    if (!r && (r.error().code != assay::ExitCode::usage ||
               r.error().message.find('\n') != std::string::npos || r.error().fix.empty()))
      std::abort();
  };
  made::EngineFiles e = made::engine_files(std::string(text));
  read(e.all());
  e.manifest["rebuild"]["choices"] =
      assay::Json::array({{{"layer", std::string(text.substr(0, 20))}, {"number", 1}}});
  auto files = e.all();
  read(files);
  files["manifest.json"] = text;
  read(files);
  made::EngineFiles k;
  k.add("kernels.json", "kernel_map", std::string(text));
  read(k.all());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (int f = 0; f <= static_cast<int>(Format::ort_profile); ++f)
    check(parse_engine(text, "fuzz.x", static_cast<Format>(f)), text);
  check(parse_metaschedule(text, made::kWorkloads, "fuzz.x"), text);
  check(parse_metaschedule(made::kRecords, text, "fuzz.x"), text);
  check_folder(text);
  auto engine = parse_engine(made::kTrtLayers, "fuzz.x");
  if (const auto profile = parse_engine(text, "fuzz.x"); profile && engine)
    add_profile(*engine, *profile);
  return 0;
}

#ifndef ASSAY_LIBFUZZER
int main(int argc, char** argv) {
  namespace made = assay::diff::made;
  const made::EngineFiles engine = made::engine_files();
  return assay::fuzz(
      argc, argv,
      {made::kTrtLayers, made::kTrtLayers11, made::kTrtNames, made::kTrtProfile, made::kAutoTvm,
       made::kAutoScheduler, made::kRecords, made::kWorkloads, made::kOpenVino, made::kOrtProfile,
       engine.all().at("manifest.json"), engine.files.at("kernels.json")});
}
#endif
