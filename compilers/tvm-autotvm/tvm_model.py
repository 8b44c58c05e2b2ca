# SPDX-License-Identifier: Apache-2.0
"""Reads an ONNX model into Relay with static shapes; what it finds wrong is a BuildError."""

import os

import tvm_common as common

ab = common.ab


def load_model(job):
    """Reads the ONNX model with static shapes, sets inputs and outputs, returns (mod, params)."""
    import onnx
    import tvm
    from tvm import relay

    request = job.request
    model = _read_onnx(request.model)
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    shapes, types = {}, {}
    for value in graph.input:
        if value.name not in constants:
            shapes[value.name], types[value.name] = _static_input(value, request.shapes)
    for name in request.shapes:
        if name not in shapes:
            raise ab.BuildError(
                "invalid",
                "shape of %s: the model has no such input; it has %s"
                % (name, ", ".join(shapes) or "none"),
            )
    try:
        mod, params = relay.frontend.from_onnx(model, shape=shapes, dtype=types, freeze_params=True)
        mod = relay.transform.InferType()(mod)
    except tvm.error.OpNotImplemented as error:
        raise ab.BuildError(
            "unsupported", "model: TVM 0.14 cannot import it: %s" % common.last_line(error)
        )
    except (
        tvm.TVMError,
        onnx.onnx_cpp2py_export.checker.ValidationError,
        ValueError,
        KeyError,
        AssertionError,
        AttributeError,
        IndexError,
        TypeError,
    ) as error:
        raise ab.BuildError(
            "invalid",
            "model: TVM cannot import it: %s: %s" % (type(error).__name__, common.last_line(error)),
        )
    job.inputs = [ab.tensor(name, types[name], shapes[name]) for name in shapes]
    job.outputs = _outputs(graph, mod["main"].ret_type)
    return mod, params


def _read_onnx(path):
    import onnx
    from google.protobuf.message import DecodeError

    folder = os.path.realpath(os.path.dirname(path))
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        raise ab.BuildError("invalid", "%s: is no ONNX model: %s" % (path, error))
    if not model.graph.node and not model.graph.output:
        raise ab.BuildError(
            "invalid", "%s: is no ONNX model: it has no nodes and no outputs" % path
        )
    for tensor in _tensors(model.graph):
        for entry in tensor.external_data:
            if entry.key != "location":
                continue
            full = os.path.realpath(os.path.join(folder, entry.value))
            if os.path.isabs(entry.value) or os.path.commonpath([folder, full]) != folder:
                raise ab.BuildError(
                    "invalid",
                    "%s: tensor %s: external data %s lies outside the model's "
                    "folder" % (path, tensor.name, entry.value),
                )
            if not os.path.isfile(full):
                raise ab.BuildError(
                    "missing",
                    "%s: tensor %s: external data %s is not there"
                    % (path, tensor.name, entry.value),
                )
    try:
        onnx.load_external_data_for_model(model, folder)
        onnx.checker.check_model(model)
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        # An operator of another domain fails in TVM's import, with its name.
        if "No Op registered" not in str(error) and "No opset import for domain" not in str(error):
            raise ab.BuildError("invalid", "%s: %s" % (path, common.first_line(error)))
    return model


def _tensors(graph):
    """Every constant of a graph and its sub-graphs."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from attribute.tensors
            yield attribute.t
            for inner in list(attribute.graphs) + [attribute.g]:
                if inner.node or inner.initializer:
                    yield from _tensors(inner)


def _static_input(value, given):
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        raise ab.BuildError("unsupported", "input %s: is no tensor but a %s" % (value.name, kind))
    dtype = ab.ONNX_DTYPES.get(value.type.tensor_type.elem_type)
    if dtype is None or dtype == "bfloat16":
        raise ab.BuildError(
            "unsupported",
            "input %s: element type %d is not supported"
            % (value.name, value.type.tensor_type.elem_type),
        )
    declared = [
        d.dim_value if d.HasField("dim_value") else None for d in value.type.tensor_type.shape.dim
    ]
    shape = given.get(value.name)
    if shape is None:
        if None in declared:
            raise ab.BuildError(
                "invalid",
                "input %s: its shape is dynamic: give it with --shapes %s:AxB"
                % (value.name, value.name),
            )
        return declared, dtype
    fits = len(shape) == len(declared) and all(d in (None, s) for d, s in zip(declared, shape))
    if not fits and value.type.tensor_type.HasField("shape"):
        raise ab.BuildError(
            "invalid",
            "input %s: shape %s does not fit the model's %s"
            % (value.name, shape, [d if d is not None else "?" for d in declared]),
        )
    return list(shape), dtype


def _outputs(graph, result):
    from tvm import ir, tir

    fields = list(result.fields) if isinstance(result, ir.TupleType) else [result]
    if len(fields) != len(graph.output):
        raise ab.BuildError(
            "failed", "model: TVM made %d outputs of %d" % (len(fields), len(graph.output))
        )
    outputs = []
    for value, field in zip(graph.output, fields):
        if not isinstance(field, ir.TensorType) or not all(
            isinstance(d, tir.IntImm) for d in field.shape
        ):
            raise ab.BuildError(
                "unsupported",
                "output %s: its shape is known at run time only; TVM's graph "
                "executor needs static shapes" % value.name,
            )
        outputs.append(ab.tensor(value.name, field.dtype, [int(d) for d in field.shape]))
    return outputs
