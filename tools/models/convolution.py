# SPDX-License-Identifier: Apache-2.0
"""Convolutions of NumPy arrays with their gradients, and Adam: what the networks here train with."""

import numpy as np


def columns_of(x, stride=1):
    """[n, c, h, w] to [n, h / stride, w / stride, c * 9]: 3x3 surroundings, zeros outside."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n, h // stride, w // stride, c * 9)


def conv(x, weight, bias, stride=1):
    """3x3 convolution, and the columns that its gradient needs."""
    columns = columns_of(x, stride)
    y = columns @ weight.reshape(weight.shape[0], -1).T + bias
    return y.transpose(0, 3, 1, 2), columns


def conv_back(grad, columns, weight, stride=1):
    """Gradients of a convolution: for its weight, its bias and its input."""
    n, k, h, w = grad.shape
    c = weight.shape[1]
    rows = grad.transpose(0, 2, 3, 1).reshape(-1, k)
    grad_weight = (rows.T @ columns.reshape(rows.shape[0], -1)).reshape(weight.shape)
    spread = (rows @ weight.reshape(k, -1)).reshape(n, h, w, c, 3, 3)
    padded = np.zeros((n, c, h * stride + 2, w * stride + 2), grad.dtype)
    for i in range(3):
        for j in range(3):
            padded[:, :, i:i + h * stride:stride, j:j + w * stride:stride] += (
                spread[..., i, j].transpose(0, 3, 1, 2))
    return grad_weight, rows.sum(0), padded[:, :, 1:-1, 1:-1]


class Adam:
    """Kingma & Ba, arXiv:1412.6980, algorithm 1, with a rate that falls linearly to a tenth."""

    def __init__(self, params, steps, rate=2e-3):
        self.params, self.steps, self.rate, self.t = params, steps, rate, 0
        self.first = {name: np.zeros_like(value) for name, value in params.items()}
        self.second = {name: np.zeros_like(value) for name, value in params.items()}

    def step(self, gradient):
        """Moves the parameters, in place."""
        self.t += 1
        t = self.t
        for name, g in gradient.items():
            first, second = self.first[name], self.second[name]
            first += np.float32(0.1) * (g - first)
            second += np.float32(0.001) * (g * g - second)
            size = self.rate * (1 - 0.9 * t / self.steps) * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            self.params[name] -= np.float32(size) * first / (np.sqrt(second) + 1e-8)
