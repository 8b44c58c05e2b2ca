// SPDX-License-Identifier: Apache-2.0
// Large JSON one element at a time, and the texts of errors that all readers share.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/json.h"

namespace assay::diff {

// Calls `on_item` for each element of the outermost array (`list` is ""), or of those members of
// the outermost object that `lists` names and that are arrays. An element is dropped afterwards, so
// that memory is that of the largest one. The result is all the rest, with these arrays empty.
using OnItem = std::function<Status(std::string_view list, int64_t index, const Json& item)>;
Result<Json> walk_items(std::string_view text, std::string_view where,
                        std::initializer_list<std::string_view> lists, const OnItem& on_item);

// A whole text as a tree. As everything here it refuses more than 64 levels and objects of more
// than 512 members, which parse_json() would take the square of their number to read.
Result<Json> parse_bounded(std::string_view text, std::string_view where);

// Calls `on_line` for each line that is neither blank nor starts with "#"; `line` counts from 0.
using OnLine = std::function<Status(int64_t line, const Json& value)>;
Status walk_json_lines(std::string_view text, std::string_view where, const OnLine& on_line);

// "WHERE: PLACE: FOUND, expected EXPECTED".
tl::unexpected<Error> wrong(std::string_view where, std::string_view place, std::string_view found,
                            std::string_view expected, std::string fix);
// How a value reads in such a text: "null", "an array", "the text 'x'" ...
std::string shown(const Json& j);
// "a, b, c and 5 more"
class FirstNames {
 public:
  void add(std::string_view name);
  size_t count() const { return count_; }
  std::string text() const;

 private:
  std::string text_;
  size_t count_ = 0;
};

}  // namespace assay::diff
