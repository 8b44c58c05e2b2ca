#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The runner against the fakes: a made-up TensorRT, a made-up CUDA driver, the real worker.

    compilers/tensorrt/host_test.py BUILD        BUILD: where bin/assay-worker and lib/ lie
"""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "testing"), str(HERE), str(HERE / ".." / "openvino")]
import fake_environment  # noqa: E402
import tiny_onnx as t  # noqa: E402
from case import NEW, OLD  # noqa: E402
import gpu_check  # noqa: E402

BUILD = None
WEIGHTS = [1.0, 0.5, -1.0, 2.0]


def network():
    """y = relu(x * w) of 4 numbers, two layers."""
    return t.model(
        t.node("Mul", ["x", "w"], ["m"], "scale"),
        t.node("Relu", ["m"], ["y"], "relu"),
        t.tensor("w", t.FLOAT, [4], t.floats(WEIGHTS)),
        t.value_info(11, "x", t.FLOAT, [1, 4]),
        t.value_info(12, "y", t.FLOAT, [1, 4]),
    )


class HostTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="assay-host-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def engine(self, flavour):
        """(environment, engine folder) of one build with `flavour`."""
        venv = fake_environment.make(self.folder / flavour, flavour)
        engine, scratch = self.folder / "engine", self.folder / "scratch"
        engine.mkdir()
        scratch.mkdir()
        model = self.folder / "model.onnx"
        model.write_bytes(network())
        request = {"protocol": 1, "action": "build", "compiler": "tensorrt", "device": "cuda:0"}
        request.update(model=str(model), engine_dir=str(engine), scratch=str(scratch))
        request.update(precision="fp32", threads=1, cpus=[0], seed=1, shapes={}, options={})
        log = str(self.folder / "log")
        code, events = gpu_check.run(
            str(venv / "bin" / "python"), request, log, {"PATH": "/usr/bin:/bin", "HOME": "/"}
        )
        self.assertEqual((code, events[-1]["event"]), (0, "done"), events[-1])
        return venv, engine

    def launch(self, venv, engine, env=None, **changes):
        """(exit code, events, bytes of the output of 2 inputs)."""
        data, out = self.folder / "data", self.folder / "out"
        data.mkdir(exist_ok=True)
        out.mkdir(exist_ok=True)
        inputs = struct.pack("<8f", 1, 2, 3, 4, -1, -2, -3, -4)
        (data / "x.bin").write_bytes(inputs)
        told = {"name": "x", "dtype": "float32", "shape": [1, 4], "file": "x.bin"}
        told["sha256"] = __import__("hashlib").sha256(inputs).hexdigest()
        dataset = {"format": 1, "name": "two", "n": 2, "sampling": "fixed", "inputs": [told]}
        (data / "dataset.json").write_text(json.dumps(dataset))
        library = next(venv.glob("lib/python3*/site-packages/tensorrt_bindings/libnvinfer.so*"))
        with open(engine / "manifest.json", encoding="utf-8") as handle:
            options = json.load(handle)["options"]
        request = {
            "protocol": 1,
            "action": "launch",
            "runner": str(BUILD / "lib" / "libassay_runner_tensorrt.so"),
            "library": str(library),
            "engine_dir": str(engine),
            "device": "cuda:0",
            "precision": "fp32",
            "threads": 1,
            "cpu": -1,
            "options": options,
            "dataset": str(data),
            "outputs": {"count": 2, "dir": str(out)},
            "checks": ["repeat", "reload"],
            "layer_times": {"runs": 3},
            "latency": None,
        }
        request.update(changes)
        with tempfile.TemporaryFile() as sink:
            code = subprocess.run(
                [str(BUILD / "bin" / "assay-worker")],
                input=json.dumps(request).encode(),
                pass_fds=[sink.fileno()],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(env or {}, PATH="/usr/bin:/bin", ASSAY_EVENT_FD=str(sink.fileno())),
                check=False,
                timeout=120,
            ).returncode
            sink.seek(0)
            events = [json.loads(line) for line in sink]
        files = sorted(out.iterdir())
        return code, events, files[0].read_bytes() if files else b""

    def refused(self, *args, **kwargs):
        """(kind, message) of a launch that must end with an error."""
        code, events, _ = self.launch(*args, **kwargs)
        self.assertEqual((code, events[-1]["event"]), (1, "error"), events[-1])
        return events[-1]["kind"], events[-1]["message"]

    def test_runs_both_flavours(self):
        for flavour, version in ((NEW, "10.15.1.29"), (OLD, "8.6.1")):
            with self.subTest(flavour):
                self.setUp()
                code, events, output = self.launch(*self.engine(flavour))
                self.assertEqual((code, events[-1]["event"]), (0, "done"), events[-1])
                hello = next(e for e in events if e["event"] == "hello")
                self.assertEqual((hello["version"], hello["decides_at"]), (version, "build"))
                self.assertEqual(
                    struct.unpack("<8f", output), (1.0, 1.0, 0.0, 8.0, 0.0, 0.0, 3.0, 0.0)
                )
                self.assertEqual(
                    {e["name"]: e["result"] for e in events if e["event"] == "check"},
                    {"repeat": "pass", "reload": "pass"},
                )
                layers = [e["layer"] for e in events if e["event"] == "kernel"]
                self.assertEqual(len(layers), 2)
                times = [e for e in events if e["event"] == "layer_time"]
                self.assertFalse([e["error"] for e in times if "error" in e])
                made = {e["ordinal"]: e["time_ns"] for e in times if e["ordinal"] >= 0}
                self.assertEqual(made, {0: [1000] * 3, 1: [2000] * 3})  # as the fake tells them
                whole = [e for e in times if e["ordinal"] == -1]
                self.assertEqual(len(whole[0]["time_ns"]), 3)

    def test_what_cannot_be_run_says_why(self):
        venv, engine = self.engine(NEW)
        kind, text = self.refused(venv, engine, env={"FAKE_CUDA": "capture"})
        self.assertEqual(kind, "unsupported")
        self.assertIn("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", text)
        kind, text = self.refused(venv, engine, env={"FAKE_CUDA": "launch"})
        self.assertEqual(kind, "failed")
        self.assertIn("CUDA_ERROR_LAUNCH_FAILED", text)
        kind, text = self.refused(venv, engine, env={"FAKE_TENSORRT": '{"enqueue": true}'})
        self.assertEqual((kind, "does not enqueue" in text), ("failed", True))
        kind, text = self.refused(venv, engine, env={"FAKE_GPU": ""})
        self.assertEqual((kind, "CUDA_ERROR_NO_DEVICE" in text), ("missing", True))
        kind, text = self.refused(venv, engine, device="cpu")
        self.assertEqual((kind, "cuda:N" in text), ("unsupported", True))
        kind, text = self.refused(venv, engine, device="cuda:1")
        self.assertEqual((kind, "cuda:1" in text), ("missing", True))
        kind, text = self.refused(venv, engine, precision="fp16")
        self.assertEqual((kind, "built for fp32" in text), ("invalid", True))
        kind, text = self.refused(venv, engine, options={"colour": "red"})
        self.assertEqual((kind, "colour" in text), ("invalid", True))
        kind, text = self.refused(venv, engine, library="/tmp/libnvinfer.so.10")
        self.assertEqual((kind, "site-packages" in text), ("invalid", True))


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
