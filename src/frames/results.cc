// SPDX-License-Identifier: Apache-2.0
#include "frames/results.h"

#include <algorithm>

namespace assay::frames {
namespace {

constexpr int64_t most_boxes = int64_t{1} << 22;  // 96 MiB a stream

}  // namespace

void StreamResults::reserve(int64_t frames, int64_t each) {
  entries_.resize(static_cast<size_t>(std::min(frames, most_boxes)));
  pool_.resize(static_cast<size_t>(std::min(most_boxes, frames * each)));
}

void StreamResults::begin(int64_t frame, int64_t image, bool boxes) noexcept {
  open_ = used_ < entries_.size();
  if (!open_) return;
  entries_[used_++] = {frame, image, static_cast<int64_t>(taken_), 0, 0, boxes, false};
}

void StreamResults::put(const vision::Box& box, int64_t Entry::*count) noexcept {
  if (!open_) return;
  Entry& entry = entries_[used_ - 1];
  if (taken_ == pool_.size()) {
    entry.cut = true;
    return;
  }
  pool_[taken_++] = box;
  ++(entry.*count);
}

void StreamResults::add(const vision::Box& box) noexcept { put(box, &Entry::found); }

void StreamResults::add_crop(int32_t label, float score) noexcept {
  put({0, 0, 0, 0, score, label}, &Entry::crops);
}

std::string StreamResults::lines(int64_t stream) const {
  std::string out;
  for (size_t i = 0; i < used_; ++i) {
    const Entry& e = entries_[i];
    Json line = {{"stream", stream}, {"frame", e.frame}, {"image", e.image}};
    Json found = Json::array(), crops = Json::array();
    for (int64_t k = 0; k < e.found + e.crops; ++k) {
      const vision::Box& b = pool_[static_cast<size_t>(e.first + k)];
      if (k >= e.found)
        crops.push_back({b.label, b.score});
      else if (e.boxes)
        found.push_back({b.x0, b.y0, b.x1, b.y1, b.score, b.label});
      else
        found.push_back({b.label, b.score});
    }
    line[e.boxes ? "boxes" : "labels"] = found;
    if (!crops.empty()) line["crops"] = crops;
    if (e.cut) line["cut"] = true;
    out += dump_json(line) + "\n";
  }
  return out;
}

Status write_results(const fs::path& dir, std::span<const StreamResults* const> streams) {
  std::string text;
  for (size_t s = 0; s < streams.size(); ++s) text += streams[s]->lines(static_cast<int64_t>(s));
  return write_file_atomic(dir / "results.jsonl", text);
}

}  // namespace assay::frames
