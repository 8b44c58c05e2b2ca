// SPDX-License-Identifier: Apache-2.0
// What a context tells about the inside of its engine: tensors and times of layers. Both run the
// graph node by node on a debug executor: the engine's own kernels, in other buffers.
#include <chrono>
#include <cstring>

#include "executor.h"

namespace assay::tvm {
namespace {

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Outcome Context::prepare_debug(int32_t slot) {
  if (slot < 0 || slot >= static_cast<int32_t>(slots_.size()) ||
      !slots_[static_cast<size_t>(slot)].bound) {
    return fail(ASSAY_INVALID, "slot " + std::to_string(slot) + " is not bound");
  }
  const EngineFiles& files = engine_.files();
  if (debug_executor_.handle() == nullptr) {
    // execute_node runs nothing when it is asked for the node it ran last, so that a graph of one
    // node could not be run twice.
    if (files.graph.nodes.size() < 2) return fail(ASSAY_UNSUPPORTED, "the graph has one node only");
    auto executor = engine_.make_debug_executor();
    if (!executor) return tl::unexpected(executor.error());
    const Api& api = engine_.api();
    auto set_input = module_function(api, *executor, "set_input");
    auto execute_node = module_function(api, *executor, "execute_node");
    auto get_node_output = module_function(api, *executor, "get_node_output");
    if (!set_input || !execute_node || !get_node_output) {
      return fail(ASSAY_UNSUPPORTED, "this TVM runtime has no node-by-node execution");
    }
    debug_executor_ = std::move(*executor);
    debug_set_input_ = std::move(*set_input);
    debug_execute_node_ = std::move(*execute_node);
    debug_get_node_output_ = std::move(*get_node_output);
  }
  Slot& bound = slots_[static_cast<size_t>(slot)];
  for (size_t i = 0; i < files.inputs.size(); ++i) {
    if (files.input_numbers[i] < 0) continue;
    auto done = debug_set_input_.call({integer(files.input_numbers[i]), tensor(&bound.tensors[i])});
    if (!done) return tl::unexpected(done.error());
  }
  return {};
}

Outcome Context::tensor_read(int32_t slot, const std::string& name, assay_tensor_desc* desc,
                             void* data, size_t data_bytes) {
  const Graph& graph = engine_.files().graph;
  Entry entry{-1, 0};
  for (size_t i = 0; i < graph.nodes.size() && entry.node < 0; ++i) {
    const Node& node = graph.nodes[i];
    if (node.name == name) entry = {static_cast<int32_t>(i), 0};
    for (int32_t k = 0; node.outputs > 1 && k < node.outputs; ++k) {
      if (name == node.name + ":" + std::to_string(k)) entry = {static_cast<int32_t>(i), k};
    }
  }
  if (entry.node < 0)
    return fail(ASSAY_INVALID, "tensor " + name + ": the graph has no such layer");
  const TensorInfo& stored = graph.tensor(entry);
  const bool blocked = graph.nodes[static_cast<size_t>(entry.node)].channel_block > 0;
  read_info_ = blocked ? plain_layout(stored) : stored;
  read_info_.name = name;
  if (auto filled = fill_desc(read_info_, desc); !filled || data == nullptr) return filled;
  if (data_bytes != static_cast<size_t>(read_info_.bytes)) {
    return fail(ASSAY_INVALID, "tensor " + name + ": has " + std::to_string(read_info_.bytes) +
                                   " bytes, the buffer " + std::to_string(data_bytes));
  }
  if (auto ready = prepare_debug(slot); !ready) return ready;
  // Layers may share memory, so the value is taken right after its layer ran.
  for (int32_t node = 0; node <= entry.node; ++node) {
    auto done = debug_execute_node_.call({integer(node)});
    if (!done) return tl::unexpected(done.error());
  }
  auto array = debug_get_node_output_.call({integer(entry.node), integer(entry.index)});
  if (!array) return tl::unexpected(array.error());
  if (array->code != kArrayHandle) return fail(ASSAY_FAILED, "get_node_output returned no array");
  Tensor* value = static_cast<Tensor*>(array->value.handle);
  std::vector<char> fetched;
  const char* bytes = static_cast<const char*>(value->data) + value->byte_offset;
  if (engine_.staged()) {
    fetched.resize(static_cast<size_t>(stored.bytes));
    if (!fetched.empty() &&
        engine_.api().array_copy_to(value, fetched.data(), fetched.size()) != 0) {
      engine_.api().array_free(value);
      return fail(ASSAY_FAILED, last_error_line(engine_.api()));
    }
    bytes = fetched.data();
  }
  if (blocked) {
    copy_plain(stored, bytes, static_cast<char*>(data));
  } else {
    std::memcpy(data, bytes, data_bytes);
  }
  engine_.api().array_free(value);
  return {};
}

Outcome Context::layer_times(int32_t slot, int32_t runs, assay_layer_time_sink sink, void* user) {
  if (sink == nullptr || runs < 1) return fail(ASSAY_INVALID, "layer_times: no sink or no runs");
  if (auto ready = prepare_debug(slot); !ready) return ready;
  const std::vector<Node>& nodes = engine_.files().graph.nodes;
  std::vector<int64_t> stamps(nodes.size() + 1);
  for (int32_t run = 0; run < runs; ++run) {
    // One call a node, which costs about as much as an empty packed function. Node 0 starts anew.
    stamps[0] = now_ns();
    for (size_t i = 0; i < nodes.size(); ++i) {
      Value node{.integer = static_cast<int64_t>(i)};
      int code = kInt;
      const Device device = engine_.device();
      if (debug_execute_node_.call_raw(&node, &code, 1) != 0 ||
          (engine_.staged() && engine_.api().synchronize(device.type, device.id, nullptr) != 0))
        return fail(ASSAY_FAILED, last_error_line(engine_.api()));
      stamps[i + 1] = now_ns();
    }
    int32_t ordinal = 0;
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].function.empty() || nodes[i].function == "__nop") continue;
      const assay_layer_time time{sizeof(assay_layer_time), ordinal++, nodes[i].name.c_str(),
                                  nodes[i].function.c_str(), stamps[i + 1] - stamps[i]};
      sink(user, run, &time);
    }
    const assay_layer_time whole{sizeof(assay_layer_time), -1, "", "",
                                 stamps.back() - stamps.front()};
    sink(user, run, &whole);
  }
  return {};
}

}  // namespace assay::tvm
