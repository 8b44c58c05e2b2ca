// SPDX-License-Identifier: Apache-2.0
#include "model/onnx_model.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "model/parse.h"
#include "model/shapes.h"
#include "model/walk.h"

namespace assay::model {

Result<ModelInfo> inspect_bytes(std::span<const std::byte> content, const fs::path& folder,
                                const Shapes& shapes, std::string_view where) {
  try {
    if (content.empty())
      return bad_input(fmt::format("{}: the file is empty", where),
                       "export or copy the model again");
    if (content.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
      return bad_input(fmt::format("{}: {} is more than the 2 GiB an ONNX file can hold", where,
                                   format_bytes(static_cast<int64_t>(content.size()))),
                       "save the weights as external data");
    }
    const google::protobuf::LogSilencer silence;
    onnx::ModelProto model;
    google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(content.data()),
                                                  static_cast<int>(content.size()));
    stream.SetTotalBytesLimit(std::numeric_limits<int>::max());
    stream.SetRecursionLimit(128);
    if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
      return bad_input(
          fmt::format("{}: not an ONNX model, or cut off ({} bytes)", where, content.size()),
          "check that the whole file was copied; export the model again");
    }
    if (!model.has_graph() || model.ir_version() <= 0) {
      return bad_input(fmt::format("{}: no graph in it: not an ONNX model", where),
                       "export the model again");
    }
    if (model.ir_version() >= 3 &&
        model.opset_import_size() == 0) {  // the field behind the graph: cut off there
      return bad_input(fmt::format("{}: no opset is named: not an ONNX model, or cut off", where),
                       "check that the whole file was copied; export the model again");
    }
    ModelInfo info;
    info.ir_version = model.ir_version();
    info.bytes = static_cast<int64_t>(content.size());
    ASSAY_CHECK(walk_model(model, folder, where, info));
    if (model.graph().node_size() == 0) {
      return bad_input(fmt::format("{}: the graph has no nodes", where), "export the model again");
    }
    ASSAY_CHECK(resolve_shapes(model, shapes, where, info));
    if (info.opset <= known_opset()) {
      info.cost = count_cost(model);
    } else {
      info.cost.why = fmt::format("opset {} is newer than the shapes known here", info.opset);
    }
    return info;
  } catch (
      const std::exception& e) {  // out of memory on a hostile file; the libraries' own exceptions
    return bad_input(fmt::format("{}: cannot be read: {}", where, one_line(e.what(), 200)),
                     "export the model again");
  }
}

Result<ModelInfo> inspect(const fs::path& path, const Shapes& shapes) {
  std::error_code error;
  const fs::path canonical = fs::canonical(path, error);
  if (error || !fs::is_regular_file(canonical, error)) {
    return bad_input(fmt::format("{}: no such model file", one_line(path.string())),
                     "check the path of the .onnx file");
  }
  const std::string where = one_line(path.filename().string(), 120);
  ASSAY_TRY(MappedFile file, MappedFile::open(canonical));
  ASSAY_TRY(ModelInfo info, inspect_bytes(file.bytes(), canonical.parent_path(), shapes, where));
  info.path = canonical;
  info.name =
      canonical.extension() == ".onnx" ? canonical.stem().string() : canonical.filename().string();
  info.sha256 =
      sha256_hex({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
  std::sort(info.external_files.begin(), info.external_files.end());
  if (!info.external_files.empty()) {
    std::string names = info.sha256 + "\n";
    for (const auto& external : info.external_files) {
      ASSAY_TRY(const std::string hash, sha256_file(external));
      names +=
          hash + " " + external.lexically_relative(canonical.parent_path()).generic_string() + "\n";
    }
    info.sha256 = sha256_hex(names);
  }
  return info;
}

Json to_json(const ModelInfo& info) {
  Json j = {{"name", info.name},
            {"path", info.path.string()},
            {"sha256", info.sha256},
            {"bytes", info.bytes},
            {"opset", info.opset},
            {"ir_version", info.ir_version},
            {"nodes", info.nodes},
            {"parameters", info.parameters},
            {"operators", Json::object()},
            {"inputs", Json::array()},
            {"outputs", Json::array()},
            {"dynamic_batch", info.dynamic_batch},
            {"external_files", Json::array()},
            {"cost", to_json(info.cost)}};
  for (const auto& [name, count] : info.operators) j["operators"][name] = count;
  for (const auto& spec : info.inputs) j["inputs"].push_back(to_json(spec));
  for (size_t i = 0; i < info.outputs.size(); ++i) {
    Json output = to_json(info.outputs[i]);
    output["shape_known"] = static_cast<bool>(info.output_shape_known[i]);
    j["outputs"].push_back(std::move(output));
  }
  for (const auto& file : info.external_files)
    j["external_files"].push_back(file.filename().string());
  return j;
}

}  // namespace assay::model
