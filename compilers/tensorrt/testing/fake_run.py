# SPDX-License-Identifier: Apache-2.0
"""Runs the small networks of tests in plain Python, and puts such a run on a fake CUDA stream.

A value is (extents, [float]).  Only what the conformance models need.  Inputs and outputs are
float32 wherever they lie; `copy` of the FAKE_TENSORRT faults leaves the output as it is.
"""

import array
import ctypes
import itertools
import math
import os
import struct

_KEPT = []  # what streams and graphs still point to
_CALL = ctypes.CFUNCTYPE(None, ctypes.c_longlong)


def rounded(values):
    return list(array.array("f", values))


def _size(shape):
    return math.prod(shape)


def _strides(shape):
    strides, step = [], 1
    for extent in reversed(shape):
        strides.insert(0, step)
        step *= extent
    return strides


def _broadcast(function, a, b):
    rank = max(len(a[0]), len(b[0]))
    shapes = [[1] * (rank - len(v[0])) + list(v[0]) for v in (a, b)]
    out = [max(x, y) for x, y in zip(*shapes)]
    steps = [[0 if e == 1 else s for e, s in zip(x, _strides(x))] for x in shapes]
    values = []
    for place in itertools.product(*map(range, out)):
        at = [sum(p * s for p, s in zip(place, step)) for step in steps]
        values.append(function(a[1][at[0]], b[1][at[1]]))
    return out, rounded(values)


def _matmul(a, b):
    rows, inner, columns = _size(a[0][:-1]), a[0][-1], b[0][-1]
    values = [
        math.fsum(a[1][i * inner + k] * b[1][k * columns + j] for k in range(inner))
        for i in range(rows)
        for j in range(columns)
    ]
    return list(a[0][:-1]) + [columns], rounded(values)


def _conv(x, w, b, attributes):
    _, channels, height, width = x[0]
    outs, _, kh, kw = w[0]
    top, left, bottom, right = attributes.get("pads", [0] * 4)
    sy, sx = attributes.get("strides", [1, 1])
    oh, ow = (height + top + bottom - kh) // sy + 1, (width + left + right - kw) // sx + 1
    values = []
    for o, y, z in itertools.product(range(outs), range(oh), range(ow)):
        total = b[1][o]
        for c, i, j in itertools.product(range(channels), range(kh), range(kw)):
            row, column = y * sy - top + i, z * sx - left + j
            if 0 <= row < height and 0 <= column < width:
                weight = w[1][((o * channels + c) * kh + i) * kw + j]
                total += weight * x[1][(c * height + row) * width + column]
        values.append(total)
    return [1, outs, oh, ow], rounded(values)


def _softmax(x):
    width, values = x[0][-1], []
    for at in range(0, len(x[1]), width):
        powers = [math.exp(v - max(x[1][at : at + width])) for v in x[1][at : at + width]]
        values += [p / math.fsum(powers) for p in powers]
    return x[0], rounded(values)


def _pool(x):
    area = _size(x[0][2:])
    sums = [math.fsum(x[1][at : at + area]) / area for at in range(0, len(x[1]), area)]
    return list(x[0][:2]) + [1, 1], rounded(sums)


def _node(op, v, attributes):
    if op == "Conv" and len(v) > 1:
        return _conv(v[0], v[1], v[2], attributes)
    if op == "Gemm":
        return _broadcast(lambda a, b: a + b, _matmul(v[0], v[1]), v[2])
    if op == "MatMul" and len(v) > 1:
        return _matmul(v[0], v[1])
    if op in ("Add", "Sub", "Mul"):
        signs = {
            "Add": lambda a, b: a + b,
            "Sub": lambda a, b: a - b,
            "Mul": lambda a, b: a * b,
        }
        return _broadcast(signs[op], v[0], v[1])
    if op == "Relu":
        return v[0][0], [max(e, 0.0) for e in v[0][1]]
    if op == "Softmax":
        return _softmax(v[0])
    if op == "GlobalAveragePool":
        return _pool(v[0])
    if op == "Flatten":
        return [v[0][0][0], _size(v[0][0][1:])], v[0][1]
    return v[0]  # nodes without weights stand for nothing


def run(nodes, weights, inputs):
    """{name: value} of every tensor."""
    values = {**weights, **inputs}
    for node in nodes:
        arguments = [values[name] for name in node["inputs"]]
        values[node["outputs"][0]] = _node(node["op"], arguments, node["attributes"])
    return values


def weights_of(told):
    return {
        name: (shape, list(struct.unpack("<%df" % (len(raw) // 8), bytes.fromhex(raw))))
        for name, (shape, raw) in told.items()
    }


def _cuda():
    return ctypes.CDLL("libcuda.so.1")


def launch(stream, nodes, weights, inputs, outputs):
    """Puts a run on `stream`.  `inputs`, `outputs`: {name: (extents, address)}."""

    def call(_):
        values = {}
        for name, (shape, address) in inputs.items():
            data = array.array("f", ctypes.string_at(address, 4 * _size(shape)))
            values[name] = (shape, list(data))
        found = run(nodes, weights, values)
        for name, (shape, address) in outputs.items():
            data = array.array("f", found[name][1]).tobytes()
            assert len(data) == 4 * _size(shape), name
            ctypes.memmove(address, data, len(data))

    kept = _CALL(call)
    _KEPT.append(kept)
    function = _cuda().fake_launch
    function.argtypes = [ctypes.c_void_p, _CALL, ctypes.c_longlong]
    return function(stream, kept, 0) == 0


def use_libraries():
    """Loads the fake driver that lies beside the fake module's environment, under its own name."""
    folder = os.environ.get("FAKE_LIBRARIES") or os.path.join(
        os.path.dirname(os.path.abspath(__import__("sys").executable)), "..", "lib", "fakes"
    )
    for name in ("libcuda.so.1", "libnvidia-ml.so.1"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
