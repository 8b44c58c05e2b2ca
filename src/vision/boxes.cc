// SPDX-License-Identifier: Apache-2.0
#include "vision/boxes.h"

#include "base/text.h"
#include "vision/heads.h"

namespace assay::vision {

Result<HeadOutput> find_output(const std::vector<TensorSpec>& outputs, const std::string& name,
                               size_t rank) {
  std::string names;
  for (size_t i = 0; i < outputs.size(); ++i) {
    names += (names.empty() ? "" : ", ") + one_line(outputs[i].name, 60);
    if (!(name.empty() ? outputs.size() == 1 : outputs[i].name == name)) continue;
    HeadOutput out{i, outputs[i].dtype, outputs[i].shape};
    while (out.shape.size() > rank && out.shape.front() == 1) out.shape.erase(out.shape.begin());
    if (!is_score_type(out.dtype))
      return bad_input(fmt::format("detector: output '{}' is of {}", one_line(outputs[i].name, 60),
                                   dtype_name(out.dtype)),
                       "outputs of a detector are floats or small integers");
    return out;
  }
  return bad_input(
      fmt::format("detector: no output '{}'; the engine has {}", one_line(name, 60), names),
      "name its outputs in the detector file (docs/detections.md)");
}

tl::unexpected<Error> wrong_shape(const HeadOutput& output, const std::string& name,
                                  const std::string& expected) {
  return bad_input(fmt::format("detector: output '{}' has shape {}, expected {}",
                               one_line(name, 60), shape_text(output.shape), expected),
                   "check kind, classes and anchors in the detector file (docs/detections.md)");
}

struct BoxDecoder::Impl {
  DetectorSpec spec;
  std::unique_ptr<Head> head;
  Candidates candidates;
};

BoxDecoder::BoxDecoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BoxDecoder::BoxDecoder(BoxDecoder&&) noexcept = default;
BoxDecoder& BoxDecoder::operator=(BoxDecoder&&) noexcept = default;
BoxDecoder::~BoxDecoder() = default;

Result<BoxDecoder> BoxDecoder::create(const DetectorSpec& spec,
                                      const std::vector<TensorSpec>& outputs, int64_t tensor_width,
                                      int64_t tensor_height) {
  const auto make = [&]() -> Result<std::unique_ptr<Head>> {
    switch (spec.kind) {
      case HeadKind::yolo_anchors:
        return make_yolo_anchors(spec, outputs);
      case HeadKind::yolo_flat:
        return make_yolo_flat(spec, outputs);
      case HeadKind::ssd:
      case HeadKind::retinanet:
        return make_anchored(spec, outputs, {tensor_width, tensor_height});
      case HeadKind::boxes:
        return make_boxes(spec, outputs);
    }
    return internal_error("a detector head of no known kind");
  };
  ASSAY_TRY(auto head, make());
  return BoxDecoder(
      std::unique_ptr<Impl>(new Impl{spec, std::move(head), Candidates(spec.max_candidates)}));
}

int64_t BoxDecoder::decode(std::span<void* const> outputs, const TensorToFrame& map,
                           int64_t frame_width, int64_t frame_height, std::span<Box> out) noexcept {
  Impl& d = *impl_;
  d.candidates.clear();
  d.head->collect(outputs, d.candidates);
  const auto sorted = d.candidates.sorted();
  const auto place = [](float v, double offset, double scale, int64_t most) {
    return static_cast<float>(
        std::clamp((static_cast<double>(v) - offset) * scale, 0.0, static_cast<double>(most)));
  };
  for (Candidate& c : sorted) {
    c.box.x0 = place(c.box.x0, map.offset_x, map.scale_x, frame_width);
    c.box.x1 = place(c.box.x1, map.offset_x, map.scale_x, frame_width);
    c.box.y0 = place(c.box.y0, map.offset_y, map.scale_y, frame_height);
    c.box.y1 = place(c.box.y1, map.offset_y, map.scale_y, frame_height);
  }
  const auto most = std::min(out.size(), static_cast<size_t>(d.spec.max_boxes));
  return suppress(sorted, d.spec.nms_iou, d.spec.nms_per_class, out.first(most));
}

}  // namespace assay::vision
