// SPDX-License-Identifier: Apache-2.0
#include "vision/jpeg_memory.h"

#include <jerror.h>

#include <cstring>

namespace assay::vision {

// What libjpeg knows as a jvirt_sarray_ptr or jvirt_barray_ptr and never looks into.
struct VirtualRows {
  void** rows;         // null until realised
  size_t bytes_a_row;  // used ones
  JDIMENSION count, max_access;
  bool zero;
  VirtualRows* next;
};

namespace {

JpegMemory* memory_of(j_common_ptr info) { return reinterpret_cast<JpegMemory*>(info->mem); }

void* take(j_common_ptr info, size_t bytes) {
  JpegMemory* memory = memory_of(info);
  void* at = memory->arena->take(bytes);
  if (at == nullptr) {
    *memory->no_memory = true;
    ERREXIT1(info, JERR_OUT_OF_MEMORY, 0);
  }
  return at;
}

void* on_alloc(j_common_ptr info, int, size_t bytes) { return take(info, bytes); }

// libjpeg's vector code works on whole registers: rows are aligned and end at a multiple of two
// lines, so that it may go past the last sample.
void** rows_of(j_common_ptr info, size_t bytes_a_row, size_t count) {
  const size_t line = 2 * Arena::kAlign, stride = (bytes_a_row + line - 1) / line * line;
  auto** rows = static_cast<void**>(take(info, count * sizeof(void*)));
  auto* at = static_cast<uint8_t*>(take(info, stride * count));
  for (size_t i = 0; i < count; ++i) rows[i] = at + i * stride;
  return rows;
}

JSAMPARRAY on_alloc_samples(j_common_ptr info, int, JDIMENSION samples, JDIMENSION rows) {
  return reinterpret_cast<JSAMPARRAY>(rows_of(info, size_t{samples} * sizeof(JSAMPLE), rows));
}
JBLOCKARRAY on_alloc_blocks(j_common_ptr info, int, JDIMENSION blocks, JDIMENSION rows) {
  return reinterpret_cast<JBLOCKARRAY>(rows_of(info, size_t{blocks} * sizeof(JBLOCK), rows));
}

VirtualRows* request(j_common_ptr info, boolean zero, size_t bytes_a_row, JDIMENSION count,
                     JDIMENSION max_access) {
  auto* rows = static_cast<VirtualRows*>(take(info, sizeof(VirtualRows)));
  *rows = {nullptr, bytes_a_row, count, max_access, zero != FALSE, memory_of(info)->pending};
  memory_of(info)->pending = rows;
  return rows;
}
jvirt_sarray_ptr on_request_samples(j_common_ptr info, int, boolean zero, JDIMENSION samples,
                                    JDIMENSION rows, JDIMENSION max_access) {
  return reinterpret_cast<jvirt_sarray_ptr>(
      request(info, zero, size_t{samples} * sizeof(JSAMPLE), rows, max_access));
}
jvirt_barray_ptr on_request_blocks(j_common_ptr info, int, boolean zero, JDIMENSION blocks,
                                   JDIMENSION rows, JDIMENSION max_access) {
  return reinterpret_cast<jvirt_barray_ptr>(
      request(info, zero, size_t{blocks} * sizeof(JBLOCK), rows, max_access));
}

void on_realize(j_common_ptr info) {
  JpegMemory* memory = memory_of(info);
  for (; memory->pending != nullptr; memory->pending = memory->pending->next) {
    VirtualRows& array = *memory->pending;
    array.rows = rows_of(info, array.bytes_a_row, array.count);
    if (!array.zero) continue;
    for (JDIMENSION i = 0; i < array.count; ++i) std::memset(array.rows[i], 0, array.bytes_a_row);
  }
}

void** access(j_common_ptr info, VirtualRows* array, JDIMENSION start, JDIMENSION count) {
  if (array->rows == nullptr || count > array->max_access || start > array->count ||
      count > array->count - start)
    ERREXIT(info, JERR_BAD_VIRTUAL_ACCESS);
  return array->rows + start;
}
JSAMPARRAY on_access_samples(j_common_ptr info, jvirt_sarray_ptr array, JDIMENSION start,
                             JDIMENSION count, boolean) {
  return reinterpret_cast<JSAMPARRAY>(
      access(info, reinterpret_cast<VirtualRows*>(array), start, count));
}
JBLOCKARRAY on_access_blocks(j_common_ptr info, jvirt_barray_ptr array, JDIMENSION start,
                             JDIMENSION count, boolean) {
  return reinterpret_cast<JBLOCKARRAY>(
      access(info, reinterpret_cast<VirtualRows*>(array), start, count));
}

void on_free_pool(j_common_ptr, int) {}
void on_destruct(j_common_ptr info) { info->mem = nullptr; }

}  // namespace

void JpegMemory::init(Arena* from, bool* failed) {
  pub = {on_alloc,          on_alloc,   on_alloc_samples,  on_alloc_blocks,  on_request_samples,
         on_request_blocks, on_realize, on_access_samples, on_access_blocks, on_free_pool,
         on_destruct,       1L << 30,   1L << 30};
  arena = from;
  pending = nullptr;
  no_memory = failed;
}

}  // namespace assay::vision
