// SPDX-License-Identifier: Apache-2.0
// For tests and the benchmark: engines made up layer by layer, and as folders.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "diff/engine_map.h"

namespace assay::diff {

inline std::string made_source(size_t layer, int variant, int lines = 60) {
  std::string out = fmt::format("define void @layer{}(ptr %in, ptr %out) {{\n", layer);
  for (int i = 0; i < lines; ++i)
    out += fmt::format("  %{} = fmul <8 x float> %{}, %w{}  ; tile {}\n", i + 1, i, layer,
                       variant > 0 && i % 17 == 5 ? 8 * variant : 4);
  return out + "  ret void\n}\n";
}

// A layer "conv<i>" from the nodes Conv_<i> and Relu_<i>.
inline Layer made_layer(size_t i, int variant = 0) {
  Layer l;
  l.name = fmt::format("conv{}", i);
  l.type = "Conv";
  l.kernel = fmt::format("conv_{}", i);
  l.source_text = made_source(i, variant);
  l.source_sha256 = sha256_hex(l.source_text);
  l.precision = "fp32";
  l.origin = {fmt::format("Conv_{}", i), fmt::format("Relu_{}", i)};
  l.inputs = {{fmt::format("t{}", i), "float32", "nchw", {1, 8, 16, 16}}};
  l.outputs = {{fmt::format("t{}", i + 1), "float32", "nchw", {1, 8, 16, 16}}};
  const double ns = 1000.0 * static_cast<double>(i % 7 + 1);
  l.time_ns = {ns, ns * 1.01, ns * 0.99};
  l.weight_bytes = 2304;
  return l;
}

inline EngineMap made_engine(std::string label, size_t layers) {
  EngineMap e;
  e.label = std::move(label);
  e.compiler = "made";
  e.version = "1.0";
  e.source = "engine folder";
  e.precision = "fp32";
  e.artifact_bytes = 100'000;
  e.tells_sources = true;
  for (size_t i = 0; i < layers; ++i) e.layers.push_back(made_layer(i));
  return e;
}

inline Decision made_decision(std::string task, std::string choice,
                              std::vector<std::pair<std::string, std::vector<double>>> timed) {
  Decision d;
  d.layer = std::move(task);
  d.choice = std::move(choice);
  for (auto& [text, ns] : timed) {
    Candidate c;
    c.text = text;
    c.ok = !ns.empty();
    c.error = c.ok ? "" : "did not compile";
    c.time_ns = std::move(ns);
    c.chosen = c.text == d.choice;
    d.candidates.push_back(std::move(c));
  }
  return d;
}

// The engine folder of docs/formats.md with what such a folder can tell of `e`.
inline Status write_made_folder(const EngineMap& e, const fs::path& folder) {
  ASSAY_CHECK(make_dirs(folder / "sources"));
  Json files = Json::array(), kernels = Json::array();
  const auto add = [&](const std::string& path, const char* role,
                       const std::string& text) -> Status {
    files.push_back(
        {{"path", path}, {"role", role}, {"bytes", text.size()}, {"sha256", sha256_hex(text)}});
    return write_file_atomic(folder / path, text);
  };
  ASSAY_CHECK(add("model.bin", "artifact", std::string(1000, 'w')));
  for (size_t i = 0; i < e.layers.size(); ++i) {
    const Layer& l = e.layers[i];
    const std::string source = l.source_text.empty() ? "" : fmt::format("sources/{:03}.ll", i);
    if (!source.empty()) {
      ASSAY_CHECK(add(source, "source", l.source_text));
    }
    kernels.push_back({{"ordinal", i},
                       {"layer", l.name},
                       {"kernel", l.kernel},
                       {"source_sha256", l.source_sha256},
                       {"precision", l.precision},
                       {"origin", fmt::format("{}", fmt::join(l.origin, ","))},
                       {"source", source}});
  }
  ASSAY_CHECK(add("kernels.json", "kernel_map",
                  dump_json(Json{{"format", 1}, {"kernels", std::move(kernels)}}, 1)));
  Json tensor = Json::array({Json{{"name", "x"}, {"dtype", "float32"}, {"shape", {1, 4}}}});
  Json manifest = {{"format", 1},          {"compiler", e.compiler},
                   {"version", e.version}, {"precision", e.precision},
                   {"threads", 1},         {"inputs", tensor},
                   {"outputs", tensor},    {"files", std::move(files)}};
  return write_file_atomic(folder / "manifest.json", dump_json(manifest, 1));
}

}  // namespace assay::diff
