# SPDX-License-Identifier: Apache-2.0
"""Tiny ONNX files, good and bad, written with the standard library alone."""

import os
import sys

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "compilers", "openvino"))
import tiny_onnx as onnx  # noqa: E402


def linear(op="MatMul", batch=1, weights=None):
    """y[batch, 5] = x[batch, 4] op w[4, 5]; `batch` may be a text (symbolic)."""
    if weights is None:
        weights = onnx.tensor("w", onnx.FLOAT, [4, 5], onnx.floats([(i % 7) / 7 for i in range(20)]))
    return onnx.model(onnx.node(op, ["x", "w"], ["y"], "linear"), weights,
                      onnx.value_info(11, "x", onnx.FLOAT, [batch, 4]),
                      onnx.value_info(12, "y", onnx.FLOAT, [batch, 5]))


def wide():
    """y[1, 100] = x[1, 1024] w[1024, 100]: work enough for a loop of some length."""
    weights = onnx.tensor("w", onnx.FLOAT, [1024, 100], onnx.floats([(i % 7) / 7 for i in range(102400)]))
    return onnx.model(onnx.node("MatMul", ["x", "w"], ["y"], "wide"), weights,
                      onnx.value_info(11, "x", onnx.FLOAT, [1, 1024]),
                      onnx.value_info(12, "y", onnx.FLOAT, [1, 100]))


def external(location):
    """A model whose weight lies in the file `location`."""
    return linear("Add", weights=onnx.external_tensor("w", [1], location))


def image():
    """One 3x8x8 image in, three channel means out."""
    return onnx.model(onnx.node("GlobalAveragePool", ["x"], ["y"], "pool"),
                      onnx.value_info(11, "x", onnx.FLOAT, [1, 3, 8, 8]),
                      onnx.value_info(12, "y", onnx.FLOAT, [1, 3, 1, 1]))


def detector():
    """One 6x8x8 image in, a YOLO head of one anchor, one class and one cell out."""
    return onnx.model(onnx.node("GlobalAveragePool", ["x"], ["y"], "pool"),
                      onnx.value_info(11, "x", onnx.FLOAT, [1, 6, 8, 8]),
                      onnx.value_info(12, "y", onnx.FLOAT, [1, 6, 1, 1]))


def heavy():
    """Twelve products of a vector of 1024 with one matrix: 4 MiB of weights, 25 165 824 operations."""
    names = ["x"] + ["h%d" % i for i in range(11)] + ["y"]
    return onnx.model(*[onnx.node("MatMul", [a, "w"], [b], "product_" + b) for a, b in zip(names, names[1:])],
                      onnx.tensor("w", onnx.FLOAT, [1024, 1024], onnx.floats([0.001] * 1024) * 1024),
                      onnx.value_info(11, "x", onnx.FLOAT, [1, 1024]),
                      onnx.value_info(12, "y", onnx.FLOAT, [1, 1024]))


KINDS = {
    "good": linear,
    "wide": wide,
    "heavy": heavy,
    "image": image,
    "detector": detector,
    "dynamic": lambda: linear(batch="n"),
    "truncated": lambda: linear()[:-40],
    "broken": lambda: b"\x08\x08garbage, no protobuf at all \xff\xff\xff\xff",
    "empty": lambda: b"",
    "unknown_operator": lambda: linear("NoSuchOperator"),
    "external_missing": lambda: external("absent.bin"),
    "external_outside": lambda: external("../outside.bin"),
    "external_absolute": lambda: external("/etc/hostname"),
    "external_link": lambda: external("link.bin"),
}


def write(kind, path):
    with open(path, "wb") as handle:
        handle.write(KINDS[kind]())
