// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "platform/cuda.h"

namespace assay::platform {

int cuda_index(std::string_view device) {
  constexpr std::string_view kKind = "cuda:";
  if (!device.starts_with(kKind)) return -1;
  device.remove_prefix(kKind.size());
  if (device.empty() || device.size() > 3 || (device.size() > 1 && device[0] == '0')) return -1;
  if (!std::all_of(device.begin(), device.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return -1;
  int index = 0;
  for (const char c : device) index = 10 * index + (c - '0');
  return index;
}

}  // namespace assay::platform
