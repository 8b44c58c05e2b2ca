# SPDX-License-Identifier: Apache-2.0
"""Seeded pictures of plates: light digits of scikit-learn's set on dark squares, before a noisy
background with lines and blobs. Every plate comes with its box, so that a detector can be trained
and judged."""

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT, SMALLEST, LARGEST, MOST = 320, 240, 30, 68, 4


def _background(generator):
    """Two colours blended along a random direction, clutter, noise."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    angle = generator.uniform(0, 2 * np.pi)
    along = np.cos(angle) * x / WIDTH + np.sin(angle) * y / HEIGHT
    along = (along - along.min()) / (np.ptp(along) + 1e-6)
    colours = generator.uniform(60, 220, (2, 3)).astype(np.float32)
    picture = colours[0] + along[..., None] * (colours[1] - colours[0])
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(generator.integers(3, 9)):
        ends = generator.integers(0, (WIDTH, HEIGHT, WIDTH, HEIGHT)).tolist()
        colour = tuple(generator.integers(20, 240, 3).tolist())
        if generator.random() < 0.6:
            draw.line(ends, fill=colour, width=int(generator.integers(1, 5)))
        else:
            left, top = ends[:2]
            side = generator.integers(8, 40, 2).tolist()
            draw.ellipse((left, top, left + side[0], top + side[1]), fill=colour)
    return image


def _overlaps(box, boxes):
    return any(box[0] < b[2] + 4 and b[0] < box[2] + 4 and box[1] < b[3] + 4 and b[1] < box[3] + 4
               for b in boxes)


def draw_picture(generator, digits, labels):
    """One picture [240, 320, 3] uint8, its boxes [[x0, y0, x1, y1]] in pixels, and their labels."""
    image, boxes, found = _background(generator), [], []
    for _ in range(generator.integers(1, MOST + 1)):
        side = int(generator.integers(SMALLEST, LARGEST + 1))
        left = int(generator.integers(2, WIDTH - side - 2))
        top = int(generator.integers(2, HEIGHT - side - 2))
        box = (left, top, left + side, top + side)
        if _overlaps(box, boxes):
            continue
        which = int(generator.integers(len(digits)))
        strokes = Image.fromarray((digits[which, 0] * 255).astype(np.uint8))
        mask = np.asarray(strokes.resize((side, side), Image.Resampling.BILINEAR), np.float32)
        plate = generator.uniform(0, 45, 3)
        ink = generator.uniform(190, 255, 3)
        patch = plate + mask[..., None] / 255 * (ink - plate)
        image.paste(Image.fromarray(np.clip(patch, 0, 255).astype(np.uint8)), (left, top))
        boxes.append(box)
        found.append(int(labels[which]))
    noisy = np.asarray(image, np.float32) + generator.normal(0, generator.uniform(1, 7),
                                                            (HEIGHT, WIDTH, 3))
    return np.clip(noisy + 0.5, 0, 255).astype(np.uint8), boxes, found


def draw_pictures(seed, digits, labels, n):
    """`n` pictures as (picture, boxes, labels), one at a time; a seed of its own for each."""
    for i in range(n):
        yield draw_picture(np.random.Generator(np.random.PCG64([seed, i])), digits, labels)
