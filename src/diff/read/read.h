// SPDX-License-Identifier: Apache-2.0
// Files that people already have, read into EngineMap without building anything. Every input is
// untrusted: no text ends the process, and every error says what, where (file, element or line),
// what was expected and what to do. Nothing is guessed: a layer, time or choice that a file does
// not tell stays empty, and a note says so.
//
// What is read, each as the tool itself writes it:
//   engine         the engine folder of assay (docs/formats.md): kernel map, sources, decisions
//   from
//                  the tuning logs that the manifest names. Hashes of all that is read are checked.
//   trt-layers     trtexec --exportLayerInfo, or the JSON of TensorRT's engine inspector: "Layers"
//                  with "Bindings" (8.x, 10.x) or "I/O Tensors" (11.x), objects or bare names.
//                  Kernel: TacticName and TacticValue. Origin: "[ONNX Layer: x]" of "Metadata".
//                  Precision: type of the weights, else of the first input, else of the output.
//                  "_myl<N>_<M>" at the end of names counts within one build and is taken off.
//   trt-profile    trtexec --exportProfile: layers with their median (else mean) time and share.
//   autotvm        tuning log of AutoTVM 0.2: one JSON object a line. Decisions, no layers.
//   autoscheduler  tuning log of TVM's AutoScheduler: the same. Of both the candidate with the
//                  lowest mean is chosen, the first of equals, as TVM itself does.
//   metaschedule   database_tuning_record.json of MetaSchedule, database_workload.json beside it,
//                  or their folder. Decisions, no layers.
//   openvino-graph execution graph of OpenVINO as XML: serialised runtime model. Times are whole
//   us. ort-profile    profile of ONNX Runtime (SessionOptions enable_profiling): one time a run
//   and
//                  node, whole us.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/result.h"
#include "diff/engine_map.h"

namespace assay::diff {

enum class Format {
  automatic,
  engine,
  trt_layers,
  trt_profile,
  autotvm,
  autoscheduler,
  metaschedule,
  openvino_graph,
  ort_profile
};

std::string_view format_name(Format f);  // "auto", "engine", "trt-layers", ... as above
std::optional<Format> parse_format(std::string_view name);
std::string format_names();  // "auto, engine, ..." for errors and help

// Larger inputs are usage errors that say so. JSON may be nested 64 deep, and an
// object may have 512 members.
inline constexpr int64_t kMostBytes = int64_t{1} << 30;     // of one JSON file
inline constexpr int64_t kMostXmlBytes = int64_t{1} << 28;  // XML is held as a tree
inline constexpr int64_t kMostSourceBytes = 16 << 20;       // of one kernel source
inline constexpr int64_t kMostSourcesBytes = 256 << 20;     // of all sources of an engine
inline constexpr size_t kMostLayers = 1 << 20;
inline constexpr size_t kMostTensors = 1 << 14;     // inputs, or outputs, of a layer
inline constexpr size_t kMostRank = 64;             // extents of a tensor
inline constexpr size_t kMostTasks = 1 << 14;       // of one file
inline constexpr size_t kMostCandidates = 1 << 22;  // of one file
inline constexpr size_t kMostTimes = 1 << 26;       // of one file

// Reads a file or folder. `format`: a name of format_name(); "auto" tells the formats apart by
// content. The label of the result is the file's stem, or the folder's name.
Result<EngineMap> read_engine(const fs::path& path, std::string_view format = "auto");

// The same for a text at hand, of every format but `engine`; `where` names it in errors and gives
// the label.
Result<EngineMap> parse_engine(std::string_view text, std::string_view where,
                               Format format = Format::automatic);
// What `text` is, told by its first bytes and keys; never `automatic` or `engine`.
Result<Format> detect_format(std::string_view text, std::string_view where);

Result<EngineMap> parse_trt_layers(std::string_view text, std::string_view where);
Result<EngineMap> parse_trt_profile(std::string_view text, std::string_view where);
Result<EngineMap> parse_tvm_log(std::string_view text, std::string_view where);  // either tuner
// `workloads`: text of database_workload.json, or none.
Result<EngineMap> parse_metaschedule(std::string_view records,
                                     std::optional<std::string_view> workloads,
                                     std::string_view where);
Result<EngineMap> parse_openvino_graph(std::string_view text, std::string_view where);
Result<EngineMap> parse_ort_profile(std::string_view text, std::string_view where);

// Gives the content of a file of the engine folder, at most `max_bytes` of it.
using EngineFileReader =
    std::function<Result<std::string>(std::string_view relative, int64_t max_bytes)>;
// An engine folder whose files `file` reads ("manifest.json" first).
Result<EngineMap> parse_engine_folder(const EngineFileReader& file, std::string_view where);

// Adds times and shares of `profile` (a trt-profile, or any map with times) to the layers of
// `engine` with the same name; of several with one name the first to the first, and so on. Layers
// that have no partner, on either side, are told in a note.
void add_profile(EngineMap& engine, const EngineMap& profile);

}  // namespace assay::diff
