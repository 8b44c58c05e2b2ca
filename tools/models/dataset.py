# SPDX-License-Identifier: Apache-2.0
"""Writes a data set folder as docs/formats.md describes it: raw file, hash, sampling, labels."""

import hashlib
import json
import pathlib


def write_json(path, value):
    """One JSON file with a final newline."""
    pathlib.Path(path).write_text(json.dumps(value, indent=1) + "\n")


def write_dataset(folder, name, items, shape, *, sampling, description, provenance,
                  clusters=None, clusters_by=None, labels=None, label_names=None, boxes=None):
    """Writes `items` (float32 arrays of `shape`, batch included) one after another.

    Items are taken from the iterator one at a time, so that memory stays at one item. `labels` is
    one class index an item, `clusters` one group index an item and `boxes` a list of
    [x0, y0, x1, y1, class] an item in pixels of the tensor; all are checked for length.
    Raises ValueError on an item of another shape or on lists of another length.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    digest, count = hashlib.sha256(), 0
    with open(folder / "input.bin", "wb") as file:
        for item in items:
            if tuple(item.shape) != tuple(shape):
                raise ValueError(f"item {count} has shape {item.shape}, expected {tuple(shape)}")
            raw = item.astype("<f4").tobytes(order="C")
            digest.update(raw)
            file.write(raw)
            count += 1
    record = {
        "format": 1, "name": name, "n": count, "sampling": sampling, "description": description,
        "inputs": [{"name": "input", "dtype": "float32", "shape": list(shape),
                    "file": "input.bin", "sha256": digest.hexdigest()}],
        "provenance": provenance}
    for values, what in ((labels, "labels"), (clusters, "clusters"), (boxes, "boxes")):
        if values is not None and len(values) != count:
            raise ValueError(f"{len(values)} {what} for {count} items")
    if labels is not None:
        record["labels"] = "labels.json"
        write_json(folder / "labels.json",
                   {"labels": [int(v) for v in labels], "names": list(label_names)})
    if clusters is not None:
        record["clusters"] = "clusters.json"
        record["sampling_by"] = clusters_by
        write_json(folder / "clusters.json", {"clusters": [int(v) for v in clusters]})
    if boxes is not None:
        record["boxes"] = "boxes.json"
        write_json(folder / "boxes.json", {"boxes": boxes})
    write_json(folder / "dataset.json", record)
