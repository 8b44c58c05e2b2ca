# SPDX-License-Identifier: Apache-2.0
"""A small builder of ONNX graphs (opset 13, IR 8: what TVM 0.14 and today's run times all read)."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 13, 8


class GraphBuilder:
    """Adds one operator after another; every method returns the name of its output tensor."""

    def __init__(self, name):
        self.name, self.nodes, self.weights = name, [], []

    def weight(self, name, array):
        """Stores a constant of any type and shape (a scalar stays one) under a name of its own."""
        self.weights.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def node(self, kind, name, inputs, **attributes):
        """One operator called `name` with one output of the same name."""
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def model(self, input_shape, output, output_shape, note):
        """The checked model: input tensor `input`, output tensor `output`, both float32."""
        self.nodes[-1].output[0] = "output"
        assert self.nodes[-1].name == output
        graph = helper.make_graph(
            self.nodes, self.name,
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, input_shape)],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, output_shape)],
            self.weights)
        model = helper.make_model(graph, producer_name="assay", doc_string=note,
                                  opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model, full_check=True)
        return model


def same_padding(size, kernel, stride):
    """TensorFlow's "same" padding: (before, after), the larger part after; size in pixels."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
