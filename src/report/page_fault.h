// SPDX-License-Identifier: Apache-2.0
// For tests: is a page whole?
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace assay::report {

// Every element closed in order, attributes quoted, no raw '<' or bare '&', ids unique, and every
// in-page link has its target: "" or what is wrong.
inline std::string page_fault(const std::string& page) {
  std::vector<std::string> open;
  std::set<std::string> ids, links;
  size_t i = page.find("<html");
  while (i < page.size()) {
    if (page[i] == '&') {
      const size_t end = page.find(';', i);
      if (end == std::string::npos || end - i > 8) return "bare & at " + page.substr(i, 40);
    }
    if (page[i] != '<') {
      ++i;
      continue;
    }
    size_t end = i + 1;
    bool quoted = false;
    for (; end < page.size() && (quoted || page[end] != '>'); ++end) {
      if (page[end] == '"') quoted = !quoted;
      if (page[end] == '<') return "raw < in a tag: " + page.substr(i, 60);
    }
    const std::string tag = page.substr(i + 1, end - i - 1);
    const std::string name =
        tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" /", 1) - (tag[0] == '/' ? 1 : 0));
    for (const auto& [attribute, set] : {std::pair{" id=\"", &ids}, {" href=\"#", &links}}) {
      const size_t at = tag.find(attribute);
      if (at == std::string::npos) continue;
      const size_t from = at + std::string(attribute).size();
      if (!set->insert(tag.substr(from, tag.find('"', from) - from)).second && set == &ids)
        return "id twice: " + tag;
    }
    if (tag.find(" href=\"") != std::string::npos && tag.find(" href=\"#") == std::string::npos)
      return "outside link: " + tag;
    if (tag[0] == '/') {
      if (open.empty() || open.back() != name)
        return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back());
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    i = end + 1;
  }
  for (const auto& l : links)
    if (!ids.count(l)) return "link without target: #" + l;
  return open.empty() ? "" : "never closed: " + open.back();
}

}  // namespace assay::report
