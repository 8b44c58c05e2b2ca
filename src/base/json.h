// SPDX-License-Identifier: Apache-2.0
// JSON for untrusted input: parsing gives a Result, access is checked, nothing throws over this
// boundary.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace assay {

using Json = nlohmann::ordered_json;

// Parses `text`; usage error naming `where` with the byte offset when it is not JSON, or is nested
// deeper than 64.
Result<Json> parse_json(std::string_view text, std::string_view where);
// Text of `j` without throwing on invalid UTF-8 (bad bytes are replaced).
std::string dump_json(const Json& j, int indent = -1);

// Checked access: `fallback` when the key is absent or of another type.
std::string get_string(const Json& j, const char* key, std::string fallback = "");
int64_t get_int(const Json& j, const char* key, int64_t fallback = 0);
double get_double(const Json& j, const char* key, double fallback = 0);
bool get_bool(const Json& j, const char* key, bool fallback = false);
// The member, or an empty object/array when absent or of another type.
const Json& get_object(const Json& j, const char* key);
const Json& get_array(const Json& j, const char* key);

}  // namespace assay
