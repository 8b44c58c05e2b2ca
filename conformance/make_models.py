# SPDX-License-Identifier: Apache-2.0
"""Makes the tiny models of the conformance cases, inputs for them and what they must give.

    <tools environment>/bin/python conformance/make_models.py FOLDER

For each case: FOLDER/<case>/model.onnx, dataset/ (docs/formats.md) and expected.json with a raw file an output,
computed by onnx.reference in float32.  Also FOLDER/broken.onnx and FOLDER/unknown_operator.onnx.  Everything comes from
one seed; the same versions of onnx and numpy give the same bytes.
"""

import hashlib
import json
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

SEED = 20240607
ITEMS = 6
OPSET = 13  # old enough for every compiler here
IR_VERSION = 8


def value(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def constant(rng, name, shape, scale=0.5):
    return numpy_helper.from_array(rng.normal(0, scale, shape).astype(np.float32), name)


def model(nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, "conformance", inputs, outputs, list(constants))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
                             producer_name="assay")
    onnx.checker.check_model(made)
    return made


def conv_relu(rng):
    """Two convolutions with bias and ReLU, pooling, and a fully connected layer."""
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], name="conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], name="conv2", strides=[2, 2],
                         pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c2"], ["r2"], name="relu2"),
        helper.make_node("GlobalAveragePool", ["r2"], ["pooled"], name="pool"),
        helper.make_node("Flatten", ["pooled"], ["flat"], name="flatten"),
        helper.make_node("Gemm", ["flat", "w3", "b3"], ["y"], name="dense")]
    constants = [constant(rng, "w1", (8, 3, 3, 3)), constant(rng, "b1", (8,)),
                 constant(rng, "w2", (16, 8, 3, 3)), constant(rng, "b2", (16,)),
                 constant(rng, "w3", (16, 5)), constant(rng, "b3", (5,))]
    return model(nodes, [value("x", [1, 3, 16, 16])], [value("y", [1, 5])], constants)


def matmul_softmax(rng):
    """Matrix product, bias and softmax: outputs are probabilities."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"], name="matmul"),
             helper.make_node("Add", ["m", "b"], ["logits"], name="bias"),
             helper.make_node("Softmax", ["logits"], ["probabilities"], name="softmax", axis=-1)]
    return model(nodes, [value("x", [4, 32])], [value("probabilities", [4, 10])],
                 [constant(rng, "w", (32, 10)), constant(rng, "b", (10,))])


def two_inputs(rng):
    """Two inputs, two outputs, the outputs not in alphabetical order: sum and scaled difference."""
    nodes = [helper.make_node("Add", ["left", "right"], ["total"], name="add"),
             helper.make_node("Sub", ["left", "right"], ["gap"], name="sub"),
             helper.make_node("Mul", ["gap", "scale"], ["difference"], name="mul")]
    return model(nodes, [value("left", [2, 3, 8]), value("right", [2, 3, 8])],
                 [value("total", [2, 3, 8]), value("difference", [2, 3, 8])],
                 [constant(rng, "scale", (8,))])


def dynamic_batch(rng):
    """A symbolic batch, which the shapes of the case make 3."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"], name="matmul"),
             helper.make_node("Relu", ["m"], ["y"], name="relu")]
    return model(nodes, [value("x", ["batch", 12])], [value("y", ["batch", 7])],
                 [constant(rng, "w", (12, 7))])


SHAPES = {"conv_relu": {"x": [1, 3, 16, 16]}, "matmul_softmax": {"x": [4, 32]},
          "two_inputs": {"left": [2, 3, 8], "right": [2, 3, 8]}, "dynamic_batch": {"x": [3, 12]}}
MAKERS = {f.__name__: f for f in (conv_relu, matmul_softmax, two_inputs, dynamic_batch)}


def write(path, data):
    with open(path, "wb") as handle:
        handle.write(data)
    return hashlib.sha256(data).hexdigest()


def write_json(path, content):
    write(path, (json.dumps(content, indent=1, sort_keys=True) + "\n").encode())


def make_case(folder, name):
    rng = np.random.default_rng([SEED, sorted(MAKERS).index(name)])
    made = MAKERS[name](rng)
    dataset = os.path.join(folder, name, "dataset")
    os.makedirs(dataset)
    write(os.path.join(folder, name, "model.onnx"), made.SerializeToString())
    feeds = {key: rng.normal(0, 1, [ITEMS] + shape).astype(np.float32)
             for key, shape in SHAPES[name].items()}
    inputs = [{"name": key, "dtype": "float32", "shape": SHAPES[name][key], "file": "input%d.bin" % i,
               "sha256": write(os.path.join(dataset, "input%d.bin" % i), data.tobytes())}
              for i, (key, data) in enumerate(feeds.items())]
    write_json(os.path.join(dataset, "dataset.json"), {
        "format": 1, "name": "conformance-" + name, "n": ITEMS, "sampling": "independent",
        "description": "normal random numbers, seed %d" % SEED, "inputs": inputs,
        "provenance": {"tool": "conformance/make_models.py", "source": "seed %d" % SEED}})
    reference = ReferenceEvaluator(made)
    items = [reference.run(None, {k: v[i] for k, v in feeds.items()}) for i in range(ITEMS)]
    outputs = []
    for i, name_of_output in enumerate(o.name for o in made.graph.output):
        data = np.stack([item[i] for item in items])
        write(os.path.join(folder, name, "expected%d.bin" % i), data.astype(np.float32).tobytes())
        outputs.append({"name": name_of_output, "dtype": "float32", "shape": list(data.shape[1:]),
                        "file": "expected%d.bin" % i})
    write_json(os.path.join(folder, name, "expected.json"), {"n": ITEMS, "outputs": outputs})
    return made


def main(folder):
    for name in MAKERS:
        made = make_case(folder, name)
    whole = made.SerializeToString()
    write(os.path.join(folder, "broken.onnx"), whole[:len(whole) * 2 // 3])
    node = helper.make_node("Frobnicate", ["x"], ["y"], name="frob", domain="assay.test")
    unknown = helper.make_model(
        helper.make_graph([node], "unknown", [value("x", [1, 4])], [value("y", [1, 4])]),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("assay.test", 1)],
        ir_version=IR_VERSION)
    write(os.path.join(folder, "unknown_operator.onnx"), unknown.SerializeToString())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_models.py FOLDER")
    main(sys.argv[1])
