# SPDX-License-Identifier: Apache-2.0
"""Operators over windows of space: convolution, pooling, padding, resizing (see onnx_ops.py)."""

import math

import numpy
import torch
import torch.nn.functional as F


def _torch_pads(begins, ends):
    """ONNX order (all begins, all ends) -> torch order (last axis first, begin and end)."""
    return [p for pair in reversed(list(zip(begins, ends))) for p in pair]


class _Window:
    """Kernel, strides, dilations and pads of a node; rank 2 or 1 or 3 by the kernel."""

    def __init__(self, context):
        self.context = context
        self.kernel = context.attribute("kernel_shape")
        self.strides = context.attribute("strides")
        self.dilations = context.attribute("dilations")
        self._pads = context.attribute("pads")
        self._auto = context.attribute("auto_pad", "NOTSET")
        if self._auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
            raise context.fail("auto_pad %s" % self._auto)

    def settle(self, rank):
        if rank not in (1, 2, 3):
            raise self.context.fail("%d axes of space" % rank)
        self.strides = list(self.strides or [1] * rank)
        self.dilations = list(self.dilations or [1] * rank)

    def pads(self, extents):
        """(begins, ends) for an input of these extents."""
        rank = len(extents)
        if self._auto == "NOTSET":
            pads = list(self._pads or [0] * (2 * rank))
            if any(p < 0 for p in pads):
                raise self.context.fail("negative pads")
            return pads[:rank], pads[rank:]
        begins, ends = [], []
        for extent, kernel, stride, dilation in zip(
            extents, self.kernel, self.strides, self.dilations
        ):
            reach = (kernel - 1) * dilation + 1
            total = max((math.ceil(extent / stride) - 1) * stride + reach - extent, 0)
            total = 0 if self._auto == "VALID" else total
            small, large = total // 2, total - total // 2
            begins.append(small if self._auto == "SAME_UPPER" else large)
            ends.append(large if self._auto == "SAME_UPPER" else small)
        return begins, ends


def _conv(context):
    window, groups = _Window(context), context.attribute("group", 1)

    def convolve(x, weight, bias=None):
        rank = x.dim() - 2
        window.kernel = list(window.kernel or weight.shape[2:])
        window.settle(rank)
        begins, ends = window.pads(x.shape[2:])
        if begins != ends:
            x, begins = F.pad(x, _torch_pads(begins, ends)), [0] * rank
        function = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
        return function(x, weight, bias, window.strides, begins, window.dilations, groups)

    return convolve


def _max_pool(context):
    window, ceil = _Window(context), bool(context.attribute("ceil_mode", 0))
    context.attribute("storage_order")  # of the indices, which are not made

    def pool(x):
        rank = x.dim() - 2
        window.settle(rank)
        begins, ends = window.pads(x.shape[2:])
        if begins != ends or any(2 * p > k for p, k in zip(begins, window.kernel)):
            if ceil:
                raise context.fail("ceil_mode with these pads")
            x = F.pad(x, _torch_pads(begins, ends), value=-math.inf)
            begins = [0] * rank
        function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[rank - 1]
        return function(x, window.kernel, window.strides, begins, window.dilations, ceil)

    return pool


def _average_pool(context):
    window, ceil = _Window(context), bool(context.attribute("ceil_mode", 0))
    whole = bool(context.attribute("count_include_pad", 0))

    def pool(x):
        rank = x.dim() - 2
        window.settle(rank)
        if any(d != 1 for d in window.dilations):
            raise context.fail("dilations")
        begins, ends = window.pads(x.shape[2:])
        function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[rank - 1]
        if begins == ends and not any(2 * p > k for p, k in zip(begins, window.kernel)):
            return function(x, window.kernel, window.strides, begins, ceil, whole)
        if ceil:
            raise context.fail("ceil_mode with these pads")
        pads = _torch_pads(begins, ends)
        mean = function(F.pad(x, pads), window.kernel, window.strides)
        if whole:
            return mean
        share = function(F.pad(torch.ones_like(x), pads), window.kernel, window.strides)
        return mean / share

    return pool


def _global_average_pool(context):
    return lambda x: x.mean(dim=list(range(2, x.dim())), keepdim=True)


def _pad(context):
    mode = context.attribute("mode", "constant")
    pads, value = context.ints(1, "pads"), context.constant(2, "value")
    axes = context.ints(3, "axes")
    context.tensors(0)
    if mode not in ("constant", "reflect", "edge") or pads is None:
        raise context.fail("mode %s" % mode)
    fill = 0.0 if value is None else float(numpy.ravel(value)[0])

    def pad(x):
        begins, ends = [0] * x.dim(), [0] * x.dim()
        half = len(pads) // 2
        for i, axis in enumerate(axes if axes is not None else range(half)):
            begins[axis], ends[axis] = pads[i], pads[half + i]
        if mode == "constant":
            return F.pad(x, _torch_pads(begins, ends), value=fill)
        if x.dim() not in (3, 4, 5) or any(begins[:2]) or any(ends[:2]):
            raise context.fail("mode %s of batch or channels" % mode)
        name = {"reflect": "reflect", "edge": "replicate"}[mode]
        return F.pad(x, _torch_pads(begins[2:], ends[2:]), mode=name)

    return pad


def _source(out, extent_in, extent_out, scale, how):
    """Where output positions `out` lie in the input, as real numbers."""
    if how == "asymmetric":
        return out / scale
    if how == "align_corners":
        return out * (extent_in - 1) / (extent_out - 1) if extent_out > 1 else out * 0.0
    if how == "pytorch_half_pixel" and extent_out <= 1:
        return out * 0.0
    return (out + 0.5) / scale - 0.5


_ROUND = {
    "floor": numpy.floor,
    "ceil": numpy.ceil,
    "round_prefer_floor": lambda x: numpy.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: numpy.floor(x + 0.5),
}


def _resize(context):
    how = context.attribute("coordinate_transformation_mode", "half_pixel")
    mode, rounding = context.attribute("mode", "nearest"), context.attribute(
        "nearest_mode", "round_prefer_floor"
    )
    for name, only in (
        ("exclude_outside", 0),
        ("antialias", 0),
        ("axes", None),
        ("keep_aspect_ratio_policy", "stretch"),
    ):
        if context.attribute(name, only) != only:
            raise context.fail(name)
    context.attribute("cubic_coeff_a"), context.attribute("extrapolation_value")
    scales, sizes = context.constant(2, "scales"), context.ints(3, "sizes")
    context.tensors(0)
    if how not in ("asymmetric", "align_corners", "half_pixel", "pytorch_half_pixel"):
        raise context.fail("coordinate_transformation_mode %s" % how)
    if mode not in ("nearest", "linear") or rounding not in _ROUND:
        raise context.fail("mode %s, nearest_mode %s" % (mode, rounding))

    def resize(x):
        for axis in range(x.dim()):
            extent = x.shape[axis]
            if sizes:
                new, scale = sizes[axis], sizes[axis] / extent
            else:
                scale = float(numpy.ravel(scales)[axis])
                new = int(math.floor(extent * scale))
            if new == extent and scale == 1.0:
                continue
            at = _source(numpy.arange(new, dtype=numpy.float64), extent, new, scale, how)
            if mode == "nearest":
                take = numpy.clip(_ROUND[rounding](at), 0, extent - 1).astype(numpy.int64)
                x = x.index_select(axis, torch.tensor(take, device=x.device))
                continue
            low = numpy.floor(at)
            share = torch.tensor(at - low, dtype=x.dtype, device=x.device)
            share = share.reshape([new] + [1] * (x.dim() - axis - 1))
            places = [
                torch.tensor(numpy.clip(p, 0, extent - 1).astype(numpy.int64), device=x.device)
                for p in (low, low + 1)
            ]
            a, b = (x.index_select(axis, place) for place in places)
            x = a * (1.0 - share) + b * share
        return x

    return resize


OPERATORS = {
    "AveragePool": _average_pool,
    "Conv": _conv,
    "GlobalAveragePool": _global_average_pool,
    "MaxPool": _max_pool,
    "Pad": _pad,
    "Resize": _resize,
}
