# SPDX-License-Identifier: Apache-2.0
"""Reading an ONNX file that nobody vouches for, and making its shapes static."""

import os
import stat

import assay_builder as ab

MAX_BYTES = (1 << 31) - 1  # protobuf's limit for one message


def load(path):
    """The ONNX ModelProto at `path`, its external data merged in.

    Raises BuildError: `invalid` when the file is no ONNX model or its external data lies outside
    its folder, `missing` when external data is not there, `unsupported` above 2 GiB.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, ValueError, RuntimeError) as error:
        raise ab.BuildError("invalid", "model %s: not an ONNX file: %s" % (path, error))
    except OSError as error:
        raise ab.BuildError("missing", "model %s: %s" % (path, error.strerror))
    if not model.HasField("graph") or not model.graph.output:
        raise ab.BuildError(
            "invalid", "model %s: no graph with outputs in it: not a whole ONNX file" % path
        )
    folder = os.path.dirname(os.path.abspath(path))
    total = os.path.getsize(path) + check_external_data(model, folder)
    if total > MAX_BYTES:
        raise ab.BuildError(
            "unsupported", "model %s: %d bytes with its weights, the limit is 2 GiB" % (path, total)
        )
    try:
        onnx.load_external_data_for_model(model, folder)
    except Exception as error:  # several classes, by version of onnx
        raise ab.BuildError("invalid", "model %s: external data: %s" % (path, error))
    for tensor in tensors(model):
        tensor.ClearField("data_location")  # all is inside now; absent means so too
    return model


def tensors(model):
    """Every TensorProto of `model`: initialisers, attributes, sub-graphs and functions."""
    graphs, nodes = [model.graph], []
    for function in model.functions:
        nodes.extend(function.node)
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
            nodes.extend(graph.node)
            continue
        for attribute in nodes.pop().attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            sparse_tensors = (
                [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
            )
            for sparse in sparse_tensors + list(attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            graphs.extend([attribute.g] if attribute.HasField("g") else [])
            graphs.extend(attribute.graphs)


def check_external_data(model, folder):
    """Bytes of external data; each must be a regular file inside `folder`, links resolved."""
    from onnx import TensorProto

    root = os.path.realpath(folder)
    seen = set()
    for tensor in tensors(model):
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        real = os.path.realpath(os.path.join(root, location))
        if not location or os.path.isabs(location) or not real.startswith(root + os.sep):
            raise ab.BuildError(
                "invalid",
                "external data %r of tensor %s lies outside the model's folder"
                % (location, tensor.name),
            )
        if not os.path.exists(real):
            raise ab.BuildError(
                "missing",
                "external data %s of tensor %s: no such file in %s"
                % (location, tensor.name, folder),
            )
        if not stat.S_ISREG(os.stat(real).st_mode):
            raise ab.BuildError(
                "invalid",
                "external data %s of tensor %s: not a regular file" % (location, tensor.name),
            )
        seen.add(real)
    return sum(os.path.getsize(real) for real in seen)


def save(model, path):
    """Writes `model` as one file.  Raises BuildError `unsupported` when it is too big for one."""
    if model.ByteSize() > MAX_BYTES:
        raise ab.BuildError("unsupported", "model: over 2 GiB in one file, which ONNX cannot hold")
    with open(path, "wb") as handle:
        handle.write(model.SerializeToString(deterministic=True))


def set_shape(tensor_type, shape):
    """Replaces the shape of a TypeProto.Tensor by static extents."""
    tensor_type.ClearField("shape")
    tensor_type.shape.SetInParent()
    for extent in shape:
        tensor_type.shape.dim.add().dim_value = extent


def fix_shapes(model, shapes):
    """Gives every input of `model` the static extents of `shapes` {name: extents}.

    The named dimensions that get a value so are replaced in the whole graph.  Raises BuildError
    `invalid` when `shapes` and the model contradict each other or an extent stays open,
    `unsupported` for inputs that are no tensors.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    unknown = sorted(set(shapes) - {value.name for value in inputs})
    if unknown:
        raise ab.BuildError(
            "invalid",
            "shapes: the model has no input %s; it has %s"
            % (unknown[0], ", ".join(value.name for value in inputs) or "none"),
        )
    named = {}
    for value in inputs:
        if value.type.WhichOneof("value") != "tensor_type":
            raise ab.BuildError("unsupported", "input %s is no tensor" % value.name)
        tensor_type = value.type.tensor_type
        set_shape(tensor_type, merge_shape(value.name, tensor_type, shapes.get(value.name), named))
    for value in list(model.graph.value_info) + list(model.graph.output):
        if value.type.WhichOneof("value") != "tensor_type":
            continue
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in named:
                dim.dim_value = named[dim.dim_param]


def merge_shape(name, tensor_type, wanted, named):
    """Static extents of input `name`; `named` collects {dim_param: extent}; as fix_shapes."""
    has_shape = tensor_type.HasField("shape")
    dims = list(tensor_type.shape.dim)
    if wanted is None:
        wanted = [dim.dim_value if dim.WhichOneof("value") == "dim_value" else -1 for dim in dims]
    if not has_shape and -1 not in wanted and wanted:
        return wanted
    text = "[%s]" % ", ".join(
        str(d.dim_value) if d.WhichOneof("value") == "dim_value" else d.dim_param or "?"
        for d in dims
    )
    if not has_shape or -1 in wanted:
        raise ab.BuildError(
            "invalid",
            "input %s %s has an open extent: give its shape with --shapes"
            % (name, text if has_shape else "of unknown rank"),
        )
    if len(wanted) != len(dims):
        raise ab.BuildError(
            "invalid", "shapes: input %s is %s, got rank %d" % (name, text, len(wanted))
        )
    for dim, extent in zip(dims, wanted):
        fixed = dim.dim_value if dim.WhichOneof("value") == "dim_value" else None
        fixed = named.get(dim.dim_param) if dim.dim_param else fixed
        if fixed is not None and fixed != extent:
            raise ab.BuildError(
                "invalid",
                "shapes: input %s is %s, got %s: %s is %d already"
                % (name, text, wanted, dim.dim_param or "one extent", fixed),
            )
        if dim.dim_param:
            named[dim.dim_param] = extent
    return wanted


def fix_outputs(model, session):
    """Writes static extents into the outputs of `model`.

    What ONNX Runtime infers is taken; an output it leaves open is measured on zeros, ones and
    random numbers: one that differs depends on the data and is `unsupported`.
    """
    shapes = {node.name: list(node.shape) for node in session.get_outputs()}
    if any(not isinstance(extent, int) for shape in shapes.values() for extent in shape):
        measured = [run_once(session, fill) for fill in ("zeros", "ones", "random")]
        for name in shapes:
            found = {tuple(run[name]) for run in measured}
            if len(found) != 1:
                raise ab.BuildError(
                    "unsupported",
                    "output %s: its shape depends on the data: %s" % (name, sorted(found)),
                )
            shapes[name] = list(found.pop())
    for value in model.graph.output:
        if value.type.WhichOneof("value") not in (None, "tensor_type"):
            raise ab.BuildError("unsupported", "output %s is no tensor" % value.name)
        set_shape(value.type.tensor_type, shapes[value.name])


ORT_DTYPES = {"float": "float32", "double": "float64"}


def dtype_of(node):
    """Manifest spelling of the element type of an onnxruntime NodeArg ("tensor(float)")."""
    text = node.type[7:-1] if node.type.startswith("tensor(") else node.type
    return ORT_DTYPES.get(text, text)


def run_once(session, fill="zeros"):
    """Runs `session` on made inputs; {output name: shape}.  `fill`: zeros, ones or random."""
    import numpy
    import onnxruntime

    generator = numpy.random.default_rng(1)
    feeds = {}
    for node in session.get_inputs():
        dtype = dtype_of(node)
        ab.tensor(node.name, dtype, list(node.shape))  # refuses what cannot be made
        store = "uint16" if dtype == "bfloat16" else dtype
        data = numpy.zeros(node.shape, store)
        if fill == "ones":
            data += numpy.ones((), store)
        elif fill == "random":
            data = numpy.asarray(generator.random(node.shape)).astype(store)
        if dtype == "bfloat16":
            feeds[node.name] = onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(data, 16)
        else:
            feeds[node.name] = onnxruntime.OrtValue.ortvalue_from_numpy(data)
    names = [node.name for node in session.get_outputs()]
    try:
        values = session.run_with_ort_values(names, feeds)
    except Exception as error:  # the binding's exception classes are not public
        raise ab.BuildError(
            "failed",
            "ONNX Runtime cannot run the model on %s: %s" % (fill, ab.one_line(error, 600)),
        )
    return {name: value.shape() for name, value in zip(names, values)}
