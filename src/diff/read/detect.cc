// SPDX-License-Identifier: Apache-2.0
// Which tool wrote a text: told by the keys of its outermost array or object, of which no more is
// parsed than it takes.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "diff/read/items.h"
#include "diff/read/read.h"

namespace assay::diff {
namespace {

constexpr size_t kMostKeys = 64;  // of one object, before it is taken for something else

struct Known {
  std::string_view key;
  bool in_array;  // a key of the first object in the outermost array, else of the outermost object
  Format format;
};
constexpr Known kKnown[] = {
    {"Layers", false, Format::trt_layers},   {"I/O Tensors", false, Format::trt_layers},
    {"Bindings", false, Format::trt_layers}, {"input", false, Format::autotvm},
    {"i", false, Format::autoscheduler},     {"count", true, Format::trt_profile},
    {"timeMs", true, Format::trt_profile},   {"averageMs", true, Format::trt_profile},
    {"cat", true, Format::ort_profile},      {"ph", true, Format::ort_profile},
};
// What is not read alone, and what to name instead.
struct Part {
  std::string_view key, what, fix;
};
constexpr Part kParts[] = {
    {"model_sha256", "the manifest of an engine", "name the folder that holds it"},
    {"kernels", "the kernel map of an engine", "name the folder that holds it"},
};

class Head : public Json::json_sax_t {
 public:
  std::optional<Format> format;
  const Part* part = nullptr;
  bool workloads = false;
  std::optional<size_t> bad_byte;
  std::string first_keys;

 private:
  bool value(char kind) {
    // [0, [[... of a record, ["hash", "module"] of a workload.
    if (depth_ == 1 && array_) {
      if (kind == 'i') format = Format::metaschedule;
      workloads = kind == 's';
      return false;
    }
    return depth_ > 0;
  }
  bool null() override { return value('n'); }
  bool boolean(bool) override { return value('b'); }
  bool number_integer(number_integer_t) override { return value('i'); }
  bool number_unsigned(number_unsigned_t) override { return value('i'); }
  bool number_float(number_float_t, const string_t&) override { return value('f'); }
  bool string(string_t&) override { return value('s'); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override {
    if (depth_ == 0) array_ = false;
    return ++depth_ < 64;
  }
  bool start_array(size_t) override {
    if (depth_ == 0)
      array_ = true;
    else if (depth_ == 1 && array_)
      return false;  // arrays of arrays are not known
    return ++depth_ < 64;
  }
  bool end_object() override { return --depth_ > (array_ ? 1 : 0); }  // only the first object
  bool end_array() override { return --depth_ > 0; }
  bool key(string_t& k) override {
    if (depth_ != (array_ ? 2 : 1)) return true;
    for (const Known& known : kKnown)
      if (known.key == k && known.in_array == array_) return format = known.format, false;
    if (!array_)
      for (const Part& p : kParts)
        if (p.key == k) return part = &p, false;
    if (keys_ < 4) first_keys += (keys_ ? ", " : "") + one_line(k, 40);
    return ++keys_ < kMostKeys;
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    bad_byte = position;
    return false;
  }

  int depth_ = 0;
  bool array_ = false;
  size_t keys_ = 0;
};

std::string name_a_format() { return "name the format: " + format_names(); }

}  // namespace

Result<Format> detect_format(std::string_view text, std::string_view where) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos)
    return bad_input(fmt::format("{}: is empty, expected an engine as a tool describes it", where),
                     "check that the tool that wrote it ended well");
  if (text.substr(0, 4096).find('\0') != std::string_view::npos)
    return bad_input(fmt::format("{}: looks like a binary file, expected JSON or XML text", where),
                     "an engine itself is not read: export its layers with the tool that built it");
  if (text[first] == '<') return Format::openvino_graph;
  // Comments of a tuning log.
  while (text.substr(0, 1) == "#") {
    const size_t end = text.find('\n');
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  Head head;
  Json::json_sax_t* const events = &head;
  Json::sax_parse(text.data(), text.data() + text.size(), events, Json::input_format_t::json,
                  false);
  if (head.format) return *head.format;
  if (head.part)
    return bad_input(fmt::format("{}: is {}, expected the whole engine", where, head.part->what),
                     std::string(head.part->fix));
  if (head.workloads)
    return bad_input(
        fmt::format("{}: looks like the workloads of MetaSchedule, expected its records", where),
        "name database_tuning_record.json, or the folder that holds both");
  if (head.bad_byte)
    return bad_input(
        fmt::format("{}: neither XML nor JSON, which fails at byte {}", where, *head.bad_byte),
        name_a_format());
  return bad_input(
      fmt::format("{}: JSON of a layout that is not known{}", where,
                  head.first_keys.empty() ? "" : fmt::format(" (keys {})", head.first_keys)),
      name_a_format());
}

}  // namespace assay::diff
