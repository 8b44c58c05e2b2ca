// SPDX-License-Identifier: Apache-2.0
#include "diff/read/read.h"

#include <new>

#include "base/text.h"
#include "diff/read/items.h"

namespace assay::diff {
namespace {

struct Named {
  Format format;
  std::string_view name;
};
constexpr Named kFormats[] = {
    {Format::automatic, "auto"},
    {Format::engine, "engine"},
    {Format::trt_layers, "trt-layers"},
    {Format::trt_profile, "trt-profile"},
    {Format::autotvm, "autotvm"},
    {Format::autoscheduler, "autoscheduler"},
    {Format::metaschedule, "metaschedule"},
    {Format::openvino_graph, "openvino-graph"},
    {Format::ort_profile, "ort-profile"},
};
constexpr const char* kRecords = "database_tuning_record.json";
constexpr const char* kWorkloads = "database_workload.json";

Result<EngineMap> dispatch(std::string_view text, std::string_view where, Format format,
                           std::optional<std::string_view> workloads) {
  if (static_cast<int64_t>(text.size()) > kMostBytes)
    return bad_input(
        fmt::format("{}: {} bytes, expected at most {}", where, text.size(), kMostBytes),
        "export a smaller part of the engine");
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return bad_input(fmt::format("{}: is UTF-16 text, expected UTF-8", where),
                     "save it as UTF-8 text");
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (format == Format::automatic) {
    ASSAY_TRY(format, detect_format(text, where));
  }
  switch (format) {
    case Format::trt_layers:
      return parse_trt_layers(text, where);
    case Format::trt_profile:
      return parse_trt_profile(text, where);
    case Format::autotvm:
    case Format::autoscheduler:
      return parse_tvm_log(text, where);
    case Format::metaschedule:
      return parse_metaschedule(text, workloads, where);
    case Format::openvino_graph:
      return parse_openvino_graph(text, where);
    case Format::ort_profile:
      return parse_ort_profile(text, where);
    default:
      return bad_input(fmt::format("{}: a file, expected the folder of an engine", where),
                       "name the folder that holds manifest.json");
  }
}

// `read` with the label, and without exceptions: memory may end.
template <class Read>
Result<EngineMap> guarded(std::string_view where, std::string label, const Read& read) {
  try {
    Result<EngineMap> engine = read();
    if (engine) engine->label = std::move(label);
    return engine;
  } catch (const std::bad_alloc&) {
    return bad_input(fmt::format("{}: needs more memory than there is", where),
                     "export a smaller part of the engine");
  } catch (const std::exception& e) {
    return internal_error(fmt::format("{}: {}", where, one_line(e.what())));
  }
}

Result<EngineMap> read_database(const fs::path& records, const std::string& where) {
  ASSAY_TRY(const std::string text, read_file(records, kMostBytes));
  const fs::path beside = records.parent_path() / kWorkloads;
  std::error_code ec;
  std::optional<std::string> workloads;
  if (fs::exists(beside, ec)) {
    ASSAY_TRY(workloads, read_file(beside, kMostBytes));
  }
  return dispatch(text, where, Format::metaschedule,
                  workloads ? std::optional<std::string_view>(*workloads) : std::nullopt);
}

Result<EngineMap> read_folder(const fs::path& folder, const std::string& where, Format format) {
  std::error_code ec;
  const bool engine = fs::exists(folder / "manifest.json", ec);
  const bool database = fs::exists(folder / kRecords, ec);
  if (format == Format::engine || (format == Format::automatic && engine))
    return parse_engine_folder(
        [&](std::string_view relative, int64_t most) -> Result<std::string> {
          const auto path = path_inside(folder, relative);
          if (!path)
            return bad_input(fmt::format("{}: {}", where, path.error().message),
                             "build the engine again; its folder was changed");
          auto text = read_file(*path, most);
          if (!text)
            return bad_input(fmt::format("{}: {}", where, text.error().message),
                             "name a whole engine folder");
          return text;
        },
        where);
  if (format == Format::metaschedule || (format == Format::automatic && database))
    return read_database(folder / kRecords, where);
  return bad_input(fmt::format("{}: a folder with neither manifest.json nor {}", where, kRecords),
                   "name an engine folder, a database of MetaSchedule, or a file");
}

}  // namespace

std::string_view format_name(Format f) {
  for (const Named& n : kFormats)
    if (n.format == f) return n.name;
  return "unknown";
}

std::optional<Format> parse_format(std::string_view name) {
  for (const Named& n : kFormats)
    if (n.name == name) return n.format;
  return std::nullopt;
}

std::string format_names() {
  std::string out;
  for (const Named& n : kFormats) out += (out.empty() ? "" : ", ") + std::string(n.name);
  return out;
}

Result<EngineMap> parse_engine(std::string_view text, std::string_view where, Format format) {
  return guarded(where, one_line(fs::path(where).stem().string(), 80),
                 [&] { return dispatch(text, where, format, std::nullopt); });
}

Result<EngineMap> read_engine(const fs::path& path, std::string_view format) {
  const auto named = parse_format(format);
  const std::string where = one_line(path.string(), 1000);
  if (!named)
    return bad_input(fmt::format("{}: the format '{}' is not known", where, one_line(format, 40)),
                     "one of " + format_names());
  std::error_code ec;
  const auto status = fs::status(path, ec);
  if (ec || !fs::exists(status))
    return bad_input(fmt::format("{}: there is no such file or folder", where), "check the path");
  if (fs::is_directory(status)) {
    const fs::path name = fs::path(path / "").lexically_normal().parent_path().filename();
    return guarded(where, one_line(name.string(), 80),
                   [&] { return read_folder(path, where, *named); });
  }
  if (!fs::is_regular_file(status))
    return bad_input(fmt::format("{}: neither a regular file nor a folder", where),
                     "write it to a file first");
  return guarded(where, one_line(path.stem().string(), 80), [&]() -> Result<EngineMap> {
    const auto size = fs::file_size(path, ec);
    if (!ec && size > static_cast<uintmax_t>(kMostBytes))
      return bad_input(fmt::format("{}: {} bytes, expected at most {}", where, size, kMostBytes),
                       "export a smaller part of the engine");
    if (path.filename() == kRecords &&
        (*named == Format::automatic || *named == Format::metaschedule))
      return read_database(path, where);
    ASSAY_TRY(const MappedFile file, MappedFile::open(path));
    const auto bytes = file.bytes();
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return dispatch(text, where, *named, std::nullopt);
  });
}

}  // namespace assay::diff
