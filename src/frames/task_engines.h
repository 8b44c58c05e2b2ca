// SPDX-License-Identifier: Apache-2.0
// The engines of one task: a context with one bound slot for each worker thread that needs it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frames/alloc_count.h"
#include "frames/request.h"
#include "worker/feed.h"
#include "worker/runner_library.h"

namespace assay::frames {

class TaskContext {
 public:
  TaskContext(worker::Engine& engine, assay_context* context, bool own);
  ~TaskContext();
  TaskContext(const TaskContext&) = delete;
  TaskContext& operator=(const TaskContext&) = delete;

  worker::LaunchStatus bind();
  const worker::Engine& engine() const { return engine_; }
  void* input() const { return slot_.inputs[0].data(); }
  std::span<void* const> outputs() const { return outputs_; }
  // One inference of what lies in `input` now; what it allocates on this thread is the compiler's.
  int run() noexcept {
    const InCompiler tag;
    if ((engine_.flags() & ASSAY_CAP_INPUTS_AT_BIND) != 0) {
      char text[512] = "";
      const int status =
          engine_.api().bind(context_, 0, inputs_.data(), outputs_.data(), text, sizeof text);
      if (status != ASSAY_OK) return status;
    }
    return engine_.api().run(context_, 0);
  }
  std::string last_error() const;

 private:
  worker::Engine& engine_;
  assay_context* context_;
  bool own_;  // else it is the engine's
  worker::Slot slot_;
  std::vector<void*> inputs_, outputs_;
};

class TaskEngines {
 public:
  // `contexts` of one engine where the runner says that threads may share it, else an engine each.
  // Error invalid when manifest.json says other tensors, or there is not exactly one input.
  static worker::Launched<TaskEngines> open(const TaskSpec& task, int contexts);
  TaskContext& context(int i) { return *contexts_[static_cast<size_t>(i)]; }
  const worker::Engine& engine() const { return *engines_.front(); }
  int64_t engines() const { return static_cast<int64_t>(engines_.size()); }
  int64_t contexts() const { return static_cast<int64_t>(contexts_.size()); }

 private:
  std::vector<std::unique_ptr<worker::Engine>> engines_;  // outlive the contexts
  std::vector<std::unique_ptr<TaskContext>> contexts_;
};

}  // namespace assay::frames
