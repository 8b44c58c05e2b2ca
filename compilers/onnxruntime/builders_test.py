# SPDX-License-Identifier: Apache-2.0
"""Builders `reference` and `onnxruntime` as processes, the runner on their engines: see test.py."""

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnx
import onnxruntime

import test_models

HERE = os.path.dirname(os.path.abspath(__file__))
COMPILERS = os.path.dirname(HERE)


def library():
    """The shared library the runner opens, found as compiler.toml says."""
    return glob.glob(
        os.path.join(os.path.dirname(onnxruntime.__file__), "capi", "libonnxruntime.so*")
    )[0]


def build(compiler, model, folder, shapes=None, precision="fp32", options=None, **changes):
    """Runs a builder; (exit code, events, engine folder).  `model`: ModelProto, bytes or path."""
    path = os.path.join(folder, "model.onnx")
    if isinstance(model, str):
        path = model
    else:
        with open(path, "wb") as handle:
            handle.write(model if isinstance(model, bytes) else model.SerializeToString())
    engine = tempfile.mkdtemp(dir=folder)
    request = {
        "protocol": 1,
        "action": "build",
        "compiler": compiler,
        "model": path,
        "engine_dir": engine,
        "precision": precision,
        "threads": 1,
        "cpus": [],
        "seed": 7,
        "shapes": shapes or {},
        "options": options or {},
        "scratch": os.path.join(folder, "scratch"),
    }
    request.update(changes)
    code, events = converse(compiler, json.dumps(request))
    return code, events, engine


def converse(compiler, text):
    """Sends `text` to a builder; (exit code, events)."""
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, os.path.join(COMPILERS, compiler, "build")],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=[write_end],
            env=dict(os.environ, ASSAY_EVENT_FD=str(write_end)),
        )
        os.close(write_end)
        process.stdin.write(text.encode())
        process.stdin.close()
        with os.fdopen(read_end) as events:
            lines = [json.loads(line) for line in events]
        return process.wait(), lines


def random_inputs(manifest, slot):
    """Seeded arrays for one slot; index inputs stay below 8."""
    generator = np.random.default_rng(slot + 1)
    feeds = {}
    for entry in manifest["inputs"]:
        shape, dtype = entry["shape"], entry["dtype"]
        if dtype.startswith("float"):
            feeds[entry["name"]] = generator.standard_normal(shape).astype(dtype)
        elif dtype == "bool":
            feeds[entry["name"]] = generator.integers(0, 2, shape).astype(bool)
        else:
            feeds[entry["name"]] = generator.integers(0, 8, shape).astype(dtype)
    return feeds


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class BuilderTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="assay-ort-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def engine(self, compiler, model, shapes=None, **more):
        code, events, engine = build(compiler, model, self.folder, shapes, **more)
        self.assertEqual((code, events[-1]), (0, {"event": "done"}), events)
        with open(os.path.join(engine, "manifest.json"), encoding="utf-8") as handle:
            return engine, json.load(handle), events

    def refused(self, kind, part, compiler, model, shapes=None, **more):
        code, events, engine = build(compiler, model, self.folder, shapes, **more)
        self.assertEqual(
            (code, events[-1]["event"], events[-1].get("kind")), (1, "error", kind), events
        )
        self.assertIn(part, events[-1]["message"])
        self.assertNotIn("manifest.json", os.listdir(engine))

    # -- the protocol
    def test_hello(self):
        for compiler in ("reference", "onnxruntime"):
            code, events = converse(
                compiler, json.dumps({"protocol": 1, "action": "hello", "compiler": compiler})
            )
            self.assertEqual((code, len(events)), (0, 1))
            self.assertEqual(events[0]["version"], onnxruntime.__version__)

    def test_bad_requests(self):
        for text, part in (
            ("", "not JSON"),
            ("[]", "object"),
            ('{"protocol": 2}', "protocol 2"),
            ('{"protocol": 1, "action": "dance"}', "dance"),
            ('{"protocol": 1, "action": "build"}', "`model`"),
        ):
            code, events = converse("reference", text)
            self.assertEqual((code, events[-1]["kind"]), (1, "invalid"), text)
            self.assertIn(part, events[-1]["message"])
        model = test_models.conv(1)
        self.refused("invalid", "`threads`", "reference", model, threads=0)
        self.refused("invalid", "absolute", "reference", model, scratch="here")
        self.refused("invalid", "`shapes` of x", "reference", model, {"x": [-1]})
        self.refused(
            "missing", "no such file", "reference", os.path.join(self.folder, "absent.onnx")
        )

    def test_manifest_lists_every_file(self):
        for compiler in ("reference", "onnxruntime"):
            engine, manifest, _ = self.engine(compiler, test_models.conv(1))
            names = sorted(file["path"] for file in manifest["files"]) + ["manifest.json"]
            self.assertEqual(sorted(os.listdir(engine)), sorted(names))
            roles = ["kernel_map", "artifact"] + ["decisions"] * (compiler == "onnxruntime")
            self.assertEqual([f["role"] for f in manifest["files"]], roles)
            self.assertEqual(
                manifest["inputs"], [{"name": "x", "dtype": "float32", "shape": [1, 16, 12, 12]}]
            )

    # -- shapes
    def test_open_batch_becomes_static(self):
        for compiler in ("reference", "onnxruntime"):
            engine, manifest, _ = self.engine(
                compiler, test_models.conv("N"), {"x": [3, 16, 12, 12]}
            )
            self.assertEqual(
                manifest["outputs"], [{"name": "y", "dtype": "float32", "shape": [3, 10]}]
            )
            session = session_of(os.path.join(engine, "model.onnx"))
            self.assertEqual(session.get_inputs()[0].shape, [3, 16, 12, 12])
            self.assertEqual(session.get_outputs()[0].shape, [3, 10])

    def test_wrong_shapes(self):
        model = test_models.conv("N")
        self.refused("invalid", "open extent", "reference", model)
        self.refused("invalid", "no input z", "reference", model, {"z": [1]})
        self.refused("invalid", "got rank 2", "reference", model, {"x": [1, 16]})
        self.refused(
            "invalid", "one extent is 16 already", "reference", model, {"x": [1, 8, 12, 12]}
        )
        self.refused(
            "unsupported", "depends on the data", "onnxruntime", test_models.data_dependent()
        )

    # -- bad models
    def test_bad_models(self):
        whole = test_models.conv(1).SerializeToString()
        for compiler in ("reference", "onnxruntime"):
            for data in (b"", b"not a model at all", whole[: len(whole) // 2]):
                self.refused("invalid", "model", compiler, data)
            self.refused("unsupported", "Frobnicate", compiler, test_models.unknown_operator())
            self.refused("unsupported", "int8", compiler, test_models.conv(1), precision="int8")
        for value in ("most", "off", ["all"], None):
            self.refused(
                "invalid",
                "optimization",
                "onnxruntime",
                test_models.conv(1),
                options={"optimization": value},
            )

    def test_external_data(self):
        path = os.path.join(self.folder, "external.onnx")
        onnx.save(
            test_models.conv(1),
            path,
            save_as_external_data=True,
            location="weights.bin",
            size_threshold=0,
        )
        engine, manifest, _ = self.engine("reference", path)
        self.assertEqual(
            sorted(os.listdir(engine)), ["kernels.json", "manifest.json", "model.onnx"]
        )
        _, inner, _ = self.engine("reference", test_models.conv(1))
        self.assertEqual(manifest["files"], inner["files"])  # merged in: as if it came in one file
        os.rename(
            os.path.join(self.folder, "weights.bin"), os.path.join(self.folder, "elsewhere.bin")
        )
        self.refused("missing", "weights.bin", "reference", path)
        outside = tempfile.NamedTemporaryFile()
        self.addCleanup(outside.close)
        os.symlink(outside.name, os.path.join(self.folder, "weights.bin"))
        self.refused("invalid", "outside", "reference", path)
        model = onnx.load(path, load_external_data=False)
        for tensor in model.graph.initializer:
            tensor.external_data[0].value = "../" * 20 + "etc/passwd"
        self.refused("invalid", "outside", "onnxruntime", model)

    # -- what comes out
    def test_kernel_maps(self):
        _, _, events = self.engine("reference", test_models.conv(1))
        kernels = [e for e in events if e["event"] == "kernel"]
        self.assertEqual(
            [k["layer"] for k in kernels],
            [
                "conv1",
                "relu1",
                "conv2",
                "add",
                "Relu_4",
                "GlobalAveragePool_5",
                "Flatten_6",
                "dense",
            ],
        )
        self.assertEqual([k["origin"] for k in kernels], [k["layer"] for k in kernels])
        _, _, events = self.engine(
            "onnxruntime", test_models.conv(1), options={"optimization": "extended"}
        )
        kernels = [e for e in events if e["event"] == "kernel"]
        self.assertEqual(kernels[0]["kernel"], "CPU:com.microsoft.FusedConv+Relu")
        self.assertEqual(kernels[0]["origin"], "conv1,relu1")
        _, _, events = self.engine("onnxruntime", test_models.conv(1))
        origins = [
            name
            for e in events
            if e["event"] == "kernel"
            for name in e["origin"].split(",")
            if name
        ]
        self.assertEqual(
            sorted(origins),
            sorted(
                [
                    "conv1",
                    "relu1",
                    "conv2",
                    "add",
                    "Relu_4",
                    "GlobalAveragePool_5",
                    "Flatten_6",
                    "dense",
                ]
            ),
        )

    def test_reference_is_the_unoptimised_model(self):
        engine, _, _ = self.engine("reference", test_models.conv(2))
        original = test_models.conv(2)
        built = onnx.load(os.path.join(engine, "model.onnx"))
        self.assertEqual(
            [n.op_type for n in built.graph.node], [n.op_type for n in original.graph.node]
        )
        self.assertEqual(
            built.graph.initializer[0].raw_data, original.graph.initializer[0].raw_data
        )

    # -- the runner on it
    def check_runner(self, compiler, model, shapes=None, tensor=None, **more):
        engine, manifest, _ = self.engine(compiler, model, shapes, **more)
        artifact = os.path.join(engine, "model.onnx")
        io_folder = tempfile.mkdtemp(dir=self.folder)
        session = session_of(artifact)
        probe = onnx.load(artifact)
        probe.graph.output.extend([onnx.ValueInfoProto(name=tensor)] if tensor else [])
        probe_path = os.path.join(self.folder, "probe.onnx")
        onnx.save(probe, probe_path)
        for slot in range(2):
            feeds = random_inputs(manifest, slot)
            arrays = {
                "in.%d.%d.bin" % (slot, i): feeds[entry["name"]]
                for i, entry in enumerate(manifest["inputs"])
            }
            for i, output in enumerate(session.run(None, feeds)):
                arrays["out.%d.%d.bin" % (slot, i)] = output
            if tensor:
                arrays["tensor.%d.bin" % slot] = session_of(probe_path).run([tensor], feeds)[0]
            for name, array in arrays.items():
                array.tofile(os.path.join(io_folder, name))
        if tensor:
            with open(os.path.join(io_folder, "tensor.name"), "w", encoding="utf-8") as handle:
                handle.write(tensor)
        environment = dict(
            os.environ,
            ASSAY_TEST_LIBRARY=library(),
            ASSAY_TEST_ENGINE=engine,
            ASSAY_TEST_IO=io_folder,
            TMPDIR=self.folder,
        )
        result = subprocess.run(
            [os.environ["ASSAY_TEST_PROGRAM"]],
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertNotIn("[  SKIPPED", result.stdout)
        self.assertFalse(
            glob.glob(os.path.join(self.folder, "assay-ort-*")), "the runner left files"
        )

    def test_runner_conv(self):
        self.check_runner("reference", test_models.conv("N"), {"x": [2, 16, 12, 12]}, tensor="c2")
        self.check_runner(
            "onnxruntime", test_models.conv("N"), {"x": [2, 16, 12, 12]}, tensor="pooled"
        )
        self.check_runner("onnxruntime", test_models.conv(1), options={"optimization": "basic"})

    def test_runner_several_tensors(self):
        for compiler in ("reference", "onnxruntime"):
            # Optimisation fuses "m" away; "s" is an output already.
            inner = "m" if compiler == "reference" else "s"
            self.check_runner(compiler, test_models.two_by_two(), tensor=inner)
            self.check_runner(compiler, test_models.integers())

    def test_runner_aliased_outputs(self):
        for compiler in ("reference", "onnxruntime"):
            self.check_runner(compiler, test_models.aliases())

    def test_runner_sub_graph(self):
        for compiler in ("reference", "onnxruntime"):
            self.check_runner(compiler, test_models.branch())

    def test_rival_timer(self):
        engine, manifest, _ = self.engine("onnxruntime", test_models.conv(1))
        path = os.path.join(self.folder, "x.bin")
        random_inputs(manifest, 0)["x"].tofile(path)
        command = [
            os.environ["ASSAY_TEST_TIMER"],
            library(),
            os.path.join(engine, "model.onnx"),
            "1",
            "3",
            "20",
            path,
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        times = [int(line) for line in result.stdout.split()]
        self.assertEqual(len(times), 20)
        self.assertTrue(all(0 < time < 10**10 for time in times))
        command[2] = path
        self.assertEqual(subprocess.run(command, capture_output=True, check=False).returncode, 1)


if __name__ == "__main__":
    unittest.main()
