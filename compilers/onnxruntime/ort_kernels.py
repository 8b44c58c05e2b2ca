# SPDX-License-Identifier: Apache-2.0
"""The kernel map of an engine, from one run under ONNX Runtime's profiler.

The runner makes the same map of the session as it is loaded (ort_probe.cc): layer, kernel and
precision must come out equal, so change both together.
"""

import json
import os

import assay_builder as ab

SUFFIX = "_kernel_time"
PRECISIONS = {"float": "fp32", "float16": "fp16", "bfloat16": "bf16", "double": "fp64"}


def kernel_map(profile, artifact, original):
    """Keyword arguments of `Build.kernel` for every node of the run, in order of execution.

    profile   path of the trace; it is removed.
    artifact  path of the engine's ONNX file, for operator domains and fused activations.
    original  ModelProto before optimisation, for the origins.
    """
    import onnx

    with open(profile, encoding="utf-8") as handle:
        events = json.load(handle)
    os.remove(profile)
    engine = onnx.load(artifact, load_external_data=False)
    operators = operator_names(engine.graph)
    origins = Origins(original.graph, engine.graph)
    lines = []
    for event in events:
        name = event.get("name", "")
        if event.get("cat") != "Node" or not name.endswith(SUFFIX):
            continue
        layer = name[: -len(SUFFIX)]
        args = event["args"]
        operator = operators.get((layer, args["op_name"]), args["op_name"])
        provider = args["provider"].replace("ExecutionProvider", "")
        lines.append(
            {
                "layer": layer,
                "kernel": "%s:%s" % (provider, operator),
                "precision": precision(args),
                "origin": origins.of(layer),
            }
        )
    if not lines:
        raise ab.BuildError("failed", "ONNX Runtime's profile of the engine lists no kernels")
    return lines


def precision(args):
    """Executed precision of one profiled node: the element type of its first output, else input."""
    for key in ("output_type_shape", "input_type_shape"):
        for entry in args.get(key, []):
            for dtype in entry:
                return PRECISIONS.get(dtype, dtype)
    return ""


def layer_name(node, index):
    """The name ONNX Runtime's profiler gives to the node at `index` of its graph."""
    return node.name or "%s_%d" % (node.op_type, index)


def operator_names(graph):
    """{(layer, op type): "domain.Op+Activation"} of all nodes, those of sub-graphs too.

    A key with two meanings (equal names in two sub-graphs) keeps the plain op type.
    """
    names = {}
    graphs = [graph]
    while graphs:
        for index, node in enumerate(graphs.pop().node):
            text = "%s.%s" % (node.domain, node.op_type) if node.domain else node.op_type
            for attribute in node.attribute:
                if attribute.name == "activation" and attribute.s:
                    text += "+" + attribute.s.decode("utf-8", "replace")
                graphs.extend([attribute.g] if attribute.HasField("g") else [])
                graphs.extend(attribute.graphs)
            key = (layer_name(node, index), node.op_type)
            names[key] = node.op_type if names.get(key, text) != text else text
    return names


class Origins:
    """Which nodes of the model a layer of the engine stands for, found by the names of tensors.

    ONNX Runtime keeps no such record.  A fused node still writes a tensor of the model (or, in the
    blocked layout, is named after one: `<tensor>_nchwc`), so it stands for what computes that
    tensor from the tensors that other layers write.  What follows a convolution inside it (a sum,
    an activation) is added by its attributes.  A layer without such a tensor (a layout change) has
    none.
    """

    def __init__(self, original, engine):
        self._producer, self._consumers, self._label = {}, {}, {}
        self._original = list(
            original.node
        )  # held: protobuf makes new wrappers (and ids) otherwise
        for index, node in enumerate(self._original):
            self._label[id(node)] = layer_name(node, index).replace(",", "_")
            for name in node.output:
                self._producer[name] = node
            for name in node.input:
                self._consumers.setdefault(name, []).append(node)
        self._named = {(node.name, node.op_type): node for node in self._original if node.name}
        self._order = {id(node): index for index, node in enumerate(self._original)}
        self._nodes = {layer_name(node, index): node for index, node in enumerate(engine.node)}
        self._written = {}
        for layer, node in self._nodes.items():
            for name in self._tensors(layer, node):
                self._written.setdefault(name, layer)
        self._followers = {layer: self._follow(layer, node) for layer, node in self._nodes.items()}

    def _tensors(self, layer, node):
        """Tensors of the model that engine node `node` writes."""
        if node.op_type in ("ReorderInput", "ReorderOutput"):
            return []
        if layer.endswith("_nchwc"):
            tensor = layer[: -len("_nchwc")]
            for ending in ("", "_bn", "_mul"):  # a normalisation turned into a convolution has one
                if (
                    tensor.endswith(ending)
                    and tensor[: len(tensor) - len(ending)] in self._producer
                ):
                    return [tensor[: len(tensor) - len(ending)]]
        tensors = [name for name in node.output if name in self._producer]
        same = self._named.get((node.name, node.op_type))
        if not tensors and same is not None:  # kept its name, writes another layout
            tensors = [name for name in same.output if name]
        return tensors

    def of(self, layer):
        """Names of the original nodes, comma separated, in the model's order; "" when unknown."""
        engine_node = self._nodes.get(layer)
        if engine_node is None:
            return ""
        tensors = self._tensors(layer, engine_node)
        found = {}
        stack = list(tensors)
        while stack:
            node = self._producer[stack.pop()]
            if id(node) in found:
                continue
            found[id(node)] = node
            stack.extend(
                name
                for name in node.input
                if name in self._producer and self._written.get(name) in (None, layer)
            )
        for node in self._followers[layer]:
            found[id(node)] = node
        return ",".join(self._label[key] for key in sorted(found, key=self._order.get))

    def _follow(self, layer, engine_node):
        """Original nodes fused behind the tensor that names the layer; marks what they write."""
        tensors = self._tensors(layer, engine_node)
        has_sum = "Conv" in engine_node.op_type and len(engine_node.input) > 3
        wanted = [["Add", "Sum"]] if has_sum and engine_node.input[3] else []
        for attribute in engine_node.attribute:
            if attribute.name == "activation" and attribute.s:
                wanted.append([attribute.s.decode("utf-8", "replace")])
        followers = []
        for kinds in wanted if tensors else []:
            users = self._consumers.get(tensors[-1], [])
            if self._producer[tensors[-1]].op_type in kinds:
                continue  # the layer is named after the tensor behind it
            if len(users) != 1 or users[0].op_type not in kinds:
                break
            followers.append(users[0])
            tensors = [users[0].output[0]]
            self._written.setdefault(tensors[0], layer)
        return followers
