// SPDX-License-Identifier: Apache-2.0
#include "vision/npy.h"

#include <charconv>
#include <cstring>
#include <map>

#include "base/text.h"

namespace assay::vision {
namespace {

// The header is the text of a Python dict with three known keys; this reads just that.
class Header {
 public:
  explicit Header(std::string_view text) : text_(text) {}
  bool take(char c) {
    space();
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool quoted(std::string_view& out) {
    space();
    if (text_.empty() || (text_[0] != '\'' && text_[0] != '"')) return false;
    const size_t end = text_.find(text_[0], 1);
    if (end == std::string_view::npos) return false;
    out = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return true;
  }
  bool word(std::string_view w) {
    space();
    if (!text_.starts_with(w)) return false;
    text_.remove_prefix(w.size());
    return true;
  }
  bool number(int64_t& out) {
    space();
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), out);
    if (error != std::errc() || out < 0) return false;
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    if (!text_.empty() && text_[0] == 'L') text_.remove_prefix(1);  // Python 2's long
    return true;
  }
  bool at_end() {
    space();
    return text_.empty();
  }

 private:
  void space() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\n' || text_[0] == '\t'))
      text_.remove_prefix(1);
  }
  std::string_view text_;
};

bool parse_dict(std::string_view text, std::string_view& descr, bool& fortran,
                std::vector<int64_t>& shape) {
  Header h(text);
  if (!h.take('{')) return false;
  unsigned seen = 0;
  while (!h.take('}')) {
    std::string_view key;
    if (!h.quoted(key) || !h.take(':')) return false;
    if (key == "descr") {
      if (!h.quoted(descr)) return false;
      seen |= 1;
    } else if (key == "fortran_order") {
      fortran = h.word("True");
      if (!fortran && !h.word("False")) return false;
      seen |= 2;
    } else if (key == "shape") {
      if (!h.take('(')) return false;
      shape.clear();
      while (!h.take(')')) {
        int64_t extent = 0;
        if (shape.size() >= 9 || !h.number(extent)) return false;
        shape.push_back(extent);
        if (!h.take(',')) {
          if (!h.take(')')) return false;
          break;
        }
      }
      seen |= 4;
    } else {
      return false;
    }
    if (!h.take(',')) {
      if (!h.take('}')) return false;
      break;
    }
  }
  return seen == 7 && h.at_end();
}

}  // namespace

Result<Npy> parse_npy(std::span<const std::byte> bytes, std::string_view where) {
  const auto wrong = [&](std::string_view why, std::string fix = "save it again with numpy.save") {
    return bad_input(fmt::format("{}: {}", where, why), std::move(fix));
  };
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  if (bytes.size() < 10 || std::memcmp(data, "\x93NUMPY", 6) != 0) return wrong("not a .npy file");
  const int version = data[6];
  if (version < 1 || version > 3)
    return wrong(fmt::format(".npy version {} is not known, expected 1 to 3", version));
  size_t start = 10, length = data[8] | static_cast<size_t>(data[9]) << 8;
  if (version >= 2) {
    if (bytes.size() < 12) return wrong("the header is cut off");
    start = 12;
    length |= static_cast<size_t>(data[10]) << 16 | static_cast<size_t>(data[11]) << 24;
  }
  if (length > bytes.size() - start || length > 65536)
    return wrong("the header is cut off or too long");
  std::string_view descr;
  bool fortran = false;
  Npy out;
  if (!parse_dict({reinterpret_cast<const char*>(data) + start, length}, descr, fortran,
                  out.shape)) {
    return wrong("the header is not as numpy.save writes it (arrays of numbers only)");
  }
  if (fortran) return wrong("Fortran order is not supported", "save numpy.ascontiguousarray(x)");
  static const std::map<std::string_view, DType> kTypes = {
      {"<f4", DType::f32}, {"<f8", DType::f64}, {"<f2", DType::f16}, {"|u1", DType::u8},
      {"|i1", DType::i8},  {"<u2", DType::u16}, {"<i2", DType::i16}, {"<u4", DType::u32},
      {"<i4", DType::i32}, {"<u8", DType::u64}, {"<i8", DType::i64}, {"|b1", DType::boolean}};
  const auto type = kTypes.find(descr);
  if (type == kTypes.end()) {
    return wrong(fmt::format("element type '{}' is not supported", one_line(descr, 40)),
                 "save little-endian float, int or bool arrays");
  }
  out.dtype = type->second;
  out.offset = start + length;
  int64_t total = dtype_size(out.dtype);
  bool empty = false;
  for (const int64_t d : out.shape) empty = empty || d == 0;
  for (const int64_t d : out.shape) {
    if (!empty && total > (int64_t{1} << 45) / d) return wrong("the shape is impossibly large");
    total = empty ? 0 : total * d;
  }
  if (static_cast<int64_t>(bytes.size() - out.offset) != total) {
    return wrong(
        fmt::format("{} bytes of data, the shape {} of {} needs {}", bytes.size() - out.offset,
                    shape_text(out.shape), dtype_name(out.dtype), total),
        "the file is cut off; copy it again");
  }
  return out;
}

}  // namespace assay::vision
