// SPDX-License-Identifier: Apache-2.0
#include "engine_files.h"

#include <dlfcn.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "engine.h"

namespace assay::openvino {
namespace {

using Json = nlohmann::json;
constexpr std::streamoff kMaxJsonBytes = 64 << 20;

[[noreturn]] void invalid(const std::string& text) { throw Failure(ASSAY_INVALID, text); }

Json read_json(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in || !std::filesystem::is_regular_file(path)) {
    invalid(path.string() +
            ": no such file: expected an engine folder made by the openvino builder");
  }
  if (in.tellg() > kMaxJsonBytes) invalid(path.string() + ": larger than 64 MiB");
  in.seekg(0);
  Json json = Json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) invalid(path.string() + ": not a JSON object");
  if (!json.contains("format") || json["format"] != 1) {
    invalid(path.string() + ": format is not 1: built by another version, build the engine again");
  }
  return json;
}

// The value as the worker spells it in an option.
std::string option_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::vector<std::string> tensor_names(const Json& manifest, const char* key) {
  std::vector<std::string> names;
  const Json tensors = manifest.value(key, Json());
  if (!tensors.is_array()) invalid(std::string("manifest.json: `") + key + "` is not a list");
  for (const Json& tensor : tensors) {
    const Json name = tensor.is_object() ? tensor.value("name", Json()) : Json();
    if (!name.is_string()) invalid(std::string("manifest.json: `") + key + "` without a name");
    names.push_back(name.get<std::string>());
  }
  return names;
}

}  // namespace

Manifest read_manifest(const assay_engine_options& options) {
  const auto path = std::filesystem::path(options.engine_dir) / "manifest.json";
  const Json json = read_json(path);
  if (json.value("compiler", Json()) != "openvino") {
    invalid(path.string() + ": an engine of another compiler than openvino");
  }
  Manifest manifest;
  const Json precision = json.value("precision", Json());
  if (precision != "fp32" && precision != "fp16" && precision != "bf16") {
    invalid(path.string() + ": precision " + precision.dump() + ", expected fp32, fp16 or bf16");
  }
  manifest.precision = precision.get<std::string>();
  if (manifest.precision != options.precision) {
    invalid(path.string() + ": built for precision " + manifest.precision + ", opened for " +
            options.precision);
  }
  if (json.value("threads", Json()) != options.threads) {
    invalid(path.string() + ": built for " + json.value("threads", Json()).dump() +
            " threads, opened for " + std::to_string(options.threads));
  }
  const Json built = json.value("options", Json::object());
  for (int i = 0; i < options.n_options; ++i) {
    const std::string key = options.options[i].key;
    if (key != "execution_mode" && key != "keep_model") {
      invalid("option " + key + ": openvino has execution_mode and keep_model");
    }
    if (built.contains(key) && option_text(built[key]) != options.options[i].value) {
      invalid(path.string() + ": built with " + key + "=" + option_text(built[key]) +
              ", opened with " + options.options[i].value);
    }
  }
  manifest.execution_mode = option_text(built.value("execution_mode", Json("performance")));
  if (manifest.execution_mode != "performance" && manifest.execution_mode != "accuracy") {
    invalid(path.string() + ": execution_mode " + manifest.execution_mode);
  }
  manifest.inputs = tensor_names(json, "inputs");
  manifest.outputs = tensor_names(json, "outputs");
  return manifest;
}

std::set<std::string, std::less<>> read_own_names(const std::filesystem::path& engine_dir) {
  const auto path = engine_dir / "names.json";
  const Json json = read_json(path);
  std::set<std::string, std::less<>> own;
  const Json names = json.value("own", Json());
  if (!names.is_array()) invalid(path.string() + ": `own` is not a list");
  for (const Json& name : names) {
    if (!name.is_string()) invalid(path.string() + ": `own` holds something that is not a text");
    own.insert(name.get<std::string>());
  }
  return own;
}

void check_library(const char* library) {
  if (library == nullptr || *library == '\0') return;
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&ov::get_openvino_version), &info) == 0) {
    throw Failure(ASSAY_FAILED, "cannot tell which libopenvino is loaded");
  }
  std::error_code error;
  if (!std::filesystem::equivalent(info.dli_fname, library, error)) {
    throw Failure(ASSAY_MISSING,
                  std::string("loaded ") + info.dli_fname + ", but the recipe names " + library +
                      (error ? " (" + error.message() + ")" : "") +
                      ": configure again with -D ASSAY_OPENVINO_CMAKE_DIR and rebuild");
  }
}

}  // namespace assay::openvino
