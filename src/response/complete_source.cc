// SPDX-License-Identifier: Apache-2.0
#include "response/complete_source.h"

#include "base/text.h"
#include "frames/source.h"

namespace assay::response {

// A camera that nobody described is a synthetic one of the tensor's size.
Status complete_source(Plan& p) {
  using Kind = frames::SourceSpec::Kind;
  frames::SourceSpec& s = p.source;
  if (s.kind == Kind::synthetic && s.width == 0 && s.height == 0) {
    ASSAY_TRY(const auto inputs, task_inputs(p.tasks[streaming_tasks(p).front()]));
    std::vector<int64_t> shape = inputs[0].shape;
    if (shape.size() == 4) shape.erase(shape.begin());
    if (shape.size() != 3)
      return bad_input(fmt::format("the input {} is no image", shape_text(inputs[0].shape)),
                       "use a network that takes 1xCxHxW or 1xHxWxC");
    const bool last = shape[2] == 1 || shape[2] == 3;
    s.height = last && shape[0] != 3 && shape[0] != 1 ? shape[0] : shape[1];
    s.width = last && shape[0] != 3 && shape[0] != 1 ? shape[1] : shape[2];
    s.format = s.width % 2 || s.height % 2 ? vision::PixelFormat::rgb8 : vision::PixelFormat::nv12;
  }
  std::error_code ec;
  if (s.kind == Kind::folder && !fs::is_directory(s.path, ec))
    return bad_input(fmt::format("{} is no folder of images", s.path.string()),
                     "name a folder with JPEG or PNG files, or one of `assay models`");
  if ((s.kind == Kind::video || s.kind == Kind::raw) && !fs::is_regular_file(s.path, ec))
    return bad_input(fmt::format("{} is no file", s.path.string()), "name a file of frames");
  if (!s.path.empty()) s.path = fs::canonical(s.path, ec);
  if (p.data_name.empty())
    p.data_name = s.kind == Kind::synthetic
                      ? fmt::format("synthetic {}x{} {}", s.width, s.height, vision::word(s.format))
                      : s.path.filename().string();
  // The child reads it with the same rules: what it would refuse is refused here. A video is left
  // to the child: nothing that decodes a container runs in this process.
  ASSAY_TRY(s, frames::source_from_json(frames::to_json(s), "source"));
  if (s.kind == Kind::folder || s.kind == Kind::raw) {
    frames::SourceSpec look = s;
    look.cache = frames::SourceSpec::Cache::warm;
    ASSAY_CHECK(frames::load_source(look, 1));
  }
  return {};
}

}  // namespace assay::response
