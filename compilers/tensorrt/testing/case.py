# SPDX-License-Identifier: Apache-2.0
"""What the tests of the builder share: a model, a run of the builder on a fake, its results."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
FOLDER = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path[:0] = [FOLDER, os.path.join(FOLDER, "..", "openvino")]
import gpu_check  # noqa: E402
import tiny_onnx as t  # noqa: E402

OLD, NEW = "fake_8_6", "fake_10_15"
LIBRARIES = None


def make_libraries():
    """Compiles the fake libcuda.so.1 and libnvidia-ml.so.1 into a folder, once; returns it."""
    global LIBRARIES
    if LIBRARIES is None:
        LIBRARIES = tempfile.TemporaryDirectory(prefix="assay-fake-cuda-")
        cuda = os.path.join(LIBRARIES.name, "libcuda.so.1")
        source = os.path.join(FOLDER, "testing", "fake_cuda.c")
        compiler = os.environ.get("CC") or "cc"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", cuda, source], check=True)
        shutil.copy(cuda, os.path.join(LIBRARIES.name, "libnvidia-ml.so.1"))
    return LIBRARIES.name


def network(batch=1, softmax=True):
    """Conv, Relu, MatMul and, if wanted, Softmax; a float input [batch, 4] and an output of the
    same shape.
    """
    ops = [("Conv", "conv"), ("Relu", "relu"), ("MatMul", "dense")] + (
        [("Softmax", "soft")] if softmax else []
    )
    names = ["x"] + ["t%d" % i for i in range(len(ops) - 1)] + ["y"]
    nodes = [t.node(op, [names[i]], [names[i + 1]], name) for i, (op, name) in enumerate(ops)]
    return t.model(
        *nodes,
        t.value_info(11, "x", t.FLOAT, [batch, 4]),
        t.value_info(12, "y", t.FLOAT, [batch, 4]),
    )


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_builder(self, flavour, model=None, fake=None, env=None, **changes):
        """(exit code, events, engine folder) of one builder process.  `fake`: FAKE_TENSORRT."""
        engine = tempfile.mkdtemp(prefix="engine.", dir=self.folder)
        scratch = tempfile.mkdtemp(prefix="scratch.", dir=self.folder)
        path = os.path.join(self.folder, "model.onnx")
        with open(path, "wb") as handle:
            handle.write(network() if model is None else model)
        request = {
            "protocol": 1,
            "action": "build",
            "compiler": "tensorrt",
            "device": "cuda:0",
            "model": path,
            "engine_dir": engine,
            "precision": "fp32",
            "threads": 1,
            "cpus": [0],
            "seed": 1,
            "build_index": 0,
            "shapes": {"x": [1, 4]},
            "options": {},
            "scratch": scratch,
        }
        request.update(changes)
        full = {
            "PATH": "/usr/bin:/bin",
            "HOME": scratch,
            "TMPDIR": scratch,
            "PYTHONPATH": os.path.join(FOLDER, "testing", flavour) if flavour else "",
            "LD_LIBRARY_PATH": make_libraries(),
            "FAKE_TENSORRT": json.dumps(fake or {}),
        }
        full.update(env or {})
        log = os.path.join(self.folder, "log")
        code, lines = gpu_check.run("/usr/bin/python3", request, log, full)
        with open(log, "rb") as handle:
            self.log = handle.read()
        self.assertEqual(os.listdir(scratch), [], "the builder left files in its HOME")
        return code, lines, engine

    def build(self, *args, **kwargs):
        """(events, engine folder, manifest) of a build or rebuild that must work."""
        code, events, engine = self.run_builder(*args, **kwargs)
        self.assertEqual((code, events[-1]["event"]), (0, "done"), (events[-1], self.log[-2000:]))
        with open(os.path.join(engine, "manifest.json"), encoding="utf-8") as handle:
            return events, engine, json.load(handle)

    def refused(self, *args, **kwargs):
        """(kind, message) of a run that must end with an error event."""
        code, events, engine = self.run_builder(*args, **kwargs)
        self.assertEqual((code, events[-1]["event"]), (1, "error"), (events[-1], self.log[-2000:]))
        self.assertNotIn("manifest.json", os.listdir(engine))
        return events[-1]["kind"], events[-1]["message"]

    def decisions(self, engine, edit=None):
        """The `decisions` member of a request, of a copy that `edit(folder)` may change."""
        with open(os.path.join(engine, "manifest.json"), encoding="utf-8") as handle:
            names = json.load(handle)["rebuild"]["decisions"]
        folder = tempfile.mkdtemp(prefix="decisions.", dir=self.folder)
        for name in names:
            shutil.copy(os.path.join(engine, name), folder)
        if edit:
            edit(folder)
        return {"dir": folder, "files": names}

    def rebuild(self, flavour, engine, edit=None, how=None, **kwargs):
        """A rebuild from the decisions of `engine`, by `how` (build, refused or run_builder)."""
        return (how or self.build)(
            flavour, action="rebuild", decisions=self.decisions(engine, edit), **kwargs
        )


def kernels(events):
    return [{k: v for k, v in e.items() if k != "event"} for e in events if e["event"] == "kernel"]


def of(events, name):
    return [e for e in events if e["event"] == name]


def edit_json(name, change):
    """An `edit` for decisions(): `change(value)` of one JSON file, its SHA-256 in contract.json
    put right.
    """

    def edit(folder):
        path, contract = os.path.join(folder, name), os.path.join(folder, "contract.json")
        with open(path, encoding="utf-8") as handle:
            value = json.load(handle)
        change(value)
        with open(path, "w", encoding="utf-8") as handle:
            json.dump(value, handle)
        if name != "contract.json":
            with open(path, "rb") as handle:
                digest = hashlib.sha256(handle.read()).hexdigest()
            edit_json("contract.json", lambda told: told.update(sha256=digest))(folder)

    return edit
