// SPDX-License-Identifier: Apache-2.0
#include "platform/record.h"

#include <algorithm>

namespace assay::platform {

const std::vector<int64_t>* Record::column(std::string_view name) const {
  for (size_t k = 0; k < channels.size() && k < columns.size(); ++k) {
    if (channels[k].name == name) return &columns[k];
  }
  return nullptr;
}

const Channel* Record::channel(std::string_view name) const {
  for (const auto& c : channels) {
    if (c.name == name) return &c;
  }
  return nullptr;
}

void Record::add(int64_t now_ns, std::span<const int64_t> values) {
  columns.resize(channels.size());
  t_ns.push_back(now_ns);
  for (size_t k = 0; k < columns.size(); ++k) {
    columns[k].push_back(k < values.size() ? values[k] : kUnknown);
  }
}

std::optional<int64_t> growth(const Record& record, std::string_view counter, size_t from,
                              size_t to) {
  const Channel* channel = record.channel(counter);
  const auto* column = record.column(counter);
  if (!channel || !column || channel->kind != Kind::counter || from > to || to >= column->size()) {
    return std::nullopt;
  }
  if ((*column)[from] == kUnknown || (*column)[to] == kUnknown) return std::nullopt;
  // Step by step over all rounds between: a counter can begin again more than once.
  int64_t sum = 0, last = (*column)[from];
  for (size_t k = from; k <= to; ++k) {
    const int64_t value = (*column)[k];
    if (value == kUnknown) continue;
    if (value < 0) return std::nullopt;
    int64_t step = value - last;
    if (step < 0) {
      if (channel->wrap <= 0 || last > channel->wrap) return std::nullopt;
      step = channel->wrap - last + value;
      // The value after `wrap` is 0: one unit more. No overflow: both are at most `wrap`.
      if (__builtin_add_overflow(step, 1, &step)) return std::nullopt;
    }
    if (__builtin_add_overflow(sum, step, &sum)) return std::nullopt;
    last = value;
  }
  return sum;
}

}  // namespace assay::platform
