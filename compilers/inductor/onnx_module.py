# SPDX-License-Identifier: Apache-2.0
"""ONNX -> torch.nn.Module, strictly: what is not known exactly is `unsupported`.

Opsets 11 to 18 of the default domain, the operators of onnx_ops.py and onnx_window.py; shapes are
static.  Weights become buffers; texts that only say how (axes, shapes, pads) are read when the
module is made, so they must be constants.  Each node is a sub-module `nNNN`, which torch.export
keeps in the metadata of what it traces: `node_names` finds the ONNX node again.
"""

import os

import numpy
import onnx
import onnx.numpy_helper
import torch

import assay_builder as ab
import onnx_ops
import onnx_window

OPSETS = range(11, 19)
OPERATORS = dict(onnx_ops.OPERATORS, **onnx_window.OPERATORS)
FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def read(path):
    """The model at `path`, checked by onnx.  BuildError `invalid` for what is no ONNX model."""
    try:
        model = onnx.load(path)
    except Exception as error:  # onnx raises errors of its own and of protobuf
        raise ab.BuildError("invalid", "%s: no ONNX model: %s" % (os.path.basename(path), error))
    opsets = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    version = opsets.get("ai.onnx")
    if version not in OPSETS:
        raise ab.BuildError(
            "unsupported",
            "opset %s: the importer knows %d to %d" % (version, OPSETS[0], OPSETS[-1]),
        )
    return model, version


class Context:
    """What the makers of operators ask: attributes and constants of one node."""

    def __init__(self, node, name, opset, constants):
        self.node, self.name, self.opset = node, name, opset
        self._constants = constants
        self._attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        self._read = set()
        self.inputs = list(node.input)
        while self.inputs and not self.inputs[-1]:
            self.inputs.pop()
        self.used = None  # indices of the inputs that are tensors of the module; None: all

    def fail(self, why):
        return ab.BuildError(
            "unsupported", "node %s, operator %s: %s" % (self.name, self.node.op_type, why)
        )

    def attribute(self, name, default=None):
        self._read.add(name)
        value = self._attributes.get(name, default)
        return value.decode("utf-8") if isinstance(value, bytes) else value

    def has(self, index):
        return index < len(self.inputs) and bool(self.inputs[index])

    def constant(self, index, what):
        """Input `index` as a numpy array; None when it is absent, `unsupported` when computed."""
        if not self.has(index):
            return None
        value = self._constants.get(self.inputs[index])
        if value is None:
            raise self.fail("its %s (%s) is computed, not a constant" % (what, self.inputs[index]))
        return value

    def ints(self, index, what):
        value = self.constant(index, what)
        return None if value is None else [int(v) for v in numpy.ravel(value)]

    def tensors(self, *indices):
        """Says which inputs the operator takes as tensors; the others were read as constants."""
        self.used = [i for i in indices if self.has(i)]

    def check_attributes(self):
        left = sorted(set(self._attributes) - self._read)
        if left:
            raise self.fail("attribute %s is not known here" % ", ".join(left))


class _Step(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self._function = function

    def forward(self, *tensors):
        return self._function(*tensors)


class Model(torch.nn.Module):
    """The network.

    `inputs` [(name, numpy type, shape)], `outputs` [name], `node_names` {nNNN: ONNX name}.
    """

    def __init__(self, path, shapes, dtype=torch.float32):
        super().__init__()
        model, opset = read(path)
        graph = model.graph
        self.dtype = dtype
        self.node_names = {}
        self._steps = []  # (module name, [input names], output name)
        self._weights = {}  # ONNX name -> buffer name
        self._constants = {}
        base = os.path.dirname(os.path.abspath(path))
        for tensor in graph.initializer:
            self._constants[tensor.name] = onnx.numpy_helper.to_array(tensor, base)
        if graph.sparse_initializer:
            raise ab.BuildError("unsupported", "sparse initializers")
        self.inputs = [_input(v, shapes) for v in graph.input if v.name not in self._constants]
        self.outputs = [v.name for v in graph.output]
        known = {name for name, _, _ in self.inputs} | set(self._constants)
        for number, node in enumerate(graph.node):
            self._add(number, node, opset, known)
        for name in self.outputs:
            if name not in known:
                raise ab.BuildError("invalid", "output %s: no node makes it" % name)
            self._need(name)

    def _add(self, number, node, opset, known):
        name = node.name or "%s_%d" % (node.op_type, number)
        maker = OPERATORS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        if maker is None:
            operator = (node.domain + "." if node.domain else "") + node.op_type
            raise ab.BuildError(
                "unsupported", "node %s: operator %s is not known here" % (name, operator)
            )
        for tensor in node.input:
            if tensor and tensor not in known:
                raise ab.BuildError(
                    "invalid", "node %s: its input %s is made by none" % (name, tensor)
                )
        if node.op_type == "Constant":
            self._constants[node.output[0]] = _constant(node, name)
            known.add(node.output[0])
            return
        if len([o for o in node.output if o]) != 1:
            raise ab.BuildError(
                "unsupported",
                "node %s, operator %s: more than one output" % (name, node.op_type),
            )
        context = Context(node, name, opset, self._constants)
        function = maker(context)
        context.check_attributes()
        used = range(len(context.inputs)) if context.used is None else context.used
        takes = [context.inputs[i] for i in used]
        if "" in takes:
            raise context.fail("an input in the middle is left out")
        for tensor in takes:
            self._need(tensor)
        module = "n%03d" % number
        self.add_module(module, _Step(function))
        self.node_names[module] = name
        self._steps.append((module, takes, node.output[0]))
        known.add(node.output[0])

    def _need(self, name):
        """Makes a constant that is used as a tensor a buffer."""
        if name not in self._constants or name in self._weights:
            return
        value = torch.from_numpy(numpy.array(self._constants[name]))
        if value.dtype in FLOATS:
            value = value.to(self.dtype)
        self._weights[name] = "w%03d" % len(self._weights)
        self.register_buffer(self._weights[name], value)

    def forward(self, *tensors):
        values = {name: getattr(self, buffer) for name, buffer in self._weights.items()}
        for (name, _, _), tensor in zip(self.inputs, tensors):
            values[name] = tensor.to(self.dtype) if tensor.dtype in FLOATS else tensor
        for module, takes, makes in self._steps:
            values[makes] = getattr(self, module)(*[values[name] for name in takes])
        # An output must be memory of its own, dense, and of the type that the model tells.
        return tuple(_own(values[name]) for name in self.outputs)

    def example(self, seed, device="cpu"):
        """Random inputs of the right shapes."""
        generator = numpy.random.Generator(numpy.random.PCG64(seed & ((1 << 63) - 1)))
        made = []
        for _, dtype, shape in self.inputs:
            values = generator.standard_normal(shape) if dtype.kind == "f" else numpy.zeros(shape)
            made.append(torch.from_numpy(numpy.asarray(values).astype(dtype)).to(device))
        return tuple(made)


def _own(tensor):
    if tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.to(torch.float32)
    return tensor.clone(memory_format=torch.contiguous_format)


def _constant(node, name):
    for attribute in node.attribute:
        if attribute.name == "value":
            return onnx.numpy_helper.to_array(attribute.t)
        kinds = {
            "value_float": numpy.float32, "value_floats": numpy.float32,
            "value_int": numpy.int64, "value_ints": numpy.int64,
        }
        if attribute.name in kinds:
            value = onnx.helper.get_attribute_value(attribute)
            return numpy.array(value, dtype=kinds[attribute.name])
    raise ab.BuildError("unsupported", "node %s, operator Constant: a value of this form" % name)


def _input(value, shapes):
    told = value.type.tensor_type
    dtype = numpy.dtype(onnx.helper.tensor_dtype_to_np_dtype(told.elem_type))
    declared = [d.dim_value if d.HasField("dim_value") else None for d in told.shape.dim]
    shape = list(shapes.get(value.name, declared))
    fits = len(shape) == len(declared) and all(
        isinstance(s, int) and s >= 0 and d in (None, s) for s, d in zip(shape, declared)
    )
    if not fits:
        raise ab.BuildError(
            "invalid",
            "input %s: shape %s does not fit the model's %s" % (value.name, shape, declared),
        )
    return value.name, dtype, shape
