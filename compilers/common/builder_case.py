# SPDX-License-Identifier: Apache-2.0
"""What the tests of assay_builder.py share: a made-up builder in a child process."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))

# A builder whose `build` is the text put in for BODY, with MORE arguments of `main`.
BUILDER = """
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, %r)
import assay_builder as ab

def build(b):
    b.inputs = [ab.tensor("x", "float32", [1, 2])]
    b.outputs = [ab.tensor("y", "int64", [])]
    b.write_text("model.txt", "weights", "artifact")
    BODY

ab.main("made-up", lambda: {"made-up": "1.2.3", "other": "4"}, build, decides_at="load", MORE)
"""


class BuilderCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="assay-builder-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.engine = os.path.join(self.folder, "engine")
        os.mkdir(self.engine)
        self.model = os.path.join(self.folder, "model.onnx")
        with open(self.model, "w", encoding="utf-8") as handle:
            handle.write("a model")
        self.request = {
            "protocol": 1,
            "action": "build",
            "compiler": "made-up",
            "model": self.model,
            "engine_dir": self.engine,
            "precision": "fp32",
            "threads": 1,
            "cpus": [0],
            "seed": 5,
            "shapes": {"x": [1, 2]},
            "options": {"trials": 3},
            "scratch": self.folder,
        }

    def run_builder(self, body="pass", text=None, more=""):
        """(exit code, events) of a builder with this body; `more`: further arguments of `main`."""
        read_end, write_end = os.pipe()
        script = (BUILDER % HERE).replace("BODY", body).replace("MORE", more)
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[write_end],
            env=dict(os.environ, ASSAY_EVENT_FD=str(write_end)),
        )
        os.close(write_end)
        process.stdin.write((json.dumps(self.request) if text is None else text).encode())
        process.stdin.close()
        with os.fdopen(read_end) as lines:
            events = [json.loads(line) for line in lines]
        return process.wait(), events

    def manifest(self):
        with open(os.path.join(self.engine, "manifest.json"), encoding="utf-8") as handle:
            return json.load(handle)
