// SPDX-License-Identifier: Apache-2.0
// One block of inputs compared over all pairs of views; blocks are combined in order, so that
// threads change nothing.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "compare/compare.h"
#include "compare/kernels.h"
#include "compare/top_row.h"

namespace assay::compare {

// What a block of inputs adds to one pair. `part` holds counts and maxima; its means are unused.
struct BlockPair {
  Distance part;
  double sum_abs = 0, sum_rel = 0, sum_cosine = 0;
  int64_t compared = 0;
  Labels labels;  // counts, maxima and flips
};

// Scratch of one thread, and the kernels it uses.
class BlockComparer {
 public:
  BlockComparer(std::span<const View> views, bool labels, bool logits, const Kernels& kernels);
  // Compares inputs [first, last): one BlockPair a pair in `out`; sets top1_differs[pair][input]
  // for flips.
  void run(int64_t first, int64_t last, std::span<BlockPair> out,
           std::span<uint8_t* const> top1_differs);

 private:
  struct RowState {
    double dot, norm_a, norm_b, max_abs;
    bool differs;
  };
  void prepare(int64_t first, int64_t rows, int64_t begin, int64_t count);
  void distances(int64_t first, int64_t rows, int64_t begin, int64_t count,
                 std::span<BlockPair> out);
  void finish_rows(int64_t first, int64_t rows, std::span<BlockPair> out);
  void label_rows(int64_t first, int64_t rows, std::span<BlockPair> out,
                  std::span<uint8_t* const> top1_differs);
  const std::byte* row(size_t view, int64_t input, int64_t element = 0) const;

  std::span<const View> views_;
  bool labels_, logits_, fast_;
  const Kernels& kernels_;
  DType dtype_;
  int64_t item_, size_, segment_, padded_,
      group_;  // elements a segment, the same padded, inputs a group
  struct Free {
    void operator()(void* p) const;
  };
  std::unique_ptr<float[], Free> floats_;
  std::unique_ptr<int32_t[], Free> ranks_;
  std::vector<double> norms_;
  std::vector<uint8_t> clean_;
  std::vector<uint32_t> unary_;
  std::vector<RowState> states_;
  std::vector<TopRow> tops_;
  std::vector<float> whole_row_;
};

}  // namespace assay::compare
