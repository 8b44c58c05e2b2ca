// SPDX-License-Identifier: Apache-2.0
#include "audit/toml.h"

#include <sstream>
#define TOML_EXCEPTIONS 0
// Its parser asserts what malformed input can break, and tells the optimiser to assume it in
// release builds: undefined behaviour. Without that it goes on to its own error message.
#include <toml++/impl/preprocessor.h>
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT_ASSUME(expr) static_cast<void>(0)
#include <toml++/toml.h>

namespace assay::audit {
namespace {

Json convert(const toml::node& node) {
  if (const auto* t = node.as_table()) {
    Json out = Json::object();
    for (const auto& [key, value] : *t) out[std::string(key.str())] = convert(value);
    return out;
  }
  if (const auto* a = node.as_array()) {
    Json out = Json::array();
    for (const auto& value : *a) out.push_back(convert(value));
    return out;
  }
  if (auto v = node.value_exact<std::string>()) return *v;
  if (auto v = node.value_exact<int64_t>()) return *v;
  if (auto v = node.value_exact<double>()) return *v;
  if (auto v = node.value_exact<bool>()) return *v;
  std::ostringstream text;
  node.visit([&](const auto& n) { text << n; });
  return text.str();
}

}  // namespace

Result<Json> parse_toml(std::string_view text, std::string_view where) {
  toml::parse_result r = toml::parse(text, where);
  if (!r) {
    const auto& at = r.error().source().begin;
    return bad_input(
        fmt::format("{}:{}:{}: {}", where, at.line, at.column, r.error().description()));
  }
  return convert(r.table());
}

Result<Json> read_toml(const fs::path& file) {
  ASSAY_TRY(std::string text, read_file(file, 16 << 20));
  return parse_toml(text, file.string());
}

}  // namespace assay::audit
