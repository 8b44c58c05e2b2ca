# SPDX-License-Identifier: Apache-2.0
"""A small detector trained here on pictures of plates with digits, the pictures, and their boxes.

Network (of the class of YOLOv2, Redmon & Farhadi, arXiv:1612.08242, with one anchor): three 3x3
convolutions of stride 2 and one of stride 1, ReLU, a 1x1 head of 5 + 10 numbers for each cell of
12x12. Loss: logistic for the objectness, squares for centre and log size, softmax cross-entropy for
the class. NumPy only, one thread, seeded. Pictures for training hold the digits that the network
`digits` is trained on, those for the test its held-out ones: neither network has seen them.
Input: [1, 3, 96, 96], RGB / 255, letterbox of 320x240 with grey 114.
"""

import digits  # first: it sets the number of threads

import argparse
import json
import pathlib
import sys

import numpy as np

from convolution import Adam, conv, conv_back

SIDE, GRID, STRIDE, CLASSES, ANCHOR, PAD = 96, 12, 8, 10, 14.0, 114
LAYERS = (("conv1", 3, 16, 2), ("conv2", 16, 24, 2), ("conv3", 24, 48, 2), ("conv4", 48, 64, 1))
HEAD = 5 + CLASSES


def init_params(generator, dtype=np.float32):
    """He-scaled weights, zero biases; the objectness starts at odds of 1 to 50."""
    params = {}
    for name, before, after, _ in LAYERS:
        scale = np.sqrt(2.0 / (9 * before))
        params[name + ".weight"] = (generator.standard_normal((after, before, 3, 3))
                                    * scale).astype(dtype)
        params[name + ".bias"] = np.zeros(after, dtype)
    params["head.weight"] = (generator.standard_normal((HEAD, LAYERS[-1][2])) * 0.05).astype(dtype)
    params["head.bias"] = np.zeros(HEAD, dtype)
    params["head.bias"][4] = -np.log(50)
    return params


def forward(params, x):
    """Raw head [n, 15, 12, 12] of [n, 3, 96, 96], and what the backward pass needs."""
    kept = []
    for name, _, _, stride in LAYERS:
        x, columns = conv(x, params[name + ".weight"], params[name + ".bias"], stride)
        on = x > 0
        x = x * on
        kept.append((columns, on))
    rows = x.transpose(0, 2, 3, 1)
    y = rows @ params["head.weight"].T + params["head.bias"]
    return y.transpose(0, 3, 1, 2), (kept, rows)


def _sigmoid(v):
    return 1 / (1 + np.exp(-v))


def loss_and_gradient(params, x, targets):
    """Mean loss a picture, and its gradient.

    targets [n, 6, 12, 12]: 1 where a plate's centre lies, x and y in the cell, log(width / anchor),
    log(height / anchor), class.
    """
    y, (kept, rows) = forward(params, x)
    n = len(x)
    there = targets[:, 0]
    place, cell_x, cell_y = np.nonzero(there)
    objectness = _sigmoid(y[:, 4])
    weight = np.where(there > 0, 1.0, 0.5).astype(y.dtype)
    loss = -(weight * np.where(there > 0, np.log(objectness + 1e-9),
                               np.log(1 - objectness + 1e-9))).sum()
    grad = np.zeros_like(y)
    grad[:, 4] = weight * (objectness - there)
    at = (place, slice(None), cell_x, cell_y)
    found, wanted = y[at], targets[at]
    centre = _sigmoid(found[:, :2])
    off = centre - wanted[:, 1:3]
    size_off = found[:, 2:4] - wanted[:, 3:5]
    loss += 4 * (off**2).sum() + 2 * (size_off**2).sum()
    shifted = found[:, 5:] - found[:, 5:].max(1, keepdims=True)
    log_share = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    index = wanted[:, 5].astype(int)
    loss -= log_share[np.arange(len(index)), index].sum()
    class_grad = np.exp(log_share)
    class_grad[np.arange(len(index)), index] -= 1
    step = np.concatenate([8 * off * centre * (1 - centre), 4 * size_off,
                           grad[:, 4][place, cell_x, cell_y][:, None], class_grad], 1)
    grad[at] = step
    grad /= n
    flat = grad.transpose(0, 2, 3, 1)
    out = {"head.weight": np.einsum("nhwk,nhwc->kc", flat, rows, optimize=True),
           "head.bias": flat.sum((0, 1, 2))}
    back = (flat @ params["head.weight"]).transpose(0, 3, 1, 2)
    for (name, _, _, stride), (columns, on) in zip(reversed(LAYERS), reversed(kept)):
        out[name + ".weight"], out[name + ".bias"], back = conv_back(
            back * on, columns, params[name + ".weight"], stride)
    return loss / n, out


def letterbox(picture):
    """[240, 320, 3] uint8 to [3, 96, 96] uint8: largest fit, Pillow's bilinear, bars of grey."""
    from PIL import Image
    height, width = picture.shape[:2]
    scale = min(SIDE / width, SIDE / height)
    w, h = round(width * scale), round(height * scale)
    out = np.full((SIDE, SIDE, 3), PAD, np.uint8)
    top, left = (SIDE - h) // 2, (SIDE - w) // 2
    out[top:top + h, left:left + w] = np.asarray(
        Image.fromarray(picture).resize((w, h), Image.Resampling.BILINEAR))
    return out.transpose(2, 0, 1), scale, left, top


def target_of(boxes, labels, scale, left, top):
    """The [6, 12, 12] of loss_and_gradient() for the boxes of one picture."""
    target = np.zeros((6, GRID, GRID), np.float32)
    for (x0, y0, x1, y1), label in zip(boxes, labels):
        x, y = (x0 + x1) / 2 * scale + left, (y0 + y1) / 2 * scale + top
        column, row = int(x // STRIDE), int(y // STRIDE)
        target[:, row, column] = (1, x / STRIDE - column, y / STRIDE - row,
                                  np.log((x1 - x0) * scale / ANCHOR),
                                  np.log((y1 - y0) * scale / ANCHOR), label)
    return target


def train(x, targets, generator, epochs, batch=16):
    """Adam; each picture gets another brightness and colour each time."""
    params = init_params(generator)
    adam = Adam(params, epochs * (len(x) // batch))
    for epoch in range(epochs):
        order, total = generator.permutation(len(x)), 0.0
        for start in range(0, len(x) - batch + 1, batch):
            rows = order[start:start + batch]
            shade = generator.uniform(0.85, 1.15, (batch, 3, 1, 1)).astype(np.float32)
            loss, gradient = loss_and_gradient(params, x[rows] * np.float32(1 / 255) * shade,
                                               targets[rows])
            total += loss
            adam.step(gradient)
        if epoch % 4 == 3 or epoch == epochs - 1:
            print(f"epoch {epoch + 1:3}: mean loss {total / (len(x) // batch):.4f}", flush=True)
    return params


def export(params):
    """The ONNX model of trained parameters."""
    from graph import GraphBuilder
    builder, x = GraphBuilder("scenes"), "input"
    for name, value in params.items():
        builder.weight(name, value[..., None, None] if name == "head.weight" else value)
    for name, _, _, stride in LAYERS:
        x = builder.node("Conv", name, [x, f"{name}.weight", f"{name}.bias"],
                         kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[stride, stride])
        x = builder.node("Relu", name.replace("conv", "relu"), [x])
    x = builder.node("Conv", "head", [x, "head.weight", "head.bias"], kernel_shape=[1, 1])
    return builder.model([1, 3, SIDE, SIDE], x, [1, HEAD, GRID, GRID],
                         "plates with digits; RGB / 255, letterbox; output: one anchor of YOLOv2")


def detector_spec():
    """MODEL.detector.json: how the head becomes boxes."""
    return {"kind": "yolo-anchors", "classes": CLASSES,
            "class_names": [str(i) for i in range(CLASSES)], "score_threshold": 0.3,
            "nms_iou": 0.45, "softmax_classes": True,
            "levels": [{"output": "output", "stride": STRIDE, "anchors": [[ANCHOR, ANCHOR]]}]}


def decode(head, scale, left, top, threshold=0.3):
    """Boxes [(x0, y0, x1, y1, score, label)] of one head [15, 12, 12], plainly; suppressed."""
    objectness, shares = _sigmoid(head[4]), np.exp(head[5:] - head[5:].max(0))
    shares /= shares.sum(0)
    score, label = objectness * shares.max(0), shares.argmax(0)
    found = []
    for row, column in zip(*np.nonzero(score >= threshold)):
        x, y = (column + _sigmoid(head[0, row, column])) * STRIDE, (
            row + _sigmoid(head[1, row, column])) * STRIDE
        w, h = ANCHOR * np.exp(head[2:4, row, column])
        found.append(((x - w / 2 - left) / scale, (y - h / 2 - top) / scale,
                      (x + w / 2 - left) / scale, (y + h / 2 - top) / scale,
                      float(score[row, column]), int(label[row, column])))
    kept = []
    for box in sorted(found, key=lambda b: -b[4]):
        if all(overlap(box, other) < 0.45 or box[5] != other[5] for other in kept):
            kept.append(box)
    return kept


def overlap(a, b):
    """Intersection over union."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    both = w * h
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def judge(found, truth):
    """(right, found, true): boxes with the class of a plate and IoU >= 0.5, each plate once."""
    right = total_found = total_true = 0
    for boxes, (true_boxes, labels) in zip(found, truth):
        open_plates = list(zip(true_boxes, labels))
        for box in boxes:
            for plate in open_plates:
                if plate[1] == box[5] and overlap(box, plate[0]) >= 0.5:
                    open_plates.remove(plate)
                    right += 1
                    break
        total_found, total_true = total_found + len(boxes), total_true + len(true_boxes)
    return right, total_found, total_true


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder for the model, data/ and images/")
    parser.add_argument("--pictures", type=int, default=5000, help="for training")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--held-out", type=int, default=600)
    parser.add_argument("--seed", type=int, default=20261125)
    parser.add_argument("--at-least", type=float, default=0.8, help="recall and precision demanded")
    arguments = parser.parse_args()
    import onnx
    import onnxruntime
    import sklearn
    from PIL import Image

    from dataset import write_dataset, write_json
    from scene_pictures import draw_pictures
    out = pathlib.Path(arguments.out)
    (out / "images").mkdir(parents=True, exist_ok=True)
    x, labels, test_x, test_labels = digits.load_split(20261123)
    inputs = np.empty((arguments.pictures, 3, SIDE, SIDE), np.uint8)
    targets = np.empty((arguments.pictures, 6, GRID, GRID), np.float32)
    for i, (picture, boxes, found) in enumerate(
            draw_pictures(arguments.seed, x, labels, arguments.pictures)):
        inputs[i], *place = letterbox(picture)
        targets[i] = target_of(boxes, found, *place)
    generator = np.random.Generator(np.random.PCG64(arguments.seed + 1))
    params = train(inputs, targets, generator, arguments.epochs)
    onnx.save(export(params), out / "model.onnx")
    write_json(out / "model.detector.json", detector_spec())
    session = onnxruntime.InferenceSession(str(out / "model.onnx"),
                                           providers=["CPUExecutionProvider"])
    items, truth, found, tensor_boxes, worst = [], [], [], [], 0.0
    for i, (picture, boxes, names) in enumerate(
            draw_pictures(arguments.seed + 2, test_x, test_labels, arguments.held_out)):
        path = out / "images" / f"scene-{i:04}.jpg"
        Image.fromarray(picture).save(path, quality=92, subsampling=0)
        small, *place = letterbox(np.asarray(Image.open(path)))
        item = small[None].astype(np.float32) / np.float32(255)
        head = session.run(None, {"input": item})[0]
        worst = max(worst, float(np.abs(head - forward(params, item)[0]).max()))
        items.append(item)
        truth.append((boxes, names))
        found.append(decode(head[0], *place))
        scale, left, top = place
        tensor_boxes.append([[x0 * scale + left, y0 * scale + top, x1 * scale + left,
                              y1 * scale + top, name]
                             for (x0, y0, x1, y1), name in zip(boxes, names)])
    right, count, total = judge(found, truth)
    print(f"held-out plates: {right} of {total} found ({right / total:.3f}), {right} of {count} "
          f"boxes right ({right / max(count, 1):.3f}); ONNX Runtime differs from NumPy by at most "
          f"{worst:.2g}")
    if min(right / total, right / max(count, 1)) < arguments.at_least or not worst < 1e-2:
        sys.exit(f"scenes: recall or precision under {arguments.at_least}, or the run time differs")
    write_dataset(
        out / "data", "scenes", items, (1, 3, SIDE, SIDE), sampling="independent",
        boxes=tensor_boxes,
        description=f"{len(items)} seeded pictures of plates with held-out digits; frames in images/",
        provenance={"tool": "tools/models/scenes.py", "seed": arguments.seed + 2,
                    "source": f"scikit-learn {sklearn.__version__} load_digits",
                    "prepare": "letterbox to 96x96 with grey 114, RGB / 255, NCHW"})


if __name__ == "__main__":
    main()
