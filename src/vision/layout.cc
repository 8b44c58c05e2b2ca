// SPDX-License-Identifier: Apache-2.0
#include "vision/layout.h"

#include "base/text.h"
#include "vision/image.h"

namespace assay::vision {

Result<ImageLayout> image_layout(const TensorSpec& input) {
  std::vector<int64_t> s = input.shape;
  ImageLayout out;
  if (s.size() == 4 && s[0] == 1)
    s.erase(s.begin());
  else if (s.size() == 4)
    s.clear();  // a batch of images is not one item
  const auto is_channels = [](int64_t c) { return c == 1 || c == 3; };
  if (s.size() == 3 && is_channels(s[0]))
    out = {s[0], s[1], s[2], false};
  else if (s.size() == 3 && is_channels(s[2]))
    out = {s[2], s[0], s[1], true};
  if (out.height < 1 || out.width < 1 || out.height > kMaxSide || out.width > kMaxSide) {
    return bad_input(
        fmt::format("input '{}' of shape {} does not take one image", one_line(input.name, 80),
                    shape_text(input.shape)),
        "images fit 1x3xHxW, 1xHxWx3, or 1 channel, batch 1; use .npy files for other inputs");
  }
  return out;
}

}  // namespace assay::vision
