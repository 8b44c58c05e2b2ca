# SPDX-License-Identifier: Apache-2.0
"""Operators that work element by element, products, reductions and changes of shape.

A maker takes a Context (onnx_module.py) and returns a function of the node's tensors.
"""

import math

import numpy
import torch
import torch.nn.functional as F

_CASTS = {1: torch.float32, 6: torch.int32, 7: torch.int64, 9: torch.bool, 10: torch.float16}


def _plain(function):
    return lambda context: function


def _clip(context):
    low, high = context.constant(1, "lower bound"), context.constant(2, "upper bound")
    low = None if low is None else float(numpy.ravel(low)[0])
    high = None if high is None else float(numpy.ravel(high)[0])
    context.tensors(0)
    if low is None and high is None:
        return lambda x: x
    return lambda x: torch.clamp(x, low, high)


def _leaky_relu(context):
    alpha = context.attribute("alpha", 0.01)
    return lambda x: F.leaky_relu(x, alpha)


def _hard_sigmoid(context):
    alpha, beta = context.attribute("alpha", 0.2), context.attribute("beta", 0.5)
    return lambda x: torch.clamp(x * alpha + beta, 0.0, 1.0)


def _hard_swish(context):
    return lambda x: x * torch.clamp(x * (1.0 / 6.0) + 0.5, 0.0, 1.0)


def _div(context):
    def divide(a, b):
        if a.is_floating_point():
            return a / b
        raise context.fail("a quotient of whole numbers")

    return divide


def _softmax(context):
    axis = context.attribute("axis", -1 if context.opset >= 13 else 1)
    if context.opset >= 13:
        return lambda x: torch.softmax(x, axis)

    def flat(x):  # before opset 13 everything from the axis on is one
        at = axis % x.dim()
        rows = math.prod(x.shape[:at])
        return torch.softmax(x.reshape(rows, -1), -1).reshape(x.shape)

    return flat


def _gemm(context):
    alpha, beta = context.attribute("alpha", 1.0), context.attribute("beta", 1.0)
    left, right = context.attribute("transA", 0), context.attribute("transB", 0)

    def gemm(a, b, c=None):
        a = a.t() if left else a
        b = b.t() if right else b
        if c is None:
            return torch.mm(a, b) if alpha == 1.0 else torch.mm(a, b) * alpha
        return torch.addmm(c, a, b, beta=beta, alpha=alpha)

    return gemm


def _batch_normalization(context):
    epsilon = context.attribute("epsilon", 1e-5)
    context.attribute("momentum")
    if context.attribute("training_mode", 0):
        raise context.fail("training mode")
    return lambda x, scale, bias, mean, var: F.batch_norm(
        x, mean, var, scale, bias, training=False, eps=epsilon
    )


def _axes(context, from_opset):
    """The axes of a node: an attribute before `from_opset`, an input from there on."""
    if context.opset >= from_opset:
        axes = context.ints(1, "axes")
        context.tensors(0)
        return axes
    return context.attribute("axes")


def _reduce_mean(context):
    axes, keep = _axes(context, 18), bool(context.attribute("keepdims", 1))
    empty = context.attribute("noop_with_empty_axes", 0)

    def mean(x):
        if not axes:
            return x if empty else x.mean(dim=list(range(x.dim())), keepdim=keep)
        return x.mean(dim=list(axes), keepdim=keep)

    return mean


def _flatten(context):
    axis = context.attribute("axis", 1)

    def flatten(x):
        at = axis if axis >= 0 else x.dim() + axis
        return x.reshape(math.prod(x.shape[:at]), math.prod(x.shape[at:]))

    return flatten


def _reshape(context):
    wanted = context.ints(1, "shape")
    context.tensors(0)
    zero_is_zero = context.attribute("allowzero", 0)
    if wanted is None:
        raise context.fail("no shape")

    def reshape(x):
        shape = [
            x.shape[i] if extent == 0 and not zero_is_zero else extent
            for i, extent in enumerate(wanted)
        ]
        return x.reshape(shape)

    return reshape


def _transpose(context):
    order = context.attribute("perm")
    return lambda x: x.permute(order if order else list(range(x.dim()))[::-1])


def _concat(context):
    axis = context.attribute("axis")
    return lambda *tensors: torch.cat(tensors, axis)


def _slice(context):
    starts, ends = context.ints(1, "starts"), context.ints(2, "ends")
    axes = context.ints(3, "axes") or list(range(len(starts)))
    steps = context.ints(4, "steps") or [1] * len(starts)
    context.tensors(0)
    if any(step < 1 for step in steps):
        raise context.fail("a step below 1")

    def cut(x):
        for start, end, axis, step in zip(starts, ends, axes, steps):
            extent = x.shape[axis]
            first = min(max(start + extent if start < 0 else start, 0), extent)
            last = min(max(end + extent if end < 0 else end, first), extent)
            x = x[(slice(None),) * (axis % x.dim()) + (slice(first, last, step),)]
        return x

    return cut


def _squeeze(context):
    axes = _axes(context, 13)

    def squeeze(x):
        return x.squeeze() if axes is None else x.squeeze(tuple(a % x.dim() for a in axes))

    return squeeze


def _unsqueeze(context):
    axes = _axes(context, 13)

    def unsqueeze(x):
        rank = x.dim() + len(axes)
        for axis in sorted(a % rank for a in axes):
            x = x.unsqueeze(axis)
        return x

    return unsqueeze


def _cast(context):
    to = context.attribute("to")
    context.attribute("saturate")
    if to not in _CASTS:
        raise context.fail("to element type %s" % to)
    return lambda x: x.to(_CASTS[to])


OPERATORS = {
    "Add": _plain(torch.add),
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Constant": _plain(None),  # read by onnx_module.py
    "Div": _div,
    "Exp": _plain(torch.exp),
    "Flatten": _flatten,
    "Gemm": _gemm,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _hard_swish,
    "Identity": _plain(lambda x: x),
    "LeakyRelu": _leaky_relu,
    "MatMul": _plain(torch.matmul),
    "Mul": _plain(torch.mul),
    "ReduceMean": _reduce_mean,
    "Relu": _plain(torch.relu),
    "Reshape": _reshape,
    "Sigmoid": _plain(torch.sigmoid),
    "Slice": _slice,
    "Softmax": _softmax,
    "Squeeze": _squeeze,
    "Sub": _plain(torch.sub),
    "Tanh": _plain(torch.tanh),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
