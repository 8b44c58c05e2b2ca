// SPDX-License-Identifier: Apache-2.0
#include "diff/read/items.h"

#include <algorithm>
#include <array>
#include <new>

#include "base/text.h"

namespace assay::diff {
namespace {

constexpr int kMaxDepth = 64;  // as base/json.cc
// The library seeks each key among those before it, which takes the square of their number.
constexpr size_t kMostKeys = 512;
constexpr const char* kOddFix = "check the file: no tool writes engines so";

// Ends the library's parser from within; never leaves parse().
struct Stop {
  Error error;
};

// Follows the parser: where it is, and what of it is an element.
class Walk {
 public:
  explicit Walk(std::string_view where) : where_(where) {}
  Walk(std::string_view where, std::initializer_list<std::string_view> lists, const OnItem& on_item)
      : where_(where), lists_(lists), on_item_(&on_item) {}

  // False: the parser drops `value`.
  bool event(int depth, Json::parse_event_t e, Json& value) {
    using E = Json::parse_event_t;
    switch (e) {
      case E::object_start:
      case E::array_start:
        if (depth >= kMaxDepth)
          stop(fmt::format("{}: JSON is nested deeper than {}", where_, kMaxDepth));
        keys_[static_cast<size_t>(depth)] = 0;
        return open(depth, e == E::array_start);
      case E::key:
        // `depth` counts the object already.
        if (++keys_[static_cast<size_t>(depth) - 1] > kMostKeys)
          stop(fmt::format("{}: an object of more than {} members", where_, kMostKeys));
        if (depth == 1) key_ = value.get_ref<const std::string&>();
        return true;
      default:
        return depth != item_depth_ || item(value);
    }
  }

 private:
  [[noreturn]] static void stop(std::string message) {
    throw Stop{{ExitCode::usage, std::move(message), kOddFix}};
  }
  bool open(int depth, bool array) {
    if (!on_item_) return true;
    if (depth == 0) {
      item_depth_ = array ? 1 : -1;
      index_ = -1;
    } else if (depth == 1 && item_depth_ != 1) {
      const bool wanted = array && std::find(lists_.begin(), lists_.end(), key_) != lists_.end();
      item_depth_ = wanted ? 2 : -1;
      index_ = -1;
    }
    return true;
  }
  bool item(const Json& value) {
    const Status s = (*on_item_)(item_depth_ == 1 ? "" : key_, ++index_, value);
    if (!s) throw Stop{s.error()};
    return false;
  }

  std::string_view where_;
  std::initializer_list<std::string_view> lists_;
  const OnItem* on_item_ = nullptr;
  std::string key_;
  std::array<size_t, kMaxDepth> keys_{};
  int item_depth_ = -1;  // -1: not within a list
  int64_t index_ = -1;
};

Result<Json> parse(std::string_view text, std::string_view where, Walk walk) {
  try {
    return Json::parse(text, [&](int depth, Json::parse_event_t e, Json& value) {
      return walk.event(depth, e, value);
    });
  } catch (const Stop& stop) {
    return tl::unexpected<Error>(stop.error);
  } catch (const Json::parse_error& e) {
    const bool cut = e.byte >= text.size();
    return bad_input(fmt::format("{}: not JSON at byte {}{}", where, e.byte,
                                 cut ? ", where it ends: truncated?" : ""),
                     cut ? "write the file again; the tool was stopped while it wrote"
                         : "write the file again with the tool that made it");
  } catch (const std::bad_alloc&) {
    throw;  // told by read_engine()
  } catch (const std::exception& e) {
    return bad_input(fmt::format("{}: not JSON: {}", where, one_line(e.what())),
                     "write the file again with the tool that made it");
  }
}

}  // namespace

Result<Json> walk_items(std::string_view text, std::string_view where,
                        std::initializer_list<std::string_view> lists, const OnItem& on_item) {
  return parse(text, where, Walk(where, lists, on_item));
}

Result<Json> parse_bounded(std::string_view text, std::string_view where) {
  return parse(text, where, Walk(where));
}

Status walk_json_lines(std::string_view text, std::string_view where, const OnLine& on_line) {
  int64_t number = 0;
  for (size_t begin = 0; begin < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || line[first] == '#') continue;
    const auto value = parse_bounded(line, fmt::format("{}: line {}", where, number + 1));
    if (!value)
      return bad_input(value.error().message,
                       end == text.size()
                           ? "the last line may be cut off: remove it, or write the file again"
                           : "remove the line, or write the file again");
    ASSAY_CHECK(on_line(number, *value));
  }
  return {};
}

tl::unexpected<Error> wrong(std::string_view where, std::string_view place, std::string_view found,
                            std::string_view expected, std::string fix) {
  return bad_input(fmt::format("{}: {}: {}, expected {}", where, place, found, expected),
                   std::move(fix));
}

std::string shown(const Json& j) {
  if (j.is_object()) return "an object";
  if (j.is_array()) return "an array";
  if (j.is_string())
    return fmt::format("the text '{}'", one_line(j.get_ref<const std::string&>(), 60));
  return one_line(dump_json(j), 60);
}

void FirstNames::add(std::string_view name) {
  constexpr size_t kShown = 3;
  if (count_++ < kShown) text_ += (count_ == 1 ? "" : ", ") + one_line(name, 80);
}

std::string FirstNames::text() const {
  constexpr size_t kShown = 3;
  return count_ <= kShown ? text_ : fmt::format("{} and {} more", text_, count_ - kShown);
}

}  // namespace assay::diff
