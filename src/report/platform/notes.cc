// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "report/platform/platform.h"

namespace assay::report {

std::string Notes::cell(const std::string& text) {
  constexpr std::string_view kBegin = "unknown (";
  const size_t at = text.find(kBegin);
  if (at == std::string::npos) return text;
  // Reasons hold brackets of their own: the one that ends this reason balances the first.
  const size_t first = at + kBegin.size();
  size_t end = first;
  int open = 1;
  for (; end < text.size() && open > 0; ++end)
    open += text[end] == '(' ? 1 : text[end] == ')' ? -1 : 0;
  const std::string why = text.substr(first, end - first - (open == 0 ? 1 : 0));
  auto it = std::find(reasons_.begin(), reasons_.end(), why);
  if (it == reasons_.end()) it = reasons_.insert(reasons_.end(), why);
  return fmt::format("{}unknown [{}]{}", text.substr(0, at), it - reasons_.begin() + 1,
                     text.substr(end));
}

std::vector<std::string> Notes::cells(std::vector<std::string> row) {
  for (std::string& text : row) text = cell(text);
  return row;
}

std::vector<std::string> Notes::lines() const {
  std::vector<std::string> out;
  for (size_t i = 0; i < reasons_.size(); ++i)
    out.push_back(fmt::format("[{}] {}", i + 1, reasons_[i]));
  return out;
}

}  // namespace assay::report
