// SPDX-License-Identifier: Apache-2.0
// A runner (include/assay/runner.h) behind checks: handshake, open engine, one context, owned in
// that order.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "assay/runner.h"
#include "base/dtype.h"
#include "base/json.h"
#include "worker/request.h"

namespace assay::worker {

// What the `error` event says: kind is invalid, unsupported, missing or failed.
struct LaunchError {
  std::string kind, message;
};
template <class T>
using Launched = tl::expected<T, LaunchError>;
using LaunchStatus = tl::expected<void, LaunchError>;
inline tl::unexpected<LaunchError> launch_error(std::string kind, std::string message) {
  return tl::unexpected<LaunchError>(LaunchError{std::move(kind), std::move(message)});
}
LaunchError from_error(const Error& error);  // usage -> invalid, missing -> missing, else failed

// The loaded shared object; never unloaded (runtimes leave threads and thread-local destructors
// behind).
class RunnerLibrary {
 public:
  // Checks path, symbol, ABI version, struct size, mandatory functions and sanitizer.
  static Launched<RunnerLibrary> load(const fs::path& path);
  const assay_runner_api& api() const { return *api_; }

 private:
  std::shared_ptr<assay_runner_api>
      api_;  // own copy: members past the runner's struct_size are null
};

// An open engine with one context of `slots` slots. Not movable: the C API holds no back pointers,
// but one owner is enough.
class Engine {
 public:
  static Launched<std::unique_ptr<Engine>> open(const RunnerLibrary& library,
                                                const LaunchRequest& request, int32_t slots);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const std::vector<TensorSpec>& inputs() const { return inputs_; }
  const std::vector<TensorSpec>& outputs() const { return outputs_; }
  uint32_t flags() const { return flags_; }
  const std::string& compiler() const { return compiler_; }
  const std::string& version() const { return version_; }
  const std::string& decides_at() const { return decides_at_; }
  int64_t load_ns() const { return load_ns_; }  // engine_open alone
  const assay_runner_api& api() const { return api_; }
  assay_context* context() const { return context_; }
  // For further contexts (ASSAY_CAP_CONTEXTS_THREADED); they are destroyed before this engine is.
  assay_engine* handle() const { return engine_; }

  LaunchStatus bind(int32_t slot, const std::vector<void*>& inputs,
                    const std::vector<void*>& outputs);
  LaunchStatus run(int32_t slot);
  LaunchError run_error(int status) const;  // of a run() of the context that returned `status`
  // The value of an inner tensor for the inputs bound to `slot`; `bytes` is null when only its
  // description is wanted. ASSAY_CAP_TENSOR_READ must be set.
  Launched<TensorSpec> tensor_read(int32_t slot, const std::string& name,
                                   std::vector<std::byte>* bytes);
  // Runs `slot` `runs` times under the runner's own instrumentation. ASSAY_CAP_LAYER_TIMES.
  LaunchStatus layer_times(int32_t slot, int32_t runs, assay_layer_time_sink sink, void* user);
  // The kernel map as `kernel` events, in the order reported. At most 100 000 lines.
  Launched<std::vector<Json>> kernel_map();

 private:
  explicit Engine(const assay_runner_api& api) : api_(api) {}
  LaunchStatus read_capabilities();
  LaunchStatus read_tensors(bool input, std::vector<TensorSpec>& into);

  assay_runner_api api_;
  assay_engine* engine_ = nullptr;
  assay_context* context_ = nullptr;
  std::vector<TensorSpec> inputs_, outputs_;
  uint32_t flags_ = 0;
  std::string compiler_, version_, decides_at_;
  int64_t load_ns_ = 0;
};

}  // namespace assay::worker
