// SPDX-License-Identifier: Apache-2.0
// CUPTI's activity records, as far as they are read here.
//
// CUpti_ActivityKernel4 to ...Kernel13 (CUDA 9.0 to 13.5) differ only behind these members: their
// offsets were compared by compiling cupti_activity.h of the toolkits 11.8, 12.9 and 13.5, which
// declare all ten. cuptiGetVersion counts 10 (9.0) to 28 (12.9 update 1) and then says 13xxyy.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay::platform {

inline constexpr unsigned kCuptiOldest = 10, kCuptiLastCounted = 28;
inline constexpr unsigned kCuptiFirstNamed = 130000, kCuptiNewest = 130599;
constexpr bool cupti_known(unsigned version) {
  return (version >= kCuptiOldest && version <= kCuptiLastCounted) ||
         (version >= kCuptiFirstNamed && version <= kCuptiNewest);
}

inline constexpr uint32_t kCuptiKernel = 3, kCuptiConcurrentKernel = 10;  // CUpti_ActivityKind
inline constexpr int kCuptiNoMore = 12;  // CUPTI_ERROR_MAX_LIMIT_REACHED

struct CuptiKernel {
  uint32_t kind;
  unsigned char of_no_use_here[12];
  uint64_t start, end, completed;  // ns; 0: not known
  uint32_t device, context, stream;
  int32_t grid[3], block[3];
  int32_t static_shared, dynamic_shared;
  uint32_t local_of_thread, local_total, correlation;
  int64_t grid_id;
  const char* name;
};
static_assert(offsetof(CuptiKernel, start) == 16 && offsetof(CuptiKernel, end) == 24 &&
              offsetof(CuptiKernel, device) == 40 && offsetof(CuptiKernel, stream) == 48 &&
              offsetof(CuptiKernel, grid) == 52 && offsetof(CuptiKernel, block) == 64 &&
              offsetof(CuptiKernel, correlation) == 92 && offsetof(CuptiKernel, name) == 104);

using CuptiRequest = void (*)(uint8_t** buffer, size_t* size, size_t* most_records);
using CuptiComplete = void (*)(void* context, uint32_t stream, uint8_t* buffer, size_t size,
                               size_t valid);

}  // namespace assay::platform
