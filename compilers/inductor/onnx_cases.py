# SPDX-License-Identifier: Apache-2.0
"""Small models for the test of the importer: one or a few nodes each, every operator it knows."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

F = TensorProto.FLOAT


def _model(nodes, shape, constants, opset):
    graph = helper.make_graph(
        nodes,
        "case",
        [helper.make_tensor_value_info("x", F, shape)],
        [helper.make_tensor_value_info("y", F, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    imports = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def one(operator, shape, opset=13, constants=None, inputs=None, **attributes):
    """A model of one node whose inputs are `x` and then the constants, in their order."""
    constants = constants or {}
    inputs = inputs or ["x"] + list(constants)
    node = helper.make_node(operator, inputs, ["y"], name="node", **attributes)
    return _model([node], shape, constants, opset)


def _ints(*values):
    return np.array(values, np.int64)


def cases():
    """[(name, model)]: seeded, the same every time."""
    rng = np.random.default_rng(7)

    def f(*shape):
        return rng.normal(0, 1, shape).astype(np.float32)

    image, w = [1, 4, 9, 7], {"w": f(6, 4, 3, 3), "b": f(6)}
    found = []

    def add(name, operator, shape, **more):
        found.append((name, one(operator, shape, **more)))

    add("conv", "Conv", image, constants=w, pads=[1, 1, 1, 1], strides=[2, 2])
    add("conv asymmetric", "Conv", image, constants={"w": w["w"]}, pads=[0, 1, 2, 1])
    add("conv groups", "Conv", image, constants={"w": f(8, 1, 3, 3)}, group=4, dilations=[2, 1])
    add("conv same upper", "Conv", image, constants=w, auto_pad="SAME_UPPER", strides=[2, 2])
    add("conv same lower", "Conv", image, constants={"w": f(6, 4, 2, 2)}, auto_pad="SAME_LOWER")
    add("conv valid", "Conv", image, constants=w, auto_pad="VALID")
    add("conv 1d", "Conv", [2, 3, 11], constants={"w": f(4, 3, 3)}, pads=[1, 1])
    norm = {"s": f(4), "o": f(4), "m": f(4), "v": np.abs(f(4))}
    # onnx.reference trains the older form unless `momentum` is absent.
    add("batch norm", "BatchNormalization", image, opset=15, constants=norm, epsilon=1e-3)
    for name in ("Relu", "Sigmoid", "HardSigmoid", "HardSwish", "Exp", "Identity", "Tanh"):
        opset = 14 if name == "HardSwish" else 13
        add(name.lower(), name, image, opset=opset)
    add("leaky relu", "LeakyRelu", image, alpha=0.2)
    bounds = {"low": np.float32(-0.5), "high": np.float32(0.7)}
    add("clip", "Clip", image, constants=bounds)
    add("clip above", "Clip", image, constants={"high": np.float32(0)}, inputs=["x", "", "high"])
    for name in ("Add", "Sub", "Mul", "Div"):
        add(name.lower(), name, image, constants={"c": f(4, 1, 1) + 3})
    add("matmul", "MatMul", [2, 3, 5], constants={"w": f(5, 4)})
    add("gemm", "Gemm", [3, 5], constants={"w": f(4, 5), "c": f(4)}, transB=1)
    scaled = {"w": f(5, 4), "c": f(1, 4)}
    add("gemm scaled", "Gemm", [5, 3], constants=scaled, transA=1, alpha=0.5, beta=2.0)
    add("gemm no bias", "Gemm", [3, 5], constants={"w": f(5, 4)}, alpha=0.5)
    window = {"kernel_shape": [3, 3], "strides": [2, 2]}
    add("max pool", "MaxPool", image, pads=[1, 1, 1, 1], **window)
    add("max pool ceil", "MaxPool", image, ceil_mode=1, **window)
    add("max pool asymmetric", "MaxPool", image, pads=[0, 0, 1, 2], **window)
    add("average pool", "AveragePool", image, pads=[1, 1, 1, 1], **window)
    whole = dict(window, pads=[1, 1, 1, 1], count_include_pad=1)
    add("average pool whole", "AveragePool", image, **whole)
    add("average pool asymmetric", "AveragePool", image, pads=[0, 0, 1, 1], **window)
    add("global average pool", "GlobalAveragePool", image)
    add("mean 13", "ReduceMean", image, axes=[1, 3], keepdims=0)
    add("mean 18", "ReduceMean", image, opset=18, constants={"a": _ints(-1)})
    add("mean all", "ReduceMean", image)
    add("softmax 13", "Softmax", image, axis=1)
    add("flatten", "Flatten", image, axis=2)
    add("reshape", "Reshape", image, constants={"s": _ints(0, 2, -1)})
    add("transpose", "Transpose", image, perm=[0, 2, 3, 1])
    add("transpose all", "Transpose", [2, 3, 4])
    add("concat", "Concat", image, constants={"c": f(1, 2, 9, 7)}, axis=1)
    cut = {"s": _ints(1, -5), "e": _ints(3, 1 << 40), "a": _ints(1, 2), "t": _ints(1, 2)}
    add("slice", "Slice", image, constants=cut)
    add("pad", "Pad", image, constants={"p": _ints(0, 0, 1, 2, 0, 1, 0, 3), "v": np.float32(1.5)})
    add("pad reflect", "Pad", image, constants={"p": _ints(0, 0, 1, 2, 0, 0, 2, 3)}, mode="reflect")
    add("pad edge", "Pad", image, constants={"p": _ints(0, 0, 1, 2, 0, 0, 2, 3)}, mode="edge")
    add("squeeze", "Squeeze", [1, 3, 1, 2], constants={"a": _ints(0, 2)})
    add("squeeze 11", "Squeeze", [1, 3, 1, 2], opset=11, axes=[2])
    add("unsqueeze", "Unsqueeze", [3, 2], constants={"a": _ints(0, -1)})
    add("unsqueeze 11", "Unsqueeze", [3, 2], opset=11, axes=[0, 3])
    add("cast", "Cast", image, to=F)
    for how, mode, rounding in (
        ("asymmetric", "nearest", "floor"),
        ("half_pixel", "nearest", "round_prefer_floor"),
        ("half_pixel", "nearest", "round_prefer_ceil"),
        ("half_pixel", "linear", "floor"),
        ("align_corners", "linear", "floor"),
        ("asymmetric", "linear", "floor"),
    ):
        scales = {"r": np.zeros(0, np.float32), "s": np.array([1, 1, 2, 3], np.float32)}
        add("resize %s %s %s" % (how, mode, rounding), "Resize", image, constants=scales, mode=mode,
            coordinate_transformation_mode=how, nearest_mode=rounding)
    sizes = {"s": _ints(1, 4, 12, 5)}
    add("resize sizes", "Resize", image, constants=sizes, inputs=["x", "", "", "s"], mode="linear")
    return found
