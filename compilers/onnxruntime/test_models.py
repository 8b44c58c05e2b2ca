# SPDX-License-Identifier: Apache-2.0
"""Tiny ONNX models for builders_test.py, made from nothing, weights seeded."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def weights(name, *shape):
    """A seeded float initialiser; the seed depends on the name."""
    generator = np.random.default_rng(sum(name.encode()))
    return numpy_helper.from_array(generator.standard_normal(shape).astype(np.float32), name)


def value(name, dtype, shape):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes, inputs, outputs, initializers=(), opset=17):
    graph = helper.make_graph(nodes, "test", inputs, outputs, list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def conv(batch="N"):
    """Two convolutions, a sum, pooling, a dense layer; `batch`: the first extent, open or not."""
    node = helper.make_node
    pads = [1, 1, 1, 1]
    return model(
        [
            node("Conv", ["x", "w1"], ["c1"], name="conv1", pads=pads),
            node("Relu", ["c1"], ["r1"], name="relu1"),
            node("Conv", ["r1", "w2"], ["c2"], name="conv2", pads=pads),
            node("Add", ["c2", "r1"], ["sum"], name="add"),
            node("Relu", ["sum"], ["r2"]),
            node("GlobalAveragePool", ["r2"], ["pooled"]),
            node("Flatten", ["pooled"], ["flat"]),
            node("Gemm", ["flat", "w3", "b3"], ["y"], name="dense"),
        ],
        [value("x", FLOAT, [batch, 16, 12, 12])],
        [value("y", FLOAT, [batch, 10])],
        [
            weights("w1", 16, 16, 3, 3),
            weights("w2", 16, 16, 3, 3),
            weights("w3", 16, 10),
            weights("b3", 10),
        ],
    )


def two_by_two():
    """Two inputs, two outputs, of different types."""
    node = helper.make_node
    return model(
        [
            node("MatMul", ["a", "w"], ["m"], name="matmul"),
            node("Add", ["m", "b"], ["s"], name="add"),
            node("Greater", ["s", "b"], ["g"], name="greater"),
        ],
        [value("a", FLOAT, [3, 4]), value("b", FLOAT, [3, 5])],
        [value("s", FLOAT, [3, 5]), value("g", TensorProto.BOOL, [3, 5])],
        [weights("w", 4, 5)],
    )


def integers():
    """int64 and uint8 and float16 in and out, a lookup by index."""
    node = helper.make_node
    return model(
        [
            node("Gather", ["table", "index"], ["row"], name="gather"),
            node("Add", ["index", "index"], ["twice"], name="double"),
            node("Cast", ["pixels"], ["wide"], name="widen", to=TensorProto.INT64),
            node("Relu", ["half"], ["half_out"], name="half_relu"),
        ],
        [
            value("index", TensorProto.INT64, [4]),
            value("pixels", TensorProto.UINT8, [2, 3]),
            value("half", TensorProto.FLOAT16, [2, 2]),
        ],
        [
            value("row", FLOAT, [4, 6]),
            value("twice", TensorProto.INT64, [4]),
            value("wide", TensorProto.INT64, [2, 3]),
            value("half_out", TensorProto.FLOAT16, [2, 2]),
        ],
        [weights("table", 8, 6)],
    )


def aliases():
    """Outputs that are an input, a weight, another output: a runtime may leave them unwritten."""
    node = helper.make_node
    return model(
        [
            node("Relu", ["x"], ["r"], name="relu"),
            node("Identity", ["x"], ["same"], name="copy"),
            node("Identity", ["w"], ["weight"], name="weight_copy"),
            node("Identity", ["r"], ["again"], name="relu_copy"),
        ],
        [value("x", FLOAT, [2, 3])],
        [value(name, FLOAT, [2, 3]) for name in ("r", "same", "weight", "again")],
        [weights("w", 2, 3)],
    )


def forks(n=4):
    """Convolutions whose results leave the blocked layout in several places."""
    node = helper.make_node
    nodes, outputs = [], []
    for i in range(n):
        names = {key: "%s%d" % (key, i) for key in "cstd"}
        pads = [1, 1, 1, 1]
        nodes += [
            node("Conv", ["x", "w"], [names["c"]], name="conv%d" % i, pads=pads),
            node("Transpose", [names["c"]], [names["t"]], name="turn%d" % i, perm=[0, 2, 3, 1]),
            node("Sigmoid", [names["c"]], [names["s"]], name="sigmoid%d" % i),
            node("Conv", [names["s"], "w"], [names["d"]], name="again%d" % i, pads=pads),
        ]
        outputs.append(value(names["t"], FLOAT, [1, 6, 6, 16]))
        outputs.append(value(names["d"], FLOAT, [1, 16, 6, 6]))
    return model(nodes, [value("x", FLOAT, [1, 16, 6, 6])], outputs, [weights("w", 16, 16, 3, 3)])


def branch():
    """A sub-graph: If on the first element of the input."""
    node = helper.make_node
    branches = {
        name: helper.make_graph([node(op, ["x"], [name])], name, [], [value(name, FLOAT, [2])])
        for name, op in (("then_out", "Relu"), ("else_out", "Neg"))
    }
    return model(
        [
            node(
                "If",
                ["flag"],
                ["y"],
                name="if",
                then_branch=branches["then_out"],
                else_branch=branches["else_out"],
            )
        ],
        [value("flag", TensorProto.BOOL, [1]), value("x", FLOAT, [2])],
        [value("y", FLOAT, [2])],
    )


def data_dependent():
    """The shape of the output depends on the values of the input."""
    return model(
        [helper.make_node("NonZero", ["x"], ["y"], name="nonzero")],
        [value("x", FLOAT, [4])],
        [value("y", TensorProto.INT64, [1, "found"])],
    )


def unknown_operator():
    return model(
        [helper.make_node("Frobnicate", ["x"], ["y"], name="frob")],
        [value("x", FLOAT, [2])],
        [value("y", FLOAT, [2])],
    )
