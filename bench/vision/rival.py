# SPDX-License-Identifier: Apache-2.0
"""The rivals of run.py: `rival.py FILE WIDTH HEIGHT REPEATS FOLDER`. Every program is timed REPEATS times on the RGB
bytes in FILE; its tensor goes to FOLDER/<program>.f32. With `0 0` FILE is a JPEG, and decoding it from memory is timed
too; names then end in `_whole`. One JSON line: {versions, ns: {program: [...]}}."""
import io
import json
import pathlib
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
LEVELS = np.arange(256, dtype=np.float32)[:, None]
TABLE = np.ascontiguousarray((LEVELS * FACTOR + SHIFT).reshape(1, 256, 3))
BLOB = cv2.dnn.Image2BlobParams()
BLOB.scalefactor = (*(1 / 255 / STD).tolist(), 1.0)
BLOB.mean = (*(255 * MEAN).tolist(), 0.0)
BLOB.ddepth = cv2.CV_32F


def programs(width, height):
    """{name: function of an image (cv2_: array, pil_: picture) that gives 3x224x224 float32}; the best one counts."""
    longer = SHORTER * max(width, height) // min(width, height)  # as torchvision has it
    w, h = (longer, SHORTER) if width >= height else (SHORTER, longer)
    left, top = round((w - SIDE) / 2), round((h - SIDE) / 2)
    rows, columns = slice(top, top + SIDE), slice(left, left + SIDE)
    box = (left * width / w, top * height / h, (left + SIDE) * width / w, (top + SIDE) * height / h)
    out = np.empty((3, SIDE, SIDE), np.float32)

    def resized(image):
        return cv2.resize(image, (w, h), interpolation=cv2.INTER_LINEAR)[rows, columns]

    def cv2_transpose(image):  # layout first, then two passes in place over planes
        np.multiply(resized(image).transpose(2, 0, 1), FACTOR3, out=out)
        np.add(out, SHIFT3, out=out)
        return out

    def cv2_split(image):  # a plane at a time
        for c, plane in enumerate(cv2.split(resized(image))):
            np.multiply(plane, FACTOR[c], out=out[c], dtype=np.float32)
            np.add(out[c], SHIFT[c], out=out[c])
        return out

    def cv2_table(image):  # a look-up table turns levels into floats
        pixels = cv2.LUT(resized(image), TABLE)
        for c in range(3):
            cv2.extractChannel(pixels, c, out[c])
        return out

    def cv2_blob(image):  # OpenCV's own network input, one scale; deviations afterwards
        result = cv2.dnn.blobFromImage(resized(image), 1 / 255 / STD[0], mean=(255 * MEAN).tolist())[0]
        result[1] *= STD[0] / STD[1]
        result[2] *= STD[0] / STD[2]
        return result

    def cv2_blob_params(image):  # the same with a scale for each channel
        return cv2.dnn.blobFromImageWithParams(resized(image), BLOB)[0]

    def cv2_float(image):  # arithmetic on interleaved pixels, then the layout
        pixels = resized(image).astype(np.float32)
        pixels *= FACTOR
        pixels += SHIFT
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def cv2_crop_first(image):  # resizes no more than it keeps, at the price of where pixels lie
        part = image[round(box[1]):round(box[3]), round(box[0]):round(box[2])]
        part = cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        return cv2.dnn.blobFromImageWithParams(part, BLOB)[0]

    def normalised(part):
        np.multiply(np.asarray(part).transpose(2, 0, 1), FACTOR3, out=out)
        np.add(out, SHIFT3, out=out)
        return out

    def pil_numpy(picture):
        return normalised(picture.resize((w, h), Image.BILINEAR).crop((left, top, left + SIDE, top + SIDE)))

    def pil_box(picture):  # only the part that survives the crop is resized
        return normalised(picture.resize((SIDE, SIDE), Image.BILINEAR, box=box))

    def pil_torchvision(picture):  # Resize, CenterCrop, ToTensor, Normalize, step by step
        part = picture.resize((w, h), Image.BILINEAR).crop((left, top, left + SIDE, top + SIDE))
        pixels = np.ascontiguousarray(np.array(part).transpose(2, 0, 1)).astype(np.float32) / np.float32(255)
        pixels -= MEAN.astype(np.float32)[:, None, None]
        pixels /= STD.astype(np.float32)[:, None, None]
        return pixels

    return {f.__name__: f for f in (cv2_transpose, cv2_split, cv2_table, cv2_blob, cv2_blob_params, cv2_float,
                                    cv2_crop_first, pil_numpy, pil_box, pil_torchvision)}


def main():
    path, width, height, repeats, folder = pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:5]), sys.argv[5]
    data = np.fromfile(path, np.uint8)
    if width:
        image = data.reshape(height, width, 3)
        picture = Image.fromarray(image)
        sources = {"cv2": lambda: image, "pil": lambda: picture}
        suffix = ""
    else:
        file = path.read_bytes()
        width, height = Image.open(path).size
        sources = {"cv2": lambda: cv2.imdecode(data, cv2.IMREAD_COLOR_RGB),
                   "pil": lambda: Image.open(io.BytesIO(file)).convert("RGB")}
        suffix = "_whole"
    times = {}
    for name, program in programs(width, height).items():
        source = sources[name[:3]]
        for _ in range(10):
            result = program(source())
        np.ascontiguousarray(result).tofile(f"{folder}/{name}{suffix}.f32")
        times[name + suffix] = taken = []
        for _ in range(repeats):
            start = time.process_time_ns()
            program(source())
            taken.append(time.process_time_ns() - start)
    print(json.dumps({"cv2": cv2.__version__, "pil": PIL.__version__, "numpy": np.__version__, "ns": times}))


if __name__ == "__main__":
    main()
