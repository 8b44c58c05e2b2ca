// SPDX-License-Identifier: Apache-2.0
// What is found out about an engine by running it a second time, outside of any timing: which
// kernels run, and the value of a tensor inside.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "onnx_wire.h"
#include "ort_session.h"

namespace assay::ort {

struct Kernel {
  std::string layer;      // node name, or "<Op>_<index>"
  std::string kernel;     // "CPU:[domain.]Op[+Activation]"
  std::string precision;  // of its first output: "fp32", "int64", ...
};

// The kernels in a trace of ONNX Runtime's profiler (JSON text), in order of execution.
// ASSAY_FAILED when it is no such trace or lists no kernel. Same map as ort_kernels.py.
Result<std::vector<Kernel>> parse_profile(std::string_view json, const OnnxFacts& facts);

// Opens `model` once more under the profiler, runs it on zeros and lists its kernels. The trace is
// written to a new folder below TMPDIR (else /tmp) and removed.
Result<std::vector<Kernel>> profile_kernels(const Library& library, std::string_view model,
                                            int threads, const OnnxFacts& facts);

// Time of one kernel of one run, as the profiler tells it: whole microseconds.
struct RunTimes {
  std::vector<int64_t> kernel_us;  // in the order of the kernel map
  int64_t whole_us = 0;            // ONNX Runtime's own span around the run
};
// The runs in a trace of several, in order. ASSAY_UNSUPPORTED when a run has other kernels than
// `kernels` (a branch that depends on the input), ASSAY_FAILED when it is no such trace.
Result<std::vector<RunTimes>> parse_run_times(std::string_view json,
                                              const std::vector<Kernel>& kernels,
                                              const OnnxFacts& facts);

// A session of `model` under the profiler; `run` runs it `runs` times. The trace's text.
Result<std::string> profile_runs(const Library& library, std::string_view model, int threads,
                                 int runs, const std::function<Status(const Session&)>& run);

// A session of a model with one more output.
class TensorProbe {
 public:
  // `name`: of a tensor, or of a layer: then the first tensor it writes. A tensor in the blocked
  // layout is read in the plain one. ASSAY_UNSUPPORTED when no node of the engine writes it (fused
  // away or never there).
  static Result<TensorProbe> open(const Library& library, std::string_view model,
                                  const OnnxFacts& facts, int threads, const std::string& name);

  // Runs the model on `inputs` (one pointer per input) and describes the tensor in `out`. With
  // `data` its bytes are copied there; ASSAY_INVALID when `data_bytes` is not its size.
  Status read(void* const* inputs, Tensor* out, void* data, size_t data_bytes) const;
  const std::string& name() const { return name_; }

 private:
  TensorProbe(const Library& library, Session session, std::string name, std::string output)
      : library_(&library),
        session_(std::move(session)),
        name_(std::move(name)),
        output_(std::move(output)) {}
  const Library* library_;
  Session session_;
  std::string name_, output_;  // as asked for; of the session
};

}  // namespace assay::ort
