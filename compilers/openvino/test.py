#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the OpenVINO builder, and of the runner where its two files are given.

    compilers/openvino/test.py [--check PATH/openvino_runner_check --runner PATH/libassay_runner_openvino.so]

Exit code 77, with the reason printed, when the compiler is not installed.
"""

import argparse
import glob
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import layer_names  # noqa: E402
import onnx_names  # noqa: E402
import tiny_onnx as t  # noqa: E402

ARGS = argparse.Namespace(check=None, runner=None)


def venv():
    cache = os.environ.get("ASSAY_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "assay")
    return os.path.join(cache, "venvs", "openvino")


def conv_relu():
    """1x1x4x4 -> 3x3 convolution of ones, bias -3, ReLU -> 1x1x2x2: easy to check by hand."""
    return t.model(
        t.node("Conv", ["x", "w", "b"], ["c"], "Conv_0"), t.node("Relu", ["c"], ["y"], "Relu_1"),
        t.tensor("w", t.FLOAT, [1, 1, 3, 3], t.floats([1] * 9)), t.tensor("b", t.FLOAT, [1], t.floats([-3])),
        t.value_info(11, "x", t.FLOAT, [1, 1, 4, 4]), t.value_info(12, "y", t.FLOAT, [1, 1, 2, 2]))


def add_sub(dtype=t.FLOAT, shape=("N", 4)):
    return t.model(
        t.node("Add", ["a", "b"], ["total"], "Add_3"), t.node("Sub", ["a", "b"], ["rest"], "Sub_4"),
        t.value_info(11, "a", dtype, shape), t.value_info(11, "b", dtype, shape),
        t.value_info(12, "rest", dtype, shape), t.value_info(12, "total", dtype, shape))


def reshape(dtype):
    return t.model(
        t.node("Reshape", ["x", "s"], ["y"], "r"), t.tensor("s", t.INT64, [2], struct.pack("<2q", 4, 2)),
        t.value_info(11, "x", dtype, [2, 4]), t.value_info(12, "y", dtype, [4, 2]))


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name, data=None):
        full = os.path.join(self.folder, name)
        if data is not None:
            with open(full, "wb") as handle:
                handle.write(data)
        return full

    def build(self, data, shapes=None, name="model.onnx", **changes):
        """Runs the builder; returns (exit code, events, engine folder)."""
        engine = tempfile.mkdtemp(prefix="engine.", dir=self.folder)
        scratch = tempfile.mkdtemp(prefix="scratch.", dir=self.folder)
        request = {"protocol": 1, "action": "build", "compiler": "openvino",
                   "model": self.path(name, data), "engine_dir": engine, "precision": "fp32", "threads": 1,
                   "cpus": [0], "seed": 1, "shapes": shapes or {}, "options": {}, "scratch": scratch}
        request.update(changes)
        read, write = os.pipe()
        env = {"PATH": "/usr/bin:/bin", "HOME": scratch, "TMPDIR": scratch, "XDG_CACHE_HOME": scratch,
               "ASSAY_EVENT_FD": str(write)}
        with tempfile.TemporaryFile() as log:
            child = subprocess.Popen([os.path.join(venv(), "bin", "python"), os.path.join(HERE, "build")],
                                     stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log,
                                     pass_fds=[write], env=env)
            os.close(write)
            child.stdin.write(json.dumps(request).encode())
            child.stdin.close()
            with os.fdopen(read) as events:  # until the builder ends: more than a pipe holds
                lines = [json.loads(line) for line in events]
            child.wait(timeout=120)
            log.seek(0)
            self.stderr = log.read()
        self.assertEqual(os.listdir(scratch), [], "the builder left files in its HOME")
        return child.returncode, lines, engine

    def engine(self, *args, **kwargs):
        code, events, folder = self.build(*args, **kwargs)
        self.assertEqual((code, events[-1]["event"]), (0, "done"), (events, self.stderr))
        return events, folder

    def refused(self, *args, **kwargs):
        """(kind, message) of a build that must end with an error event and exit code 1."""
        code, events, folder = self.build(*args, **kwargs)
        self.assertEqual((code, events[-1]["event"]), (1, "error"), (events, self.stderr))
        self.assertNotIn("manifest.json", os.listdir(folder))
        return events[-1]["kind"], events[-1]["message"]


class NamesTest(Case):
    def test_names_of_a_file(self):
        names = onnx_names.read_names(conv_relu())
        self.assertEqual((names.inputs, names.outputs), (["x"], ["y"]))
        self.assertEqual(names.nodes, {"Conv_0", "c", "Relu_1", "y"})

    def test_every_truncation_is_refused_or_read(self):
        data = conv_relu()
        read = 0
        for size in range(len(data)):
            try:
                onnx_names.read_names(data[:size])
                read += 1
            except ValueError:
                pass
        # Only the bytes after the graph, the opset list, may be missing.
        self.assertLess(read, 10)

    def test_layer_names_as_layer_names_cc(self):
        renamer = layer_names.Renamer(layer_names.own_parts(["a/Conv_12", "Add_3"]))
        self.assertEqual([renamer.layer(n) for n in ("Convert_6055_x", "Add_3", "Add_31", "Convert_7",
                                                     "Convert_6055", "xConvert_7", "onnx::Conv_12/f")],
                         ["Convert#1_x", "Add_3", "Add#1", "Convert#2", "Convert#1", "xConvert_7",
                          "onnx::Conv_12/f"])
        self.assertEqual(renamer.origin("conv0,Convert_9,Add_3"), "conv0,Add_3")


class BuilderTest(Case):
    def test_hello(self):
        code, events, _ = self.build(b"", action="hello")
        self.assertEqual((code, [e["event"] for e in events]), (0, ["hello"]))
        self.assertRegex(events[0]["version"], r"^\d+\.\d+")

    def test_engine_folder(self):
        events, folder = self.engine(conv_relu())
        with open(os.path.join(folder, "manifest.json")) as handle:
            manifest = json.load(handle)
        self.assertEqual(manifest["decides_at"], "load")
        self.assertEqual(manifest["inputs"], [{"name": "x", "dtype": "float32", "shape": [1, 1, 4, 4]}])
        self.assertEqual(manifest["outputs"], [{"name": "y", "dtype": "float32", "shape": [1, 1, 2, 2]}])
        self.assertEqual(manifest["options"], {"execution_mode": "performance", "keep_model": True})
        self.assertEqual({f["path"]: f["role"] for f in manifest["files"]},
                         {"model.blob": "artifact", "model.xml": "model", "model.bin": "model",
                          "kernels.json": "kernel_map", "names.json": "names"})
        for entry in manifest["files"]:
            with open(os.path.join(folder, entry["path"]), "rb") as handle:
                self.assertEqual(hashlib.sha256(handle.read()).hexdigest(), entry["sha256"])
        kernels = [e for e in events if e["event"] == "kernel"]
        conv = [k for k in kernels if k["kernel"].startswith("Convolution:")]
        self.assertEqual(len(conv), 1)
        self.assertEqual(conv[0]["precision"], "fp32")
        self.assertIn("Conv_0", conv[0]["origin"].split(","))

    def test_two_builds_are_equal(self):
        folders = [self.engine(conv_relu())[1] for _ in range(2)]
        for name in ("model.blob", "kernels.json"):
            contents = []
            for folder in folders:
                with open(os.path.join(folder, name), "rb") as handle:
                    contents.append(handle.read())
            self.assertEqual(*contents)

    def test_a_rebuild_is_equal(self):
        _, folder = self.engine(conv_relu())
        given = {"dir": folder, "files": []}
        events, again = self.engine(conv_relu(), action="rebuild", decisions=given, seed=99)
        self.assertEqual(sorted(os.listdir(again)), sorted(os.listdir(folder)))
        for name in set(os.listdir(folder)) - {"manifest.json"}:
            contents = []
            for engine in (folder, again):
                with open(os.path.join(engine, name), "rb") as handle:
                    contents.append(handle.read())
            self.assertEqual(*contents, name)
        files = {f["path"]: f["how"] for e in events if e["event"] == "loaded" for f in e["files"]}
        plug_in = [how for path, how in files.items() if "libopenvino_intel_cpu_plugin" in path]
        self.assertEqual(plug_in, ["mapped"])
        self.assertEqual(files[os.path.join(HERE, "onnx_names.py")], "imported")
        self.assertEqual([path for path in files if path.startswith(self.folder)], [])

    def test_no_layer_can_be_chosen(self):
        _, folder = self.engine(conv_relu())
        given = {"dir": folder, "files": [], "choices": [{"layer": "Conv_0", "number": 1}]}
        kind, text = self.refused(conv_relu(), action="rebuild", decisions=given)
        self.assertEqual(kind, "invalid")
        self.assertIn("Conv_0", text)
        asked = {"decisions": {"dir": folder, "files": []}, "rounds": 1, "candidates": given["choices"]}
        self.assertEqual(self.refused(conv_relu(), action="measure", **asked)[0], "unsupported")

    def test_dynamic_shape_and_order_of_outputs(self):
        _, folder = self.engine(add_sub(), {"a": [3, 4], "b": [3, 4]})
        with open(os.path.join(folder, "manifest.json")) as handle:
            manifest = json.load(handle)
        self.assertEqual([(o["name"], o["shape"]) for o in manifest["outputs"]],
                         [("rest", [3, 4]), ("total", [3, 4])])

    def test_options(self):
        _, folder = self.engine(conv_relu(), options={"keep_model": False, "execution_mode": "accuracy"})
        self.assertNotIn("model.xml", os.listdir(folder))
        for options in ({"execution_mode": "fast"}, {"keep_model": 1}, {"speed": 2}):
            kind, text = self.refused(conv_relu(), options=options)
            self.assertEqual(kind, "invalid")
            self.assertIn(next(iter(options)), text)

    def test_precision(self):
        self.assertEqual(self.refused(conv_relu(), precision="int4")[0], "unsupported")
        for precision in ("fp16", "bf16"):
            events, folder = self.engine(conv_relu(), precision=precision)
            conv = [e for e in events if e["event"] == "kernel" and e["kernel"].startswith("Convolution:")]
            # Which one depends on the CPU; the map must tell, and agree with the primitive's name.
            self.assertIn(conv[0]["precision"], (precision, "fp32"))
            suffix = {"fp32": "f32", "fp16": "f16", "bf16": "bf16"}[conv[0]["precision"]]
            self.assertTrue(conv[0]["kernel"].endswith("_" + suffix), conv)

    def test_refused_models(self):
        whole = conv_relu()
        kind, text = self.refused(whole[:len(whole) // 2])
        self.assertEqual(kind, "invalid")
        self.assertIn("ONNX", text)
        self.assertEqual(self.refused(b"")[0], "invalid")
        self.assertEqual(self.refused(os.urandom(2000))[0], "invalid")
        self.assertEqual(self.refused(whole, model=self.path("none.onnx"))[0], "missing")

    def test_more_threads_than_cpus(self):
        allowed = os.sched_getaffinity(0)
        self.addCleanup(os.sched_setaffinity, 0, allowed)
        os.sched_setaffinity(0, {min(allowed)})
        kind, text = self.refused(conv_relu(), threads=2)
        self.assertEqual(kind, "failed")
        self.assertIn("2", text)

    def test_unknown_operator(self):
        data = t.model(t.node("Frobnicate", ["x"], ["y"], "f", domain="acme"),
                       t.value_info(11, "x", t.FLOAT, [1, 4]), t.value_info(12, "y", t.FLOAT, [1, 4]),
                       domains=["acme"])
        kind, text = self.refused(data)
        self.assertEqual(kind, "unsupported")
        self.assertIn("Frobnicate", text)

    def test_external_data(self):
        outside = os.path.join(os.path.dirname(self.folder), "outside.bin")
        self.assertFalse(os.path.exists(outside))
        for location in ("absent.bin", "../outside.bin", "/etc/hostname"):
            data = t.model(t.node("Add", ["x", "w"], ["y"], "add"), t.external_tensor("w", [1], location),
                           t.value_info(11, "x", t.FLOAT, [1]), t.value_info(12, "y", t.FLOAT, [1]))
            self.assertEqual(self.refused(data)[0], "invalid", location)

    def test_wrong_shapes(self):
        for shapes in ({}, {"a": [3, 4]}, {"a": [3, 5], "b": [3, 5]}, {"a": [3], "b": [3]},
                       {"a": [3, 4], "b": [2, 4]}, {"a": [3, 4], "b": [3, 4], "c": [1]}):
            self.assertEqual(self.refused(add_sub(), shapes)[0], "invalid", shapes)

    def test_shape_from_data(self):
        data = t.model(t.node("NonZero", ["x"], ["y"], "n"), t.value_info(11, "x", t.FLOAT, [1, 4]),
                       t.value_info(12, "y", t.INT64, [2, "k"]))
        self.assertEqual(self.refused(data)[0], "unsupported")


class RunnerTest(Case):
    def setUp(self):
        super().setUp()
        if not (ARGS.check and ARGS.runner):
            self.skipTest("no --check and --runner given: the runner is not built")

    def drive(self, folder, inputs, read=None, precision="fp32", threads=1, library=None):
        found = glob.glob(os.path.join(venv(), "lib/python3*/site-packages/openvino/libs/libopenvino.so*"))
        files = [self.path("input%d.bin" % i, data) for i, data in enumerate(inputs)]
        command = [ARGS.check, ARGS.runner, library or found[0], folder, precision, str(threads)] + files
        done = subprocess.run(command + (["--read", read] if read else []), capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def assert_outputs(self, report, expected):
        """Every run of both contexts gave the bytes of `expected`, whole and nowhere else."""
        for context in report["contexts"]:
            self.assertEqual((context["error"], context["guards"], len(context["runs"])), ("", True, 6))
            for run in context["runs"]:
                self.assertEqual(run, [data.hex() for data in expected])

    def test_runs_and_reads_tensors(self):
        events, folder = self.engine(conv_relu())
        values = [float(i) for i in range(-4, 12)]
        conv = [sum(values[(r + i) * 4 + c + j] for i in range(3) for j in range(3)) - 3
                for r in range(2) for c in range(2)]
        report = self.drive(folder, [t.floats(values)], read="c")
        self.assert_outputs(report, [t.floats([max(v, 0.0) for v in conv])])
        self.assertEqual(report["tensor"], {
            "desc": {"name": "c", "dtype": 1, "shape": [1, 1, 2, 2]}, "hex": t.floats(conv).hex(),
            "refuses_small": True})
        self.assertEqual((report["decides_at"], report["refuses_index"], report["refuses_unbound"]),
                         ("load", True, True))
        built = [{k: v for k, v in e.items() if k != "event"} for e in events if e["event"] == "kernel"]
        self.assertEqual(report["kernels"], built)

    def test_reads_and_times_layers(self):
        events, folder = self.engine(conv_relu())
        kernels = [e for e in events if e["event"] == "kernel"]
        fused = next(k["layer"] for k in kernels if k["kernel"].startswith("Convolution"))
        values = [float(i) for i in range(-4, 12)]
        conv = [sum(values[(r + i) * 4 + c + j] for i in range(3) for j in range(3)) - 3
                for r in range(2) for c in range(2)]
        report = self.drive(folder, [t.floats(values)], read=fused)
        # The layer holds the bias and the ReLU too: its tensor is what they give.
        self.assertEqual(report["tensor"]["hex"], t.floats([max(v, 0.0) for v in conv]).hex())
        self.assertEqual(report["tensor"]["desc"]["name"], fused)
        times = report["layer_times"]
        self.assertEqual([x[1:4] for x in times[:-1]],
                         [[k["ordinal"], k["layer"], k["kernel"]] for k in kernels])
        self.assertEqual(times[-1][:4], [0, -1, "", ""])
        for run, _, _, _, ns in times:  # one mean, in whole microseconds
            self.assertEqual((run, ns % 1000), (0, 0))
            self.assertGreaterEqual(ns, 0)
        for layer in (k["layer"] for k in kernels if not k["origin"]):  # OpenVINO's own
            refused = self.drive(folder, [t.floats(values)], read=layer)
            self.assertEqual((refused["refused"], refused["status"]), ("tensor_read", 2), layer)
        refused = self.drive(folder, [t.floats(values)], read="no such layer")
        self.assertEqual((refused["refused"], refused["status"]), ("tensor_read", 1))

    def test_several_inputs_and_outputs(self):
        _, folder = self.engine(add_sub(), {"a": [2, 4], "b": [2, 4]})
        a, b = [1.5 * i for i in range(8)], [0.25 * i - 1 for i in range(8)]
        report = self.drive(folder, [t.floats(a), t.floats(b)], read="total")
        self.assertEqual([x["name"] for x in report["inputs"] + report["outputs"]],
                         ["a", "b", "rest", "total"])
        total = t.floats([x + y for x, y in zip(a, b)])
        self.assert_outputs(report, [t.floats([x - y for x, y in zip(a, b)]), total])
        self.assertEqual(report["tensor"]["hex"], total.hex())

    def test_element_types(self):
        samples = {t.UINT8: bytes(range(250, 256)) + b"\0\1", t.BOOL: b"\0\1\1\0\1\0\0\1",
                   t.INT64: struct.pack("<8q", -2**31, 2**31 - 1, -1, 0, 1, 2, 3, 4),
                   t.FLOAT16: struct.pack("<8e", 0, 1, -2, 0.5, 65504, 6e-5, 3, 4),
                   t.BFLOAT16: struct.pack("<8H", 0, 0x3F80, 0xC000, 0x4049, 0x7F00, 1, 2, 3 << 7)}
        for dtype, data in samples.items():
            with self.subTest(dtype=dtype):
                precision = {t.FLOAT16: "fp16", t.BFLOAT16: "bf16"}.get(dtype, "fp32")
                _, folder = self.engine(reshape(dtype), precision=precision)
                self.assert_outputs(self.drive(folder, [data], precision=precision), [data])

    def test_kernel_map_of_other_precisions(self):
        for precision in ("fp16", "bf16"):
            events, folder = self.engine(conv_relu(), precision=precision)
            report = self.drive(folder, [t.floats([1.0] * 16)], precision=precision)
            built = [{k: v for k, v in e.items() if k != "event"} for e in events if e["event"] == "kernel"]
            self.assertEqual(report["kernels"], built)
            self.assert_outputs(report, [t.floats([6.0] * 4)])

    def test_refuses(self):
        _, folder = self.engine(conv_relu(), options={"keep_model": False})
        data = [t.floats([0.0] * 16)]
        invalid, unsupported, missing = 1, 2, 3

        def refusal(**kwargs):
            report = self.drive(folder, data, **kwargs)
            return report["refused"], report["status"]

        self.assertEqual(refusal(read="c"), ("tensor_read", unsupported))
        self.assertEqual(refusal(precision="fp16"), ("engine_open", invalid))
        self.assertEqual(refusal(threads=2), ("engine_open", invalid))
        self.assertEqual(refusal(library="/lib/none.so"), ("engine_open", missing))
        blob = os.path.join(folder, "model.blob")
        with open(blob, "r+b") as handle:
            handle.truncate(os.path.getsize(blob) // 2)
        self.assertEqual(refusal(), ("engine_open", invalid))
        os.unlink(os.path.join(folder, "manifest.json"))
        self.assertEqual(refusal(), ("engine_open", invalid))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", help="the program openvino_runner_check")
    parser.add_argument("--runner", help="libassay_runner_openvino.so")
    rest = parser.parse_known_args(namespace=ARGS)[1]
    if not os.path.exists(os.path.join(venv(), "bin", "python")):
        print("skipped: openvino is not installed: ./assay-up compilers openvino")
        return 77
    result = unittest.main(argv=[sys.argv[0]] + rest, exit=False).result
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
