// SPDX-License-Identifier: Apache-2.0
#include "series/series.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/text.h"
#include "series/collect.h"

namespace assay::series {
namespace {

struct Named {
  Format format;
  std::string_view name;
};
constexpr Named kFormats[] = {
    {Format::automatic, "auto"},    {Format::csv, "csv"},
    {Format::trtexec, "trtexec"},   {Format::google_benchmark, "google-benchmark"},
    {Format::ort_perf, "ort-perf"}, {Format::hyperfine, "hyperfine"},
    {Format::int64, "int64"},       {Format::bench, "bench"},
};

Result<std::vector<Series>> parse_int64(std::string_view bytes, std::string_view where,
                                        const ReadOptions& options) {
  if (!options.column.empty())
    return bad_input(fmt::format("{}: an int64 file has one column, but {} says {}", where,
                                 kColumnFlag, one_line(options.column, 60)),
                     fmt::format("leave out {}", kColumnFlag));
  if (bytes.size() % 8 != 0)
    return bad_input(
        fmt::format("{}: {} bytes, expected whole 64-bit values ({} too many): truncated?", where,
                    bytes.size(), bytes.size() % 8),
        "write the file again");
  Collector c(Format::int64, stem_of(where), options);
  const Unit unit = options.unit.empty() ? Unit{"ns", 0} : *parse_unit(options.unit);
  c.reserve(std::min(bytes.size() / 8, static_cast<size_t>(options.max_samples)));
  for (size_t at = 0; at < bytes.size(); at += 8) {
    uint64_t v = 0;
    for (size_t b = 0; b < 8; ++b)
      v |= uint64_t{static_cast<unsigned char>(bytes[at + b])} << (8 * b);
    const bool negative = v >> 63;
    const Refusal r = c.add(decimal_of(negative ? 0 - v : v, negative), unit);
    if (r != Refusal::none)
      return refused(r, where, fmt::format("element {} (byte {})", at / 8, at),
                     std::to_string(static_cast<int64_t>(v)), options);
  }
  std::vector<Collector> all;
  all.push_back(std::move(c));
  return finish_all(std::move(all), where, {});
}

tl::unexpected<Error> no_text(std::string_view where, std::string_view what) {
  return bad_input(
      fmt::format("{}: {}, expected CSV or JSON text", where, what),
      fmt::format("save it as UTF-8 text, or say {} int64 for raw 64-bit values", kFormatFlag));
}

Result<std::vector<Series>> dispatch(std::string_view bytes, std::string_view where,
                                     const ReadOptions& options) {
  if (!options.unit.empty() && !parse_unit(options.unit))
    return bad_input(
        fmt::format("{}: {} '{}' is no unit of time", where, kUnitFlag, one_line(options.unit, 60)),
        fmt::format("{} ns, us, ms or s", kUnitFlag));
  if (static_cast<int64_t>(bytes.size()) > options.max_bytes)
    return bad_input(
        fmt::format("{}: {} bytes, expected at most {}", where, bytes.size(), options.max_bytes),
        "split the file, or raise the limit");
  if (bytes.empty())
    return bad_input(fmt::format("{}: is empty, expected a list of latencies", where),
                     "check that the tool that wrote it ended well");
  if (options.format == Format::int64) return parse_int64(bytes, where, options);
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF"))
    return no_text(where, "is UTF-16 text");
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  const std::string_view head = bytes.substr(0, 4096);
  if (head.find('\0') != std::string_view::npos) return no_text(where, "looks like a binary file");
  Format format = options.format;
  if (format == Format::automatic) {
    const size_t first = bytes.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos)
      return bad_input(fmt::format("{}: holds only blanks, expected a list of latencies", where),
                       "check that the tool that wrote it ended well");
    if (bytes[first] == '[' || bytes[first] == '{') {
      ASSAY_TRY(format, json_layout(bytes, where));
    } else {
      format = looks_like_ort_perf(bytes) ? Format::ort_perf : Format::csv;
    }
  }
  switch (format) {
    case Format::trtexec:
      return parse_times_json(bytes, where, options);
    case Format::google_benchmark:
      return parse_google_benchmark(bytes, where, options);
    case Format::ort_perf:
      return parse_ort_perf(bytes, where, options);
    case Format::hyperfine:
      return parse_hyperfine(bytes, where, options);
    case Format::bench:
      return parse_bench_json(bytes, where, options);
    default:
      return parse_csv(bytes, where, options);
  }
}

}  // namespace

std::string_view format_name(Format f) {
  for (const auto& n : kFormats)
    if (n.format == f) return n.name;
  return "unknown";
}

std::optional<Format> parse_format(std::string_view name) {
  for (const auto& n : kFormats)
    if (n.name == name) return n.format;
  return std::nullopt;
}

Result<std::vector<Series>> parse_series(std::string_view bytes, std::string_view where,
                                         const ReadOptions& options) {
  try {
    return dispatch(bytes, where, options);
  } catch (const std::bad_alloc&) {
    return bad_input(
        fmt::format("{}: needs more memory than there is ({} bytes of text)", where, bytes.size()),
        "split the file, or store it as int64");
  } catch (const std::exception& e) {
    return internal_error(fmt::format("{}: {}", where, one_line(e.what())));
  }
}

Result<std::vector<Series>> read_series(const fs::path& path, const ReadOptions& options) {
  std::error_code ec;
  const auto status = fs::status(path, ec);
  if (!ec && fs::exists(status) && !fs::is_regular_file(status))
    return bad_input(fmt::format("{}: not a regular file", path.string()),
                     "a pipe or folder cannot be mapped: write the list to a file");
  // Asked before mapping: a wrong path may name a disk image.
  const auto size = fs::file_size(path, ec);
  if (!ec && size > static_cast<uintmax_t>(std::max<int64_t>(0, options.max_bytes)))
    return bad_input(
        fmt::format("{}: {} bytes, expected at most {}", path.string(), size, options.max_bytes),
        "split the file, or raise the limit");
  ASSAY_TRY(const MappedFile file, MappedFile::open(path));
  ReadOptions o = options;
  const std::string extension = path.extension().string();
  if (o.format == Format::automatic && (extension == ".i64" || extension == ".int64"))
    o.format = Format::int64;
  const auto bytes = file.bytes();
  return parse_series({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string(),
                      o);
}

}  // namespace assay::series
