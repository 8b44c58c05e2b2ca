// SPDX-License-Identifier: Apache-2.0
// The part of the CUDA driver interface that a runner needs to launch a captured graph: opened at
// run time, declared here, no CUDA toolkit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "python.h"

namespace assay::host {

using CuResult = int;
using CuPointer = unsigned long long;
using CuHandle = void*;  // context, stream, graph, executable graph

struct Cuda {
  CuResult (*init)(unsigned) = nullptr;
  CuResult (*device_get)(int*, int) = nullptr;
  CuResult (*primary_retain)(CuHandle*, int) = nullptr;
  CuResult (*set_current)(CuHandle) = nullptr;
  CuResult (*stream_create)(CuHandle*, unsigned) = nullptr;
  CuResult (*stream_destroy)(CuHandle) = nullptr;
  CuResult (*stream_synchronize)(CuHandle) = nullptr;
  CuResult (*mem_alloc)(CuPointer*, size_t) = nullptr;
  CuResult (*mem_free)(CuPointer) = nullptr;
  CuResult (*host_alloc)(void**, size_t, unsigned) = nullptr;
  CuResult (*host_free)(void*) = nullptr;
  CuResult (*to_device)(CuPointer, const void*, size_t, CuHandle) = nullptr;
  CuResult (*to_host)(void*, CuPointer, size_t, CuHandle) = nullptr;
  CuResult (*begin_capture)(CuHandle, int) = nullptr;
  CuResult (*end_capture)(CuHandle, CuHandle*) = nullptr;
  CuResult (*instantiate)(CuHandle*, CuHandle, unsigned long long) = nullptr;
  CuResult (*exec_destroy)(CuHandle) = nullptr;
  CuResult (*graph_destroy)(CuHandle) = nullptr;
  CuResult (*graph_launch)(CuHandle, CuHandle) = nullptr;
  CuResult (*error_name)(CuResult, const char**) = nullptr;

  // ok, or `status` with "WHAT: CUDA_ERROR_...".
  Outcome check(CuResult result, const std::string& what, assay_status status = ASSAY_FAILED) const;
  std::string name_of(CuResult result) const;
};

// The driver of this machine; `missing` where there is none or one that is too old (before 11.4).
Expected<const Cuda*> open_cuda();

// Number of a device "cuda:N"; `unsupported` for another text.
Expected<int> device_number(const std::string& device);

// The primary context of a device, made current in this thread.
Expected<CuHandle> open_device(const Cuda& cuda, int number);

}  // namespace assay::host
