# SPDX-License-Identifier: Apache-2.0
"""A small convolutional network trained here on scikit-learn's handwritten digits, and their test.

Network: 3x3 convolution to 16, ReLU, 3x3 convolution to 32, ReLU, 2x2 maximum pool, dense layer to
10 logits. Training: softmax cross-entropy by Adam (Kingma & Ba, arXiv:1412.6980, algorithm 1),
NumPy only, one thread, seeded: the same machine gives the same bits. The data set written is the
held-out part only, which training never sees; accuracy on it is a real one. Its images are taken as
independent draws: the set does not say who wrote which digit.
Input: [1, 1, 8, 8], pixel / 16.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy: one thread, one order of summation

import argparse
import pathlib
import sys

import numpy as np

from convolution import Adam, conv, conv_back

CHANNELS, CLASSES, SIDE = (1, 16, 32), 10, 8


def init_params(generator, dtype=np.float32):
    """He-scaled weights, zero biases: conv [out, in, 3, 3], dense [10, 512]."""
    features = CHANNELS[2] * (SIDE // 2) ** 2
    shapes = {"conv1": (CHANNELS[1], CHANNELS[0], 3, 3), "conv2": (CHANNELS[2], CHANNELS[1], 3, 3),
              "dense": (CLASSES, features)}
    params = {}
    for name, shape in shapes.items():
        scale = np.sqrt(2.0 / np.prod(shape[1:]))
        params[name + ".weight"] = (generator.standard_normal(shape) * scale).astype(dtype)
        params[name + ".bias"] = np.zeros(shape[0], dtype)
    return params


def forward(params, x):
    """Logits [n, 10] of images [n, 1, 8, 8], and what the backward pass needs."""
    a, columns1 = conv(x, params["conv1.weight"], params["conv1.bias"])
    a_on = a > 0
    b, columns2 = conv(a * a_on, params["conv2.weight"], params["conv2.bias"])
    b_on = b > 0
    b = b * b_on
    n, c, h, w = b.shape
    blocks = b.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5)
    blocks = blocks.reshape(n, c, h // 2, w // 2, 4)
    best = blocks.argmax(-1)
    pooled = np.take_along_axis(blocks, best[..., None], -1)[..., 0].reshape(n, -1)
    logits = pooled @ params["dense.weight"].T + params["dense.bias"]
    return logits, (columns1, a_on, columns2, b_on, best, pooled)


def loss_and_gradient(params, x, labels):
    """Mean cross-entropy in nats, and its gradient for every parameter."""
    logits, (columns1, a_on, columns2, b_on, best, pooled) = forward(params, x)
    n, c, h, w = b_on.shape
    shifted = logits - logits.max(1, keepdims=True)
    log_share = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    loss = -log_share[np.arange(n), labels].mean()
    grad = np.exp(log_share)
    grad[np.arange(n), labels] -= 1
    grad /= n
    out = {"dense.weight": grad.T @ pooled, "dense.bias": grad.sum(0)}
    spread = np.zeros((*best.shape, 4), grad.dtype)
    np.put_along_axis(spread, best[..., None],
                      (grad @ params["dense.weight"]).reshape(best.shape)[..., None], -1)
    grad = spread.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5)
    grad = grad.reshape(n, c, h, w) * b_on
    out["conv2.weight"], out["conv2.bias"], grad = conv_back(grad, columns2,
                                                              params["conv2.weight"])
    out["conv1.weight"], out["conv1.bias"], _ = conv_back(grad * a_on, columns1,
                                                           params["conv1.weight"])
    return loss, out


def train(x, labels, generator, epochs, batch=32, rate=2e-3):
    """Adam with a rate that falls linearly to a tenth; prints one line every five epochs."""
    params = init_params(generator)
    adam = Adam(params, epochs * (len(x) // batch), rate)
    for epoch in range(epochs):
        order, total = generator.permutation(len(x)), 0.0
        for start in range(0, len(x) - batch + 1, batch):
            rows = order[start:start + batch]
            loss, gradient = loss_and_gradient(params, x[rows], labels[rows])
            total += loss
            adam.step(gradient)
        if epoch % 5 == 4 or epoch == epochs - 1:
            print(f"epoch {epoch + 1:3}: mean loss {total / (len(x) // batch):.5f}")
    return params


def load_split(seed, held_out=500):
    """(x, labels, test x, test labels): images [n, 1, 8, 8] float32 in 0..1, split by a seed."""
    from sklearn.datasets import load_digits
    digits = load_digits()
    x = (digits.images[:, None] / 16).astype(np.float32)
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(x))
    test, rest = order[:held_out], order[held_out:]
    return x[rest], digits.target[rest], x[test], digits.target[test]


def export(params):
    """The ONNX model of trained parameters."""
    from graph import GraphBuilder
    builder, x = GraphBuilder("digits"), "input"
    for name, value in params.items():
        builder.weight(name, value)
    for i in (1, 2):
        x = builder.node("Conv", f"conv{i}", [x, f"conv{i}.weight", f"conv{i}.bias"],
                         kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1])
        x = builder.node("Relu", f"relu{i}", [x])
    x = builder.node("MaxPool", "pool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = builder.node("Flatten", "flatten", [x], axis=1)
    x = builder.node("Gemm", "dense", [x, "dense.weight", "dense.bias"], transB=1)
    return builder.model([1, 1, SIDE, SIDE], x, [1, CLASSES],
                         "handwritten digits 0-9; 8x8 grey, pixel / 16; output: logits")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder for model.onnx and data/")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--at-least", type=float, default=0.97, help="held-out accuracy demanded")
    arguments = parser.parse_args()
    import onnx
    import onnxruntime
    import sklearn

    from dataset import write_dataset
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    x, labels, test_x, test_labels = load_split(arguments.seed)
    generator = np.random.Generator(np.random.PCG64(arguments.seed + 1))
    params = train(x, labels, generator, arguments.epochs)
    onnx.save(export(params), out / "model.onnx")
    session = onnxruntime.InferenceSession(str(out / "model.onnx"),
                                           providers=["CPUExecutionProvider"])
    logits = np.concatenate([session.run(None, {"input": item[None]})[0] for item in test_x])
    worst = np.abs(logits - forward(params, test_x)[0]).max()
    accuracy = float((logits.argmax(1) == test_labels).mean())
    print(f"held-out accuracy {accuracy:.4f} on {len(test_x)} images; ONNX Runtime differs from "
          f"NumPy by at most {worst:.2g}")
    if accuracy < arguments.at_least or not worst < 1e-3:
        sys.exit(f"digits: accuracy {accuracy:.4f}, wanted {arguments.at_least}; difference "
                 f"{worst:.2g}, allowed 1e-3")
    write_dataset(
        out / "data", "digits", (item[None] for item in test_x), (1, 1, SIDE, SIDE),
        sampling="independent", labels=test_labels, label_names=[str(i) for i in range(CLASSES)],
        description=f"{len(test_x)} held-out digits of scikit-learn's set, never seen in training",
        provenance={"tool": "tools/models/digits.py", "seed": arguments.seed,
                    "source": f"scikit-learn {sklearn.__version__} load_digits",
                    "prepare": "pixel / 16, NCHW"})


if __name__ == "__main__":
    main()
