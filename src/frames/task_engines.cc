// SPDX-License-Identifier: Apache-2.0
#include "frames/task_engines.h"

#include "base/text.h"
#include "worker/session.h"

namespace assay::frames {

TaskContext::TaskContext(worker::Engine& engine, assay_context* context, bool own)
    : engine_(engine),
      context_(context),
      own_(own),
      slot_(engine.inputs(), engine.outputs()),
      inputs_(slot_.input_pointers()),
      outputs_(slot_.output_pointers()) {}

TaskContext::~TaskContext() {
  if (own_) engine_.api().context_destroy(context_);
}

worker::LaunchStatus TaskContext::bind() {
  char text[512] = "";
  const int status =
      engine_.api().bind(context_, 0, inputs_.data(), outputs_.data(), text, sizeof text);
  if (status != ASSAY_OK) {
    text[sizeof text - 1] = '\0';
    return worker::launch_error("failed", fmt::format("bind: status {}: {}", status, text));
  }
  return {};
}

std::string TaskContext::last_error() const {
  const char* text = engine_.api().last_error(context_);
  return one_line(text == nullptr ? "" : text);
}

worker::Launched<TaskEngines> TaskEngines::open(const TaskSpec& task, int contexts) {
  auto library = worker::RunnerLibrary::load(task.runner);
  if (!library) return tl::unexpected(library.error());
  worker::LaunchRequest request;
  request.runner = task.runner;
  request.engine_dir = task.engine_dir;
  request.library = task.library;
  request.device = task.device;
  request.precision = task.precision;
  request.threads = task.threads;
  request.options = task.options;
  TaskEngines all;
  for (int i = 0; i < contexts; ++i) {
    assay_context* shared = nullptr;
    if (i > 0 && (all.engine().flags() & ASSAY_CAP_CONTEXTS_THREADED) != 0) {
      char text[512] = "";
      // A runner that has no more contexts gets another engine.
      if (all.engine().api().context_create(all.engine().handle(), 1, &shared, text, sizeof text) !=
          ASSAY_OK)
        shared = nullptr;
    }
    if (shared != nullptr) {
      all.contexts_.push_back(std::make_unique<TaskContext>(*all.engines_.front(), shared, true));
    } else {
      auto engine = worker::Engine::open(*library, request, 1);
      if (!engine) return tl::unexpected(engine.error());
      if (auto same = worker::check_manifest(task.engine_dir, **engine); !same)
        return tl::unexpected(same.error());
      if ((*engine)->inputs().size() != 1)
        return worker::launch_error("invalid", fmt::format("task {}: the engine takes {} inputs, "
                                                           "expected one image",
                                                           task.name, (*engine)->inputs().size()));
      all.engines_.push_back(std::move(*engine));
      all.contexts_.push_back(std::make_unique<TaskContext>(*all.engines_.back(),
                                                            all.engines_.back()->context(), false));
    }
    if (auto bound = all.contexts_.back()->bind(); !bound) return tl::unexpected(bound.error());
  }
  return all;
}

}  // namespace assay::frames
