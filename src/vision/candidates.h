// SPDX-License-Identifier: Apache-2.0
// The best boxes of a head before suppression, in memory taken beforehand. Internal to vision.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "vision/boxes.h"

namespace assay::vision {

struct Candidate {
  Box box;               // in pixels of the tensor
  int64_t position = 0;  // in the head: the last word between equals
};

// Score first, then label, then position: the same order on every machine.
inline bool better(const Candidate& a, const Candidate& b) {
  if (a.box.score != b.box.score) return a.box.score > b.box.score;
  if (a.box.label != b.box.label) return a.box.label < b.box.label;
  return a.position < b.position;
}

class Candidates {
 public:
  explicit Candidates(int64_t most) : most_(static_cast<size_t>(most)) { kept_.reserve(most_ + 1); }
  void clear() { kept_.clear(); }
  // Boxes that are not finite are dropped here.
  void add(const Candidate& c) {
    const Box& b = c.box;
    if (!std::isfinite(b.x0) || !std::isfinite(b.y0) || !std::isfinite(b.x1) ||
        !std::isfinite(b.y1) || !std::isfinite(b.score) || !(b.x0 <= b.x1) || !(b.y0 <= b.y1))
      return;
    if (kept_.size() == most_ && !better(c, kept_.front())) return;
    kept_.push_back(c);
    std::push_heap(kept_.begin(), kept_.end(), better);  // the worst on top
    if (kept_.size() <= most_) return;
    std::pop_heap(kept_.begin(), kept_.end(), better);
    kept_.pop_back();
  }
  // Best first.
  std::span<Candidate> sorted() {
    std::sort_heap(kept_.begin(), kept_.end(), better);
    return kept_;
  }

 private:
  size_t most_;
  std::vector<Candidate> kept_;
};

// Greedy suppression: a box goes when a better one that stays (of its class, with `per_class`)
// overlaps it by more than `most_iou`. `sorted` best first; writes at most out.size().
int64_t suppress(std::span<const Candidate> sorted, double most_iou, bool per_class,
                 std::span<Box> out) noexcept;

}  // namespace assay::vision
