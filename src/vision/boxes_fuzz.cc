// SPDX-License-Identifier: Apache-2.0
// A detector's JSON up to the first zero byte, then the numbers of its outputs, repeated as often
// as needed; each output stands alone in memory, so that a read past its end is seen.
#include <cmath>
#include <cstring>
#include <memory>

#include "model/fuzz_driver.h"
#include "vision/boxes.h"

namespace {

using namespace assay;
using namespace assay::vision;

// Outputs that fit `spec` on a tensor of 64 x 48 pixels; empty when they would be large.
std::vector<TensorSpec> outputs_for(const DetectorSpec& spec, DType type) {
  constexpr int64_t kWidth = 64, kHeight = 48;
  int64_t rows = static_cast<int64_t>(spec.priors.size());
  std::vector<TensorSpec> out;
  switch (spec.kind) {
    case HeadKind::yolo_anchors:
      for (const auto& l : spec.levels)
        out.push_back({l.output,
                       type,
                       {1, static_cast<int64_t>(l.anchors.size()) * (5 + spec.classes),
                        kHeight / l.stride, kWidth / l.stride}});
      break;
    case HeadKind::yolo_flat:
      out.push_back({spec.boxes_output, type, {1, 9, (spec.objectness ? 5 : 4) + spec.classes}});
      break;
    case HeadKind::retinanet:
      for (const auto& l : spec.levels)
        rows += ((kWidth - 1) / l.stride + 1) * ((kHeight - 1) / l.stride + 1) *
                static_cast<int64_t>(l.anchors.size());
      [[fallthrough]];
    case HeadKind::ssd:
      out.push_back({spec.boxes_output, type, {1, rows, 4}});
      out.push_back(
          {spec.scores_output, type, {rows, spec.classes + (spec.kind == HeadKind::ssd ? 1 : 0)}});
      break;
    case HeadKind::boxes:
      out.push_back({spec.labels_output, type, {5}});
      out.push_back({spec.scores_output, type, {1, 5}});
      out.push_back({spec.boxes_output, type, {5, 4}});
      break;
  }
  int64_t all = 0;
  for (const TensorSpec& t : out) all += t.elements();
  if (all > 100000) out.clear();
  return out;
}

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* end = static_cast<const uint8_t*>(size ? std::memchr(data, 0, size) : nullptr);
  const size_t length = end ? static_cast<size_t>(end - data) : size;
  const auto json = parse_json({reinterpret_cast<const char*>(data), length}, "fuzz");
  if (!json) return 0;
  const auto spec = detector_from_json(*json, "fuzz");
  if (!spec) {
    expect(spec.error().code == ExitCode::usage && !spec.error().message.empty());
    return 0;
  }
  expect(dump_json(to_json(detector_from_json(to_json(*spec), "again").value())) ==
         dump_json(to_json(*spec)));
  constexpr DType kTypes[] = {DType::f32, DType::f16, DType::f64, DType::i64, DType::bf16};
  const std::vector<uint8_t> numbers(data + std::min(size, length + 1), data + size);
  const DType type = kTypes[numbers.empty() ? 0 : numbers[0] % std::size(kTypes)];
  const auto outputs = outputs_for(*spec, type);
  auto decoder = BoxDecoder::create(*spec, outputs, 64, 48);
  if (!decoder) {
    expect(decoder.error().code == ExitCode::usage && !decoder.error().message.empty());
    return 0;
  }
  std::vector<std::unique_ptr<std::byte[]>> memory;
  std::vector<void*> pointers;
  size_t at = 1;
  for (const TensorSpec& t : outputs) {
    const auto bytes = static_cast<size_t>(t.bytes());
    memory.emplace_back(new std::byte[bytes]);
    for (size_t i = 0; i < bytes; ++i, ++at)
      memory.back()[i] = numbers.empty() ? std::byte{} : std::byte{numbers[at % numbers.size()]};
    pointers.push_back(memory.back().get());
  }
  std::vector<Box> boxes(static_cast<size_t>(spec->max_boxes));
  const int64_t n = decoder->decode(pointers, {1.5, 2, 3, -4}, 90, 100, boxes);
  expect(n >= 0 && n <= spec->max_boxes);
  for (int64_t i = 0; i < n; ++i) {
    const Box& b = boxes[static_cast<size_t>(i)];
    expect(b.x0 >= 0 && b.x0 < b.x1 && b.x1 <= 90 && b.y0 >= 0 && b.y0 < b.y1 && b.y1 <= 100);
    expect(b.label >= 0 && b.label < spec->classes && std::isfinite(b.score));
    expect(i == 0 || boxes[static_cast<size_t>(i - 1)].score >= b.score);
  }
  return 0;
}

#ifndef ASSAY_LIBFUZZER
int main(int argc, char** argv) {
  const float numbers[] = {0.3f, 2, -1, 5, 0.9f, 12, 40, -7, NAN, INFINITY, 1e30f, 0.6f, 20, 31};
  std::string tail(1, '\0');
  tail.append(reinterpret_cast<const char*>(numbers), sizeof(numbers));
  std::vector<std::string> seeds;
  for (
      const char* json :
      {R"({"kind": "yolo-anchors", "classes": 2, "levels": [
{"output": "y", "stride": 16, "anchors": [[10, 14.5], [3, 4]]}, {"output": "z", "stride": 8, "anchors": [[1, 2]]}]})",
       R"({"kind": "yolo-anchors", "classes": 3, "softmax_classes": true, "score_threshold": 0.01, "levels": [{"stride": 16, "anchors": [[9, 9]]}]})",
       R"({"kind": "yolo-flat", "classes": 4, "objectness": false, "max_boxes": 7})",
       R"({"kind": "yolo-flat", "classes": 1, "boxes_output": "out", "score_threshold": 0})",
       R"({"kind": "ssd", "classes": 1, "boxes_output": "b", "scores_output": "s", "softmax_classes": true,
"priors": [[0.5, 0.5, 0.1, 0.2], [0.2, 0.2, 1, 1]], "variances": [0.1, 0.1, 0.2, 0.3]})",
       R"({"kind": "retinanet", "classes": 2, "boxes_output": "b", "scores_output": "s",
"levels": [{"stride": 16, "anchors": [[32, 32], [8, 9]]}], "anchor_offset": 0.5, "max_candidates": 3, "max_boxes": 2})",
       R"({"kind": "boxes", "classes": 3, "boxes_output": "b", "scores_output": "s", "labels_output": "l", "nms_iou": 1})"})
    for (const char type : {0, 1, 2, 3, 4})
      seeds.push_back(json + tail.substr(0, 1) + std::string(1, type) + tail.substr(1));
  return assay::fuzz(argc, argv, seeds);
}
#endif
