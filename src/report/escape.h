// SPDX-License-Identifier: Apache-2.0
// Names come from models, compilers and files: none is trusted. These make them harmless in each
// form.
#pragma once

#include <string>
#include <string_view>

namespace assay::report {

// Valid UTF-8 in one line: bad bytes become U+FFFD; control characters (C0, C1) and those that turn
// the reading direction or are not allowed in XML become \xNN or \u{NNNN}; at most `max` code
// points, "..." when cut.
std::string plain(std::string_view text, size_t max = 300);
// The same for several lines: newlines and tabs stay.
std::string plain_lines(std::string_view text, size_t max = 4000);
std::string html(std::string_view text, size_t max = 300);  // for element content and attributes
std::string markdown(std::string_view text, size_t max = 300);  // one cell or one sentence
// Text inside a code fence that no backtick of it can close.
std::string markdown_block(std::string_view text, std::string_view language);

}  // namespace assay::report
