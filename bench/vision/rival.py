# SPDX-License-Identifier: Apache-2.0
"""The rivals of run.py: `rival.py PIXELS WIDTH HEIGHT REPEATS FOLDER`. Every program is timed REPEATS times; its tensor
goes to FOLDER/<program>.f32. One JSON line: {versions, ns: {program: [...]}}."""
import json
import sys
import time

import cv2
import numpy as np
import PIL
from PIL import Image

cv2.setNumThreads(1)
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
SIDE, SHORTER = 224, 256
# level * FACTOR + SHIFT, so that no program divides or subtracts more than it must.
FACTOR, SHIFT = (1 / 255 / STD).astype(np.float32), (-MEAN / STD).astype(np.float32)
FACTOR3, SHIFT3 = FACTOR[:, None, None], SHIFT[:, None, None]


def geometry(width, height):
    """Sides after the resize and the crop's corner, as torchvision has them."""
    wide = width >= height
    longer = SHORTER * max(width, height) // min(width, height)
    w, h = (longer, SHORTER) if wide else (SHORTER, longer)
    return w, h, round((w - SIDE) / 2), round((h - SIDE) / 2)


def programs(image):
    """{name: function that gives a 3x224x224 float32 array}; the best one counts."""
    height, width = image.shape[:2]
    w, h, left, top = geometry(width, height)
    rows, columns = slice(top, top + SIDE), slice(left, left + SIDE)
    picture = Image.fromarray(image)
    blob = cv2.dnn.Image2BlobParams()
    blob.scalefactor = (*(1 / 255 / STD).tolist(), 1.0)
    blob.mean = (*(255 * MEAN).tolist(), 0.0)
    blob.ddepth = cv2.CV_32F
    out = np.empty((3, SIDE, SIDE), np.float32)

    def resized():
        return cv2.resize(image, (w, h), interpolation=cv2.INTER_LINEAR)[rows, columns]

    def cv2_transpose():  # layout first, then two passes in place over planes
        np.multiply(resized().transpose(2, 0, 1), FACTOR3, out=out)
        np.add(out, SHIFT3, out=out)
        return out

    def cv2_split():  # a plane at a time
        for c, plane in enumerate(cv2.split(resized())):
            np.multiply(plane, FACTOR[c], out=out[c], dtype=np.float32)
            np.add(out[c], SHIFT[c], out=out[c])
        return out

    def cv2_table():  # a look-up table turns levels into floats
        pixels = cv2.LUT(resized(), table)
        for c in range(3):
            cv2.extractChannel(pixels, c, out[c])
        return out

    def cv2_blob():  # OpenCV's own network input, one scale; deviations afterwards
        result = cv2.dnn.blobFromImage(resized(), 1 / 255 / STD[0], mean=(255 * MEAN).tolist())[0]
        result[1] *= STD[0] / STD[1]
        result[2] *= STD[0] / STD[2]
        return result

    def cv2_blob_params():  # the same with a scale for each channel
        return cv2.dnn.blobFromImageWithParams(resized(), blob)[0]

    def cv2_float():  # arithmetic on interleaved pixels, then the layout
        pixels = resized().astype(np.float32)
        pixels *= FACTOR
        pixels += SHIFT
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def pil_numpy():
        part = picture.resize((w, h), Image.BILINEAR).crop((left, top, left + SIDE, top + SIDE))
        np.multiply(np.asarray(part).transpose(2, 0, 1), FACTOR3, out=out)
        np.add(out, SHIFT3, out=out)
        return out

    def pil_box():  # only the part that survives the crop is resized
        part = picture.resize((SIDE, SIDE), Image.BILINEAR, box=box)
        np.multiply(np.asarray(part).transpose(2, 0, 1), FACTOR3, out=out)
        np.add(out, SHIFT3, out=out)
        return out

    def pil_torchvision():  # Resize, CenterCrop, ToTensor, Normalize, step by step
        part = picture.resize((w, h), Image.BILINEAR).crop((left, top, left + SIDE, top + SIDE))
        pixels = np.ascontiguousarray(np.array(part).transpose(2, 0, 1)).astype(np.float32) / np.float32(255)
        pixels -= MEAN.astype(np.float32)[:, None, None]
        pixels /= STD.astype(np.float32)[:, None, None]
        return pixels

    box = (left * width / w, top * height / h, (left + SIDE) * width / w, (top + SIDE) * height / h)
    levels = np.arange(256, dtype=np.float32)[:, None]
    table = np.ascontiguousarray((levels * FACTOR + SHIFT).reshape(1, 256, 3))
    return {f.__name__: f for f in (cv2_transpose, cv2_split, cv2_table, cv2_blob, cv2_blob_params, cv2_float,
                                    pil_numpy, pil_box, pil_torchvision)}


def main():
    path, width, height, repeats, folder = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
    image = np.fromfile(path, np.uint8).reshape(height, width, 3)
    times = {}
    for name, program in programs(image).items():
        for _ in range(10):
            result = program()
        np.ascontiguousarray(result).tofile(f"{folder}/{name}.f32")
        times[name] = []
        for _ in range(repeats):
            start = time.perf_counter_ns()
            program()
            times[name].append(time.perf_counter_ns() - start)
    print(json.dumps({"cv2": cv2.__version__, "pil": PIL.__version__, "numpy": np.__version__, "ns": times}))


if __name__ == "__main__":
    main()
