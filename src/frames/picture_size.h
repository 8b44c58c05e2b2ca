// SPDX-License-Identifier: Apache-2.0
// The sides that the head of a JPEG or PNG file declares, so that memory can be taken for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace assay::frames {

struct PictureSize {
  int64_t width = 0, height = 0;
};
// Absent when `bytes` is neither, or ends before its size. Says nothing about the rest of the file.
std::optional<PictureSize> picture_size(std::span<const std::byte> bytes);

}  // namespace assay::frames
