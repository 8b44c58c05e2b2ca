// SPDX-License-Identifier: Apache-2.0
#include "layer_names.h"

namespace assay::openvino {
namespace {

// ASCII only and without locale, as the pattern in layer_names.py.
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_upper(c) || is_digit(c) || (c >= 'a' && c <= 'z'); }

// Length of the part `<Type>_<count>` that starts at `at`, or 0.
size_t part_length(std::string_view text, size_t at) {
  if (!is_upper(text[at]) || (at > 0 && is_alnum(text[at - 1]))) return 0;
  size_t end = at;
  while (end < text.size() && is_alnum(text[end])) ++end;
  if (end == text.size() || text[end] != '_') return 0;
  const size_t digits = ++end;
  while (end < text.size() && is_digit(text[end])) ++end;
  if (end == digits || (end < text.size() && is_alnum(text[end]))) return 0;
  return end - at;
}

}  // namespace

std::string Renamer::layer(std::string_view name) {
  std::string out;
  for (size_t at = 0; at < name.size();) {
    const size_t length = part_length(name, at);
    if (length == 0) {
      out += name[at++];
      continue;
    }
    const std::string_view part = name.substr(at, length);
    if (own_.contains(part)) {
      out += part;
    } else {
      out += rank_of(part);
    }
    at += length;
  }
  return out;
}

std::string Renamer::origin(std::string_view names) const {
  std::string out;
  while (!names.empty()) {
    const size_t comma = std::min(names.find(','), names.size());
    const std::string_view name = names.substr(0, comma);
    bool keep = !name.empty();
    for (size_t at = 0; keep && at < name.size(); ++at) {
      const size_t length = part_length(name, at);
      keep = length == 0 || own_.contains(name.substr(at, length));
    }
    if (keep) {
      if (!out.empty()) out += ',';
      out += name;
    }
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return out;
}

const std::string& Renamer::rank_of(std::string_view part) {
  const auto found = known_.find(part);
  if (found != known_.end()) return found->second;
  const std::string type(part.substr(0, part.rfind('_')));
  const int rank = ++counts_[type];
  return known_.emplace(part, type + "#" + std::to_string(rank)).first->second;
}

}  // namespace assay::openvino
