# SPDX-License-Identifier: Apache-2.0
"""The data set `photos`: seeded square crops of real photographs, prepared for a network.

The photographs are those that lie inside the installed packages scikit-image and scikit-learn; no
file is downloaded. Drawings, scans of text, test patterns and microscope stains are left out. Crops
of one photograph resemble each other, so the set declares itself clustered by photograph; the two
pictures of a stereo pair are one cluster.
"""

import argparse
import pathlib

import numpy as np
import skimage
import sklearn
from PIL import Image

from dataset import write_dataset

# (cluster, package, file below the package)
PHOTOGRAPHS = [
    ("astronaut", "skimage", "data/astronaut.png"),
    ("brick", "skimage", "data/brick.png"),
    ("camera", "skimage", "data/camera.png"),
    ("chelsea", "skimage", "data/chelsea.png"),
    ("clock", "skimage", "data/clock_motion.png"),
    ("coffee", "skimage", "data/coffee.png"),
    ("coins", "skimage", "data/coins.png"),
    ("grass", "skimage", "data/grass.png"),
    ("gravel", "skimage", "data/gravel.png"),
    ("hubble", "skimage", "data/hubble_deep_field.jpg"),
    ("moon", "skimage", "data/moon.png"),
    ("motorcycle", "skimage", "data/motorcycle_left.png"),
    ("motorcycle", "skimage", "data/motorcycle_right.png"),
    ("retina", "skimage", "data/retina.jpg"),
    ("rocket", "skimage", "data/rocket.jpg"),
    ("china", "sklearn", "datasets/images/china.jpg"),
    ("flower", "sklearn", "datasets/images/flower.jpg"),
]
_PACKAGES = {"skimage": skimage, "sklearn": sklearn}


def open_photograph(package, path):
    """The photograph as an 8-bit RGB image."""
    folder = pathlib.Path(_PACKAGES[package].__file__).parent
    with Image.open(folder / path) as image:
        return image.convert("RGB")


def prepare(image, size, mean, std):
    """A square image as float32 [1, 3, size, size]: bicubic resize, then (pixel - mean) / std."""
    pixels = np.asarray(image.resize((size, size), Image.Resampling.BICUBIC), np.float32)
    return ((pixels - np.float32(mean)) / np.float32(std)).transpose(2, 0, 1)[None]


def centre_crop(image, share=0.875):
    """The square of `share` of the shorter side around the middle, as in ImageNet evaluation."""
    width, height = image.size
    side = round(min(width, height) * share)
    left, top = (width - side) // 2, (height - side) // 2
    return image.crop((left, top, left + side, top + side))


def random_crop(image, generator):
    """A square of 45 to 100 % of the shorter side, anywhere, mirrored half of the time."""
    width, height = image.size
    side = round(min(width, height) * generator.uniform(0.45, 1.0))
    left = int(generator.integers(0, width - side + 1))
    top = int(generator.integers(0, height - side + 1))
    crop = image.crop((left, top, left + side, top + side))
    if generator.integers(2):
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return crop


def make_photos(folder, n, seed, size, mean, std):
    """Writes the data set with n crops, dealt over the clusters in turn (balanced to one crop)."""
    names = sorted({cluster for cluster, _, _ in PHOTOGRAPHS})
    images = {name: [open_photograph(package, path) for cluster, package, path in PHOTOGRAPHS
                     if cluster == name] for name in names}
    generator = np.random.Generator(np.random.PCG64(seed))
    clusters = [i % len(names) for i in range(n)]

    def crops():
        for cluster in clusters:
            choices = images[names[cluster]]
            image = choices[int(generator.integers(len(choices)))]
            yield prepare(random_crop(image, generator), size, mean, std)

    write_dataset(
        folder, "photos", crops(), (1, 3, size, size), sampling="clustered", clusters=clusters,
        clusters_by="photograph",
        description=f"{n} crops of {len(names)} photographs shipped with scikit-image and "
                    "scikit-learn",
        provenance={"tool": "tools/models/photos.py", "seed": seed, "clusters": names,
                    "source": f"scikit-image {skimage.__version__}, "
                              f"scikit-learn {sklearn.__version__}",
                    "prepare": f"square crop, bicubic to {size}x{size}, RGB, "
                               f"(pixel - {mean}) / {std}, NCHW"})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder of the data set")
    parser.add_argument("--n", type=int, default=500, help="number of crops (default 500)")
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--size", type=int, default=224, help="pixels a side (default 224)")
    parser.add_argument("--mean", type=float, default=127.0, help="subtracted from each pixel")
    parser.add_argument("--std", type=float, default=128.0, help="each pixel is divided by it")
    arguments = parser.parse_args()
    if arguments.n < 1 or arguments.size < 1 or arguments.std <= 0:
        parser.error("--n and --size must be at least 1, and --std above 0")
    make_photos(arguments.out, arguments.n, arguments.seed, arguments.size, arguments.mean,
                arguments.std)


if __name__ == "__main__":
    main()
