// SPDX-License-Identifier: Apache-2.0
// Detections: from the raw outputs of a detector to boxes in the frame, and how two sets of boxes
// agree. Decoding never allocates after construction and never reads past an output.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/files.h"
#include "base/json.h"
#include "base/result.h"
#include "vision/frame_pre.h"

namespace assay::vision {

struct Box {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;  // pixel edges in the frame, x0 <= x1
  float score = 0;
  int32_t label = -1;
};

// How a head's numbers become boxes (docs/detections.md):
//   yolo-anchors  YOLOv2/v3: one output a stride, [1, A*(5+C), H, W]; sigmoid centre, exp size,
//                 objectness x class (v2: softmax over classes; v3: sigmoid each)
//   yolo-flat     YOLOv5/v8 exports: [1, N, 5+C] or [1, 4+C, N], centre and size in tensor pixels
//   ssd           priors with variances (Liu et al. 2016), deltas [1, N, 4], scores [1, N, 1+C]
//   with
//                 background first, probabilities or (softmax_classes) logits
//   retinanet     anchors over levels (Lin et al. 2017), deltas [1, N, 4], logits [1, N, C]
//   boxes         decoded already: boxes [N, 4], scores [N], labels [N]
enum class HeadKind { yolo_anchors, yolo_flat, ssd, retinanet, boxes };
std::string_view word(HeadKind k);
std::optional<HeadKind> head_kind_from(std::string_view s);

struct DetectorSpec {
  HeadKind kind = HeadKind::boxes;
  int64_t classes = 0;
  std::vector<std::string> class_names;  // may be empty
  double score_threshold = 0.25, nms_iou = 0.45;
  bool nms_per_class = true;
  int64_t max_candidates = 1000, max_boxes = 100;  // kept before and after suppression
  bool softmax_classes = false;                    // yolo-anchors, ssd
  struct Level {         // yolo-anchors and retinanet: a level of the pyramid
    std::string output;  // name of the tensor (yolo-anchors)
    int64_t stride = 0;
    std::vector<std::pair<double, double>> anchors;  // width, height in tensor pixels
  };
  std::vector<Level> levels;
  std::string boxes_output, scores_output,
      labels_output;                                   // ssd, retinanet, boxes, yolo-flat (boxes)
  std::vector<std::array<double, 4>> priors;           // ssd: cx, cy, w, h as shares of the tensor
  std::array<double, 4> variances = {.1, .1, .2, .2};  // ssd; retinanet: 1,1,1,1
  bool objectness = true;                              // yolo-flat: a column of it
  double anchor_offset = 0;  // retinanet: of anchor centres, in strides; 0: torchvision, .5: Keras
};
Json to_json(const DetectorSpec& spec);
Result<DetectorSpec> detector_from_json(const Json& j, std::string_view where);
// MODEL.onnx -> MODEL.detector.json beside it; absent when there is no such file.
Result<std::optional<DetectorSpec>> detector_beside(const fs::path& model);

class BoxDecoder {
 public:
  // Usage error naming the output that is missing or has another shape than the head needs.
  static Result<BoxDecoder> create(const DetectorSpec& spec, const std::vector<TensorSpec>& outputs,
                                   int64_t tensor_width, int64_t tensor_height);
  BoxDecoder(BoxDecoder&&) noexcept;
  BoxDecoder& operator=(BoxDecoder&&) noexcept;
  ~BoxDecoder();
  // `outputs`: one pointer an output of the engine, in its order. Threshold, best
  // max_candidates, suppression (stable: score, then label, then position), clipped to the frame.
  // Boxes that are not finite are dropped. Returns how many were written, best first.
  int64_t decode(std::span<void* const> outputs, const TensorToFrame& map, int64_t frame_width,
                 int64_t frame_height, std::span<Box> out) noexcept;

 private:
  struct Impl;
  explicit BoxDecoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

double iou(const Box& a, const Box& b);

// Greedy suppression of `n` boxes that stand best first: a box is kept unless its IoU with one kept
// before (of its class, when per_class) is over `max_iou`. keep[i] is set to 1 or 0; at most
// `max_kept` are kept. Returns how many.
int64_t suppress(std::span<const Box> boxes, double max_iou, bool per_class, int64_t max_kept,
                 std::span<uint8_t> keep) noexcept;

// Two sets of boxes of one frame, greedily by falling IoU: same class and IoU >= min_iou.
struct BoxPair {
  int64_t a = -1, b = -1;
  double iou = 0, drift = 0, score_change = 0;  // drift: largest coordinate difference, pixels
};
struct BoxMatch {
  std::vector<BoxPair> pairs;
  std::vector<int64_t> only_a, only_b;  // unmatched
  bool same() const { return only_a.empty() && only_b.empty(); }
};
BoxMatch match_boxes(std::span<const Box> a, std::span<const Box> b, double min_iou = 0.5);

// Mean average precision at one IoU over a data set, all-points interpolation (PASCAL VOC 2010+).
// Classes without ground truth are left out; absent when no class has any.
struct FrameBoxes {
  std::vector<Box> found, truth;
};
struct MeanPrecision {
  double map = 0;
  std::vector<std::optional<double>> by_class;
};
std::optional<MeanPrecision> mean_precision(std::span<const FrameBoxes> frames, int64_t classes,
                                            double min_iou = 0.5);

}  // namespace assay::vision
