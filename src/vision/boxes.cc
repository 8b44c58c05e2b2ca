// SPDX-License-Identifier: Apache-2.0
#include "vision/boxes.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "vision/boxes_head.h"
#include "vision/read_numbers.h"

namespace assay::vision {

void Candidates::start(const TensorToFrame& map, int64_t frame_width, int64_t frame_height,
                       double threshold) {
  size_ = 0;
  map_ = map;
  width_ = static_cast<double>(frame_width);
  height_ = static_cast<double>(frame_height);
  threshold_ = static_cast<float>(threshold);
}

namespace {
constexpr int64_t kMaxTensor = 1 << 15;

bool candidate_better(const Candidate& a, const Candidate& b) {
  return better(a.box.score, a.box.label, a.position, b);
}
}  // namespace

void Candidates::offer(double score, int32_t label, int64_t position, double x0, double y0,
                       double x1, double y1) noexcept {
  if (!wants(score, label, position)) return;
  x0 = (x0 - map_.offset_x) * map_.scale_x;
  x1 = (x1 - map_.offset_x) * map_.scale_x;
  y0 = (y0 - map_.offset_y) * map_.scale_y;
  y1 = (y1 - map_.offset_y) * map_.scale_y;
  Candidate c;
  c.box = {static_cast<float>(x0), static_cast<float>(y0),    static_cast<float>(x1),
           static_cast<float>(y1), static_cast<float>(score), label};
  c.position = position;
  if (!std::isfinite(c.box.x0) || !std::isfinite(c.box.y0) || !std::isfinite(c.box.x1) ||
      !std::isfinite(c.box.y1))
    return;
  const auto w = static_cast<float>(width_), h = static_cast<float>(height_);
  if (!(std::min(c.box.x1, w) > std::max(c.box.x0, 0.0f)) ||
      !(std::min(c.box.y1, h) > std::max(c.box.y0, 0.0f)))
    return;
  const auto begin = room_.begin();
  if (size_ == room_.size()) {
    std::pop_heap(begin, room_.end(), candidate_better);
    --size_;
  }
  room_[size_++] = c;
  std::push_heap(begin, begin + static_cast<std::ptrdiff_t>(size_), candidate_better);
}

std::span<const Candidate> Candidates::best_first() noexcept {
  std::sort_heap(room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(size_),
                 candidate_better);
  return {room_.data(), size_};
}

Result<std::vector<int64_t>> Wanted::shape(const std::string& name, size_t rank,
                                           std::string_view role) {
  std::string have;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    have += (have.empty() ? "" : ", ") + one_line(outputs_[i].name, 60);
    if (outputs_[i].name != name && !(name.empty() && outputs_.size() == 1)) continue;
    indices_.push_back(i);
    std::vector<int64_t> shape = outputs_[i].shape;
    while (shape.size() > rank && shape.front() == 1) shape.erase(shape.begin());
    float unused;
    if (!read_numbers(&unused, outputs_[i].dtype, 0, &unused))
      return bad_input(
          fmt::format("output '{}' has the type {}, which holds no {}",
                      one_line(outputs_[i].name, 80), dtype_name(outputs_[i].dtype), role),
          "name another output in the detector's file");
    if (shape.size() != rank || outputs_[i].elements() < 0) {
      Error e = wrong(fmt::format("{} extents for {}", rank, role));
      return tl::unexpected<Error>(std::move(e));
    }
    return shape;
  }
  return bad_input(
      name.empty() ? fmt::format("the detector names no output for {}, and the model has {}", role,
                                 outputs_.size())
                   : fmt::format("the model has no output '{}', which the detector names for {}",
                                 one_line(name, 80), role),
      fmt::format("its outputs are {}; name them in the detector's file",
                  have.empty() ? "none" : have));
}

Error Wanted::wrong(std::string_view expected) const {
  const TensorSpec& t = outputs_[indices_.back()];
  return {ExitCode::usage,
          fmt::format("output '{}' is {}, the detector expects {}", one_line(t.name, 80),
                      shape_text(t.shape), expected),
          "correct classes, anchors or levels in the detector's file (docs/detections.md)"};
}

struct BoxDecoder::Impl {
  DetectorSpec spec;
  std::unique_ptr<Head> head;
  Candidates candidates;
  struct Tensor {
    size_t output;
    DType dtype;
    int64_t elements;
    std::vector<float> floats;  // of tensors of other types
  };
  std::vector<Tensor> tensors;
  std::vector<const float*> pointers;
  std::vector<Box> boxes;
  std::vector<uint8_t> keep;
};

BoxDecoder::BoxDecoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BoxDecoder::BoxDecoder(BoxDecoder&&) noexcept = default;
BoxDecoder& BoxDecoder::operator=(BoxDecoder&&) noexcept = default;
BoxDecoder::~BoxDecoder() = default;

Result<BoxDecoder> BoxDecoder::create(const DetectorSpec& spec,
                                      const std::vector<TensorSpec>& outputs, int64_t tensor_width,
                                      int64_t tensor_height) {
  // A spec made by hand passes the checks of one that was read.
  ASSAY_TRY(DetectorSpec checked, detector_from_json(to_json(spec), "detector"));
  if (tensor_width < 1 || tensor_height < 1 || std::max(tensor_width, tensor_height) > kMaxTensor)
    return bad_input(fmt::format("the input of a detector is {}x{}, expected sides of 1 to {}",
                                 tensor_width, tensor_height, kMaxTensor));
  Wanted wanted(outputs);
  auto head = [&]() -> MadeHead {
    switch (spec.kind) {
      case HeadKind::yolo_anchors:
        return make_yolo_anchors(checked, wanted, tensor_width, tensor_height);
      case HeadKind::yolo_flat:
        return make_yolo_flat(checked, wanted);
      case HeadKind::ssd:
        return make_ssd(checked, wanted, tensor_width, tensor_height);
      case HeadKind::retinanet:
        return make_retinanet(checked, wanted, tensor_width, tensor_height);
      case HeadKind::boxes:
        break;
    }
    return make_given(checked, wanted);
  }();
  if (!head) return tl::unexpected<Error>(std::move(head).error());
  auto impl = std::make_unique<Impl>(
      Impl{checked, std::move(*head), Candidates(checked.max_candidates), {}, {}, {}, {}});
  for (size_t i : wanted.indices()) {
    Impl::Tensor t{i, outputs[i].dtype, outputs[i].elements(), {}};
    if (t.dtype != DType::f32) t.floats.resize(static_cast<size_t>(t.elements));
    impl->tensors.push_back(std::move(t));
  }
  impl->pointers.resize(impl->tensors.size());
  impl->boxes.resize(static_cast<size_t>(checked.max_candidates));
  impl->keep.resize(static_cast<size_t>(checked.max_candidates));
  return BoxDecoder(std::move(impl));
}

int64_t BoxDecoder::decode(std::span<void* const> outputs, const TensorToFrame& map,
                           int64_t frame_width, int64_t frame_height, std::span<Box> out) noexcept {
  Impl& d = *impl_;
  for (size_t i = 0; i < d.tensors.size(); ++i) {
    Impl::Tensor& t = d.tensors[i];
    if (t.output >= outputs.size() || outputs[t.output] == nullptr) return 0;
    if (t.dtype == DType::f32) {
      d.pointers[i] = static_cast<const float*>(outputs[t.output]);
    } else {
      read_numbers(outputs[t.output], t.dtype, t.elements, t.floats.data());
      d.pointers[i] = t.floats.data();
    }
  }
  d.candidates.start(map, frame_width, frame_height, d.spec.score_threshold);
  d.head->scan(d.pointers, d.candidates);
  const auto best = d.candidates.best_first();
  for (size_t i = 0; i < best.size(); ++i) d.boxes[i] = best[i].box;
  suppress({d.boxes.data(), best.size()}, d.spec.nms_iou, d.spec.nms_per_class,
           std::min(d.spec.max_boxes, static_cast<int64_t>(out.size())), d.keep);
  const auto w = static_cast<float>(frame_width), h = static_cast<float>(frame_height);
  size_t count = 0;
  for (size_t i = 0; i < best.size(); ++i) {
    if (d.keep[i] == 0) continue;
    Box b = d.boxes[i];
    b.x0 = std::clamp(b.x0, 0.0f, w);
    b.x1 = std::clamp(b.x1, 0.0f, w);
    b.y0 = std::clamp(b.y0, 0.0f, h);
    b.y1 = std::clamp(b.y1, 0.0f, h);
    out[count++] = b;
  }
  return static_cast<int64_t>(count);
}

}  // namespace assay::vision
