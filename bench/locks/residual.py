#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a residual network with seeded weights (ResNet-8 for 32x32 images, 77 000 parameters): small enough for tuners.

    bench/locks/residual.py OUT.onnx        needs numpy and onnx (the family `tools`)
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STAGES = (16, 32, 64)  # channels; each stage after the first halves the image


class Network:
    def __init__(self, seed):
        self.rng, self.nodes, self.constants = np.random.default_rng(seed), [], []

    def constant(self, name, shape, fan_in):
        data = self.rng.normal(0, (2 / fan_in) ** 0.5, shape).astype(np.float32)
        self.constants.append(numpy_helper.from_array(data, name))
        return name

    def node(self, kind, inputs, name, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def conv(self, x, name, channels, kernel, stride=1):
        out, into = channels
        weight = self.constant(name + ".weight", (out, into, kernel, kernel), into * kernel * kernel)
        bias = self.constant(name + ".bias", (out,), 100)
        return self.node("Conv", [x, weight, bias], name, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                         pads=[kernel // 2] * 4)

    def block(self, x, name, out, into, stride):
        y = self.node("Relu", [self.conv(x, name + ".a", (out, into), 3, stride)], name + ".relu_a")
        y = self.conv(y, name + ".b", (out, out), 3)
        skip = x if (out, stride) == (into, 1) else self.conv(x, name + ".skip", (out, into), 1, stride)
        return self.node("Relu", [self.node("Add", [y, skip], name + ".add")], name + ".relu")


def main(path):
    net = Network(seed=1)
    x = net.node("Relu", [net.conv("input", "stem", (STAGES[0], 3), 3)], "stem.relu")
    for i, out in enumerate(STAGES):
        x = net.block(x, "stage%d" % i, out, STAGES[max(i - 1, 0)], 2 if i else 1)
    x = net.node("Flatten", [net.node("GlobalAveragePool", [x], "pool")], "flat")
    weight, bias = net.constant("head.weight", (10, STAGES[-1]), STAGES[-1]), net.constant("head.bias", (10,), 100)
    net.node("Gemm", [x, weight, bias], "output", transB=1)
    graph = helper.make_graph(
        net.nodes, "residual", [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 10])], net.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
