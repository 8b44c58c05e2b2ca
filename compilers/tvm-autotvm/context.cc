// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "executor.h"

namespace assay::tvm {
namespace {

// kAllocAlignment of TVM 0.14: what its executor demands of a buffer that it uses in place.
constexpr uintptr_t kAlignment = 64;

Tensor wrap(const TensorInfo& info, void* data) {
  return {data,
          {1, 0},
          static_cast<int32_t>(info.shape.size()),
          info.type,
          const_cast<int64_t*>(info.shape.data()),
          nullptr,
          0};
}

}  // namespace

Expected<std::unique_ptr<Context>> Context::create(Engine& engine, int32_t slots) {
  auto lease = engine.lease_executor();
  if (!lease) return tl::unexpected(lease.error());
  std::unique_ptr<Context> context(new Context(engine));
  context->lease_ = std::move(*lease);
  context->slots_.resize(static_cast<size_t>(slots));
  const Module& executor =
      context->lease_.executor != nullptr ? *context->lease_.executor : context->lease_.own;
  const struct {
    const char* name;
    Function& slot;
  } wanted[] = {{"run", context->run_},
                {"set_input", context->set_input_},
                {"set_input_zero_copy", context->set_input_direct_},
                {"set_output_zero_copy", context->set_output_direct_},
                {"get_output", context->get_output_}};
  for (const auto& [name, slot] : wanted) {
    auto function = module_function(engine.api(), executor, name);
    if (!function) return tl::unexpected(function.error());
    slot = std::move(*function);
  }
  context->error_.reserve(512);
  return context;
}

Context::~Context() { engine_.give_back(lease_); }

Outcome Context::bind(int32_t slot, void* const* inputs, void* const* outputs) {
  if (slot < 0 || slot >= static_cast<int32_t>(slots_.size())) {
    return fail(ASSAY_INVALID, "bind: slot " + std::to_string(slot) + " is out of range");
  }
  const EngineFiles& files = engine_.files();
  Slot next;
  next.on_device = std::move(slots_[static_cast<size_t>(slot)].on_device);
  slots_[static_cast<size_t>(slot)].bound = false;  // until this bind has ended well
  next.on_device.resize(engine_.staged() ? files.inputs.size() + files.outputs.size() : 0);
  next.tensors.reserve(files.inputs.size() +
                       files.outputs.size());  // calls hold addresses of elements
  const auto call = [&](size_t number) {
    return Call{{{.integer = static_cast<int64_t>(number)}, {.handle = &next.tensors.back()}},
                {kInt, kTensorHandle}};
  };
  for (size_t i = 0; i < files.inputs.size(); ++i) {
    if (reinterpret_cast<uintptr_t>(inputs[i]) % kAlignment != 0) {
      return fail(ASSAY_INVALID, "bind: input " + files.inputs[i].name + " is not 64-byte aligned");
    }
    if (engine_.staged()) {
      auto array = device_array(next, i, files.inputs[i]);
      if (!array) return tl::unexpected(array.error());
      const auto bytes = static_cast<size_t>(files.inputs[i].bytes);
      if (bytes > 0 && engine_.api().array_copy_from(*array, inputs[i], bytes) != 0)
        return fail(ASSAY_FAILED, last_error_line(engine_.api()));
      next.tensors.push_back(**array);
    } else {
      next.tensors.push_back(wrap(files.inputs[i], inputs[i]));
    }
    if (files.input_numbers[i] < 0) continue;  // nothing reads this input
    auto& list = files.input_direct[i] ? next.set_inputs : next.copy_inputs;
    list.push_back(call(static_cast<size_t>(files.input_numbers[i])));
  }
  for (size_t i = 0; i < files.outputs.size(); ++i) {
    if (reinterpret_cast<uintptr_t>(outputs[i]) % kAlignment != 0) {
      return fail(ASSAY_INVALID,
                  "bind: output " + files.outputs[i].name + " is not 64-byte aligned");
    }
    if (engine_.staged() && files.output_paths[i] == OutputPath::kDirect) {
      auto array = device_array(next, files.inputs.size() + i, files.outputs[i]);
      if (!array) return tl::unexpected(array.error());
      next.tensors.push_back(**array);
      if (files.outputs[i].bytes > 0)
        next.fetches.push_back({*array, outputs[i], static_cast<size_t>(files.outputs[i].bytes)});
    } else {
      next.tensors.push_back(wrap(files.outputs[i], outputs[i]));
    }
    if (files.output_paths[i] == OutputPath::kDirect) {
      next.set_outputs.push_back(call(i));
      continue;
    }
    const std::string& source =
        files.graph.nodes[static_cast<size_t>(files.graph.heads[i].node)].name;
    const auto input = std::find_if(files.inputs.begin(), files.inputs.end(),
                                    [&](const TensorInfo& info) { return info.name == source; });
    if (files.output_paths[i] == OutputPath::kCopyArgument && input != files.inputs.end()) {
      next.moves.push_back({outputs[i], inputs[input - files.inputs.begin()],
                            static_cast<size_t>(files.outputs[i].bytes)});
    } else {
      next.copy_outputs.push_back(call(i));
    }
  }
  next.bound = true;
  slots_[static_cast<size_t>(slot)] =
      std::move(next);  // moving a vector keeps its elements' addresses
  if (current_ == slot) current_ = -1;
  return {};
}

Expected<Tensor*> Context::device_array(Slot& slot, size_t index, const TensorInfo& info) const {
  Array& array = slot.on_device[index];
  if (array.get() == nullptr) {
    Tensor* made = nullptr;
    const Device device = engine_.device();
    if (engine_.api().array_alloc(info.shape.data(), static_cast<int>(info.shape.size()),
                                  info.type.code, info.type.bits, info.type.lanes, device.type,
                                  device.id, &made) != 0) {
      return fail(ASSAY_FAILED, last_error_line(engine_.api()));
    }
    array = Array(&engine_.api(), made);
  }
  return array.get();
}

assay_status Context::failed() noexcept {
  try {
    error_ = "tvm: " + last_error_line(engine_.api());
  } catch (...) {  // no memory for the text: the status says enough
  }
  return ASSAY_FAILED;
}

assay_status Context::run(int32_t slot) noexcept {
  if (slot < 0 || slot >= static_cast<int32_t>(slots_.size()) ||
      !slots_[static_cast<size_t>(slot)].bound) {
    try {
      error_ = "tvm: run on a slot that is not bound";
    } catch (...) {
    }
    return ASSAY_INVALID;
  }
  Slot& bound = slots_[static_cast<size_t>(slot)];
  if (slot != current_) {
    current_ = -1;
    for (Call& call : bound.set_inputs) {
      if (set_input_direct_.call_raw(call.values, call.codes, 2) != 0) return failed();
    }
    for (Call& call : bound.set_outputs) {
      if (set_output_direct_.call_raw(call.values, call.codes, 2) != 0) return failed();
    }
    current_ = slot;
  }
  for (Call& call : bound.copy_inputs) {
    if (set_input_.call_raw(call.values, call.codes, 2) != 0) return failed();
  }
  if (run_.call_raw(nullptr, nullptr, 0) != 0) return failed();
  for (Call& call : bound.copy_outputs) {
    if (get_output_.call_raw(call.values, call.codes, 2) != 0) return failed();
  }
  if (engine_.staged()) {
    // A copy waits for the kernels before it; without one the run would only have been queued.
    const Api& api = engine_.api();
    const Device device = engine_.device();
    if (bound.fetches.empty() && api.synchronize(device.type, device.id, nullptr) != 0)
      return failed();
    for (const Fetch& fetch : bound.fetches)
      if (api.array_copy_to(fetch.from, fetch.to, fetch.bytes) != 0) return failed();
  }
  for (const Copy& copy : bound.moves) std::memcpy(copy.to, copy.from, copy.bytes);
  return ASSAY_OK;
}

}  // namespace assay::tvm
