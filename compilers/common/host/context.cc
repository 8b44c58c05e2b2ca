// SPDX-License-Identifier: Apache-2.0
#include "context.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace assay::host {
namespace {

constexpr unsigned kNonBlocking = 1;  // CU_STREAM_NON_BLOCKING
constexpr int kRelaxed = 2;           // CU_STREAM_CAPTURE_MODE_RELAXED

// The device context that was made current in this thread last.
thread_local CuHandle current_device = nullptr;

}  // namespace

Expected<std::unique_ptr<Context>> Context::create(const Cuda& cuda, CuHandle device,
                                                   const std::vector<Tensor>& inputs,
                                                   const std::vector<Tensor>& outputs,
                                                   int32_t slots, Enqueue enqueue) {
  std::unique_ptr<Context> context(new Context(cuda, device, inputs, outputs, std::move(enqueue)));
  if (auto done = context->make_current(); !done) return tl::unexpected(done.error());
  if (auto done = cuda.check(cuda.stream_create(&context->stream_, kNonBlocking), "stream"); !done)
    return tl::unexpected(done.error());
  context->slots_.resize(static_cast<size_t>(slots));
  return context;
}

Context::~Context() {
  if (stream_ == nullptr || !make_current()) return;
  for (Slot& slot : slots_) free(slot);
  cuda_.stream_destroy(stream_);
}

Outcome Context::make_current() const {
  if (current_device == device_) return {};
  if (auto done = cuda_.check(cuda_.set_current(device_), "context"); !done) return done;
  current_device = device_;
  return {};
}

bool Context::is_bound(int32_t slot) const {
  return slot >= 0 && static_cast<size_t>(slot) < slots_.size() &&
         slots_[static_cast<size_t>(slot)].bound;
}

void Context::free(Slot& slot) const {
  if (slot.graph != nullptr) cuda_.exec_destroy(slot.graph);
  for (CuPointer p : slot.on_device.inputs) cuda_.mem_free(p);
  for (CuPointer p : slot.on_device.outputs) cuda_.mem_free(p);
  for (void* p : slot.staging) cuda_.host_free(p);
  slot = Slot();
}

Outcome Context::allocate(Slot& slot) const {
  const auto on_device = [&](const Tensor& tensor, std::vector<CuPointer>& list) -> Outcome {
    CuPointer made = 0;
    auto done = cuda_.check(cuda_.mem_alloc(&made, std::max<size_t>(tensor.bytes, 1)),
                            "device memory for " + tensor.name);
    if (done) list.push_back(made);
    return done;
  };
  for (const Tensor& tensor : inputs_)
    if (auto done = on_device(tensor, slot.on_device.inputs); !done) return done;
  for (const Tensor& tensor : outputs_) {
    if (auto done = on_device(tensor, slot.on_device.outputs); !done) return done;
    void* made = nullptr;
    if (auto done = cuda_.check(cuda_.host_alloc(&made, std::max<size_t>(tensor.bytes, 1), 0),
                                "page-locked memory for " + tensor.name);
        !done)
      return done;
    slot.staging.push_back(made);
  }
  return {};
}

Outcome Context::fetch(const Slot& slot) const {
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (outputs_[i].bytes == 0) continue;
    if (auto done = cuda_.check(
            cuda_.to_host(slot.staging[i], slot.on_device.outputs[i], outputs_[i].bytes, stream_),
            "copy of output " + outputs_[i].name);
        !done)
      return done;
  }
  return {};
}

// Once as it comes, because what runs first may allocate and load, which no graph can hold; then
// once more into the graph.
Outcome Context::capture(Slot& slot) const {
  if (auto done = enqueue_(stream_, slot.on_device); !done) return done;
  if (auto done = cuda_.check(cuda_.stream_synchronize(stream_), "first inference"); !done)
    return done;
  const std::string what = "the inference cannot be captured as a CUDA graph";
  if (auto done = cuda_.check(cuda_.begin_capture(stream_, kRelaxed), what, ASSAY_UNSUPPORTED);
      !done)
    return done;
  Outcome held = enqueue_(stream_, slot.on_device);
  if (held) held = fetch(slot);
  CuHandle graph = nullptr;
  // A capture that failed must be ended too.
  const Outcome ended = cuda_.check(cuda_.end_capture(stream_, &graph), what, ASSAY_UNSUPPORTED);
  if (!held || !ended || graph == nullptr) {
    if (graph != nullptr) cuda_.graph_destroy(graph);
    const std::string why = !held ? held.error().text : !ended ? ended.error().text : "it is empty";
    return fail(ASSAY_UNSUPPORTED, what + ": " + why);
  }
  auto made = cuda_.check(cuda_.instantiate(&slot.graph, graph, 0), what, ASSAY_UNSUPPORTED);
  cuda_.graph_destroy(graph);
  return made;
}

Outcome Context::bind(int32_t number, void* const* inputs, void* const* outputs) {
  if (number < 0 || static_cast<size_t>(number) >= slots_.size())
    return fail(ASSAY_INVALID, "no such slot");
  if (auto done = make_current(); !done) return done;
  Slot& slot = slots_[static_cast<size_t>(number)];
  slot.bound = false;  // until this bind has ended well
  const bool fresh = slot.graph == nullptr;
  if (fresh) {
    free(slot);
    if (auto done = allocate(slot); !done) return done;
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].bytes == 0) continue;
    if (auto done = cuda_.check(
            cuda_.to_device(slot.on_device.inputs[i], inputs[i], inputs_[i].bytes, stream_),
            "copy of input " + inputs_[i].name);
        !done)
      return done;
  }
  if (auto done = cuda_.check(cuda_.stream_synchronize(stream_), "copy of the inputs"); !done)
    return done;
  slot.outputs.assign(outputs, outputs + outputs_.size());
  if (fresh) {
    if (auto done = capture(slot); !done) return done;
  }
  slot.bound = true;
  return {};
}

assay_status Context::run(int32_t number) noexcept {
  CuResult result = 0;
  try {
    if (!is_bound(number)) {
      error_ = "slot is not bound";
      return ASSAY_INVALID;
    }
    const Slot& slot = slots_[static_cast<size_t>(number)];
    if (current_device != device_ && !make_current()) return ASSAY_FAILED;
    result = cuda_.graph_launch(slot.graph, stream_);
    if (result == 0) result = cuda_.stream_synchronize(stream_);
    if (result == 0) {
      for (size_t i = 0; i < outputs_.size(); ++i)
        std::memcpy(slot.outputs[i], slot.staging[i], outputs_[i].bytes);
      return ASSAY_OK;
    }
    error_ = "graph: " + cuda_.name_of(result);
  } catch (...) {  // no memory for the text of the error
  }
  return ASSAY_FAILED;
}

}  // namespace assay::host
