# SPDX-License-Identifier: Apache-2.0
"""Tests of the model tools: gradients, padding, data sets, seeded photographs, the catalog."""

import json
import os
import pathlib
import sys
import tempfile
import tomllib
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import digits  # first: it sets the number of threads
import numpy as np

import scenes
from dataset import write_dataset
from graph import same_padding
from photos import make_photos


class ScenesTest(unittest.TestCase):
    def test_gradient_equals_central_differences(self):
        generator = np.random.Generator(np.random.PCG64(5))
        params = scenes.init_params(generator, np.float64)
        for name in params:
            params[name] += 0.02 * generator.standard_normal(params[name].shape)
        x = generator.uniform(0, 1, (2, 3, scenes.SIDE, scenes.SIDE))
        boxes = [[(10, 20, 50, 60), (200, 100, 260, 160)], [(100, 100, 140, 140)]]
        targets = np.stack([scenes.target_of(b, range(len(b)), 0.3, 0, 12) for b in boxes])
        _, gradient = scenes.loss_and_gradient(params, x, targets)
        self.assertEqual(set(gradient), set(params))
        h = 1e-6
        for name, value in params.items():
            for place in generator.choice(value.size, size=3, replace=False):
                kept = value.flat[place]
                value.flat[place] = kept + h
                above, _ = scenes.loss_and_gradient(params, x, targets)
                value.flat[place] = kept - h
                below, _ = scenes.loss_and_gradient(params, x, targets)
                value.flat[place] = kept
                self.assertAlmostEqual((above - below) / (2 * h), gradient[name].flat[place],
                                       delta=2e-5, msg=f"{name}[{place}]")

    def test_decoded_target_is_the_box(self):
        box, label = (40, 60, 90, 110), 7
        target = scenes.target_of([box], [label], 0.3, 0, 12)
        head = np.zeros((scenes.HEAD, scenes.GRID, scenes.GRID))
        head[4] = -20
        row, column = map(int, np.argwhere(target[0])[0])
        offset = target[1:3, row, column]
        head[:2, row, column] = np.log(offset / (1 - offset))
        head[2:4, row, column] = target[3:5, row, column]
        head[4, row, column], head[5 + label, row, column] = 20, 20
        (found,) = scenes.decode(head, 0.3, 0, 12)
        self.assertEqual(found[5], label)
        for got, want in zip(found, box):
            self.assertAlmostEqual(got, want, places=4)
        self.assertEqual(scenes.judge([[found]], [([box], [label])]), (1, 1, 1))
        self.assertEqual(scenes.judge([[found, found]], [([box], [label])]), (1, 2, 1))
        self.assertEqual(scenes.judge([[found]], [([box], [3])]), (0, 1, 1))

    def test_pictures_repeat_and_hold_their_boxes(self):
        from scene_pictures import HEIGHT, WIDTH, draw_pictures
        strokes = np.ones((3, 1, 8, 8), np.float32)
        first = list(draw_pictures(9, strokes, [4, 5, 6], 5))
        again = list(draw_pictures(9, strokes, [4, 5, 6], 5))
        for (picture, boxes, labels), (same, *rest) in zip(first, again):
            self.assertTrue((picture == same).all())
            self.assertEqual([boxes, labels], rest)
            self.assertEqual(len(boxes), len(labels))
            for x0, y0, x1, y1 in boxes:
                self.assertTrue(0 <= x0 < x1 <= WIDTH and 0 <= y0 < y1 <= HEIGHT)
                self.assertGreater(picture[(y0 + y1) // 2, (x0 + x1) // 2].mean(), 150)


class DigitsTest(unittest.TestCase):
    def test_gradient_equals_central_differences(self):
        generator = np.random.Generator(np.random.PCG64(3))
        params = digits.init_params(generator, np.float64)
        for name in params:
            params[name] += 0.05 * generator.standard_normal(params[name].shape)
        x, labels = generator.uniform(0, 1, (3, 1, 8, 8)), np.array([1, 7, 4])
        _, gradient = digits.loss_and_gradient(params, x, labels)
        self.assertEqual(set(gradient), set(params))
        h = 1e-6
        for name, value in params.items():
            for place in generator.choice(value.size, size=min(12, value.size), replace=False):
                kept = value.flat[place]
                value.flat[place] = kept + h
                above, _ = digits.loss_and_gradient(params, x, labels)
                value.flat[place] = kept - h
                below, _ = digits.loss_and_gradient(params, x, labels)
                value.flat[place] = kept
                self.assertAlmostEqual((above - below) / (2 * h), gradient[name].flat[place],
                                       delta=1e-7, msg=f"{name}[{place}]")

    def test_split_keeps_held_out_images_apart(self):
        x, labels, test_x, test_labels = digits.load_split(1)
        self.assertEqual((len(x), len(test_x)), (1297, 500))
        self.assertEqual((len(labels), len(test_labels)), (1297, 500))
        training = {image.tobytes() for image in x}
        self.assertFalse(any(image.tobytes() in training for image in test_x))


class GraphTest(unittest.TestCase):
    def test_same_padding(self):
        self.assertEqual(same_padding(224, 3, 2), (0, 1))
        self.assertEqual(same_padding(56, 5, 2), (1, 2))
        self.assertEqual(same_padding(7, 5, 1), (2, 2))
        self.assertEqual(same_padding(7, 1, 1), (0, 0))


class DataSetTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_refuses_wrong_shapes_and_counts(self):
        good = {"sampling": "fixed", "description": "", "provenance": {}}
        with self.assertRaisesRegex(ValueError, "item 1 has shape"):
            write_dataset(self.folder, "x", [np.zeros((1, 2)), np.zeros((1, 3))], (1, 2), **good)
        with self.assertRaisesRegex(ValueError, "1 labels for 2 items"):
            write_dataset(self.folder, "x", [np.zeros((1, 2))] * 2, (1, 2), labels=[0],
                          label_names=["a"], **good)

    def test_photos_are_seeded_and_dealt_over_all_photographs(self):
        for name, seed in (("a", 5), ("b", 5), ("c", 6)):
            make_photos(self.folder / name, 20, seed, 16, 127.0, 128.0)
        raw = {name: (self.folder / name / "input.bin").read_bytes() for name in "abc"}
        self.assertEqual(raw["a"], raw["b"])
        self.assertNotEqual(raw["a"], raw["c"])
        values = np.frombuffer(raw["a"], "<f4").reshape(20, 3, 16, 16)
        self.assertTrue((values >= -127 / 128).all() and (values <= 1).all())
        self.assertEqual(len({item.tobytes() for item in values}), 20)
        record = json.loads((self.folder / "a/dataset.json").read_text())
        self.assertEqual((record["n"], record["sampling"], record["sampling_by"]),
                         (20, "clustered", "photograph"))
        clusters = json.loads((self.folder / "a/clusters.json").read_text())["clusters"]
        self.assertEqual(len(clusters), 20)
        self.assertEqual(set(clusters), set(range(len(record["provenance"]["clusters"]))))


class CatalogTest(unittest.TestCase):
    def test_every_import_of_a_tool_is_a_listed_source(self):
        folder = pathlib.Path(__file__).parent
        catalog = tomllib.loads((folder / "catalog.toml").read_text())
        own = {path.stem for path in folder.glob("*.py")}
        for entry in catalog["model"]:
            listed = {pathlib.Path(source).stem for source in entry["sources"]}
            for source in entry["sources"]:
                lines = (folder.parent / source).read_text().splitlines()
                used = {words[1] for line in lines if len(words := line.split()) > 1
                        and words[0] in ("from", "import")} & own
                self.assertLessEqual(used, listed, f"{entry['name']}: {source}")


if __name__ == "__main__":
    unittest.main()
