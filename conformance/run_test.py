#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the conformance suite itself: does it notice what it must notice?  No compiler needed."""

import hashlib
import json
import os
import pathlib
import struct
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from suite import checks, children, engine, outcome, rebuild, registry, values  # noqa: E402

TENSOR = [{"name": "x", "dtype": "float32", "shape": [1]}]
DESCRIPTION = {"decides_at": "build", "kernels": "source"}


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as handle:
            handle.write(data)
        return {"path": os.path.relpath(self.path(name), self.path("engine")), "bytes": len(data),
                "sha256": hashlib.sha256(data).hexdigest()}


class EngineTest(Folder):
    """A good engine passes; each single defect is named."""

    def setUp(self):
        super().setUp()
        self.kernels = [{"ordinal": 0, "layer": "a", "kernel": "k", "source_sha256": "0" * 64, "precision": "fp32",
                         "origin": "", "source": ""}]
        model = self.write("model.onnx", b"model")
        self.request = {"compiler": "c", "precision": "fp32", "threads": 1, "seed": 7, "options": {"o": 1},
                        "model": self.path("model.onnx")}
        self.manifest = {"format": 1, "compiler": "c", "version": "1", "packages": {"c": "1"}, "precision": "fp32",
                         "threads": 1, "device": "cpu", "options": {"o": 1}, "seed": 7,
                         "model_sha256": model["sha256"], "decides_at": "build", "inputs": TENSOR,
                         "outputs": TENSOR, "rebuild": {"env": {}, "decisions": []},
                         "files": [dict(self.write("engine/model.blob", b"blob"), role="artifact")]}

    def check(self):
        text = json.dumps({"format": 1, "kernels": self.kernels}).encode()
        entry = dict(self.write("engine/kernels.json", text), role="kernel_map")
        manifest = dict(self.manifest, files=self.manifest["files"] + [entry])
        self.write("engine/manifest.json", json.dumps(manifest).encode())
        return engine.check_engine(self.path("engine"), self.request, DESCRIPTION, TENSOR, TENSOR)

    def refused(self, word):
        with self.assertRaisesRegex(outcome.CheckFailed, word):
            self.check()

    def test_good(self):
        self.assertEqual(self.check()[1], self.kernels)

    def test_manifest_members(self):
        for key, value in (("format", 2), ("compiler", "d"), ("threads", 2), ("seed", 8), ("version", ""),
                           ("model_sha256", "0" * 64), ("decides_at", "load"), ("options", {"o": 2}),
                           ("inputs", []), ("outputs", [dict(TENSOR[0], shape=[2])])):
            with self.subTest(key=key):
                saved = self.manifest[key]
                self.manifest[key] = value
                self.refused(key.rstrip("s"))
                self.manifest[key] = saved
        self.check()

    def test_torn_artifact(self):
        self.write("engine/model.blob", b"blub")
        self.refused("SHA-256")
        self.write("engine/model.blob", b"blo")
        self.refused("bytes")

    def test_no_artifact(self):
        self.manifest["files"][0]["role"] = "log"
        self.refused("artifact")

    def test_file_not_listed(self):
        self.write("engine/extra", b"")
        self.refused("extra")

    def test_link(self):
        os.symlink("/etc/hostname", self.path("engine/link"))
        self.refused("link")

    def test_kernel_map(self):
        good = self.kernels[0]
        for lines, word in (([], "empty"), ([dict(good, ordinal=1)], "ordinal"), ([dict(good, layer="")], "layer"),
                            ([dict(good, kernel="")], "kernel"), ([dict(good, source="s.ll")], "source"),
                            ([dict(good, source_sha256="zz")], "sha256"),
                            ([dict(good, source_sha256="")], "source hash")):
            with self.subTest(word=word):
                self.kernels = lines
                self.refused(word)


class ValuesTest(unittest.TestCase):
    def test_decode(self):
        self.assertEqual(values.decode("float32", struct.pack("<2f", 1.5, -2)), (1.5, -2.0))
        self.assertEqual(values.decode("bfloat16", struct.pack("<2H", 0x3F80, 0xC000)), (1.0, -2.0))
        self.assertEqual(values.decode("float16", struct.pack("<e", 0.5)), (0.5,))
        self.assertEqual(values.decode("int64", struct.pack("<q", -3)), (-3,))

    def test_compare(self):
        self.assertEqual(values.compare("y", (1.0, 2.0), (1.0, 2.25), 0.25, 0), 0.25)
        for seen in ((1.0,), (1.0, 2.6), (1.0, float("nan")), (1.0, float("inf"))):
            with self.assertRaises(outcome.CheckFailed):
                values.compare("y", seen, (1.0, 2.0), 0.5, 0)


class RecorderTest(unittest.TestCase):
    TAGS = {"unsupported": [{"check": "outputs/*", "reason": "why"}],
            "expected_failure": [{"check": "clean/*", "reason": "bug"}]}

    @staticmethod
    def fail():
        raise outcome.CheckFailed("found\nthis")

    def test_results(self):
        recorder = outcome.Recorder("c", self.TAGS)
        recorder.run("hello", lambda: "1.0")
        recorder.run("build/a", self.fail)
        recorder.run("outputs/a", self.fail)
        recorder.run("clean/a", self.fail)
        recorder.run("clean/b", lambda: "")
        recorder.skip("samples/a", "no engine")
        self.assertEqual([o.result for o in recorder.outcomes],
                         ["PASS", "FAIL", "UNSUPPORTED", "XFAIL", "FAIL", "FAIL"])
        self.assertEqual(recorder.outcomes[1].line(), "FAIL c/build/a found this")
        self.assertIn("remove the tag", recorder.outcomes[4].detail)
        self.assertEqual(outcome.counts(recorder.outcomes), {"PASS": 1, "FAIL": 3, "UNSUPPORTED": 1, "XFAIL": 1})

    def test_bad_tags(self):
        for tags in ({"skip": []}, {"unsupported": [{"check": "x"}]}, {"unsupported": ["x"]}):
            with self.assertRaises(ValueError):
                outcome.Recorder("c", tags)


class SearchTest(unittest.TestCase):
    """A search whose candidates all failed must not pass."""

    @staticmethod
    def child(candidates, measured, failed):
        events = [{"event": "candidate", **c} for c in candidates]
        events.append({"event": "trials", "measured": measured, "failed": failed, "tasks": 1})
        return children.Child(0, events, [], "", [])

    def check(self, *args):
        return checks.Suite._search(self.child(*args), {"rebuild": {"decisions": ["log"]}})

    def test_search(self):
        good, bad = {"ok": True, "time_ns": [10]}, {"ok": False, "time_ns": [], "error": "no compiler"}
        self.assertIn("2 measured", self.check([good, bad], 2, 1))
        for args in (([bad, bad], 2, 2), ([], 0, 0), ([good], 2, 0), ([good, bad], 2, 0),
                     ([{"ok": True, "time_ns": []}], 1, 0)):
            with self.assertRaises(outcome.CheckFailed):
                self.check(*args)


class RebuildTest(Folder):
    """A rebuild that is not the same, or does not tell what it loaded, must not pass."""

    @staticmethod
    def child(*events):
        return children.Child(0, list(events), [], "", [])

    def test_kernels(self):
        one = {"ordinal": 0, "layer": "a", "kernel": "k", "source_sha256": "0" * 64, "precision": "fp32"}
        rebuild.same_kernels([one], [dict(one)])
        for other in ([], [one, one], [dict(one, layer="b")], [dict(one, kernel="l")],
                      [dict(one, source_sha256="1" * 64)]):
            with self.assertRaises(outcome.CheckFailed):
                rebuild.same_kernels([one], other)

    def test_outputs(self):
        for folder, data in (("first", b"1234"), ("equal", b"1234"), ("other", b"1235"), ("longer", b"12345")):
            self.write(f"{folder}/main.0.bin", data)
        event = {"event": "output", "role": "main", "name": "x", "file": "main.0.bin"}

        def compare(folder, *events):
            seen = rebuild.outputs_of(self.child(*events), self.path(folder))
            rebuild.same_bytes(TENSOR, seen, self.path("first"))

        compare("equal", event, dict(event, role="repeat", name="z"))
        for folder, *events in (("other", event), ("longer", event), ("equal",), ("equal", dict(event, name="y"))):
            with self.assertRaises(outcome.CheckFailed):
                compare(folder, *events)

    def test_loaded(self):
        self.write("a.so", b"")
        self.write("b.py", b"")
        mapped = {"path": self.path("a.so"), "how": "mapped"}
        imported = {"path": self.path("b.py"), "how": "imported"}

        def told(*files):
            return rebuild.check_loaded(self.child(*[{"event": "loaded", "files": [f]} for f in files]))

        self.assertEqual(told(mapped, imported), "1 files mapped, 1 imported")
        for files in ((), (mapped,), (imported,), (mapped, imported, mapped), (mapped, dict(imported, how="read")),
                      (mapped, imported, dict(mapped, path=self.path("absent"))),
                      (mapped, imported, dict(mapped, path="/proc/self/../../etc"))):
            with self.subTest(files), self.assertRaises(outcome.CheckFailed):
                told(*files)


class ChildrenTest(Folder):
    def setUp(self):
        super().setUp()
        children.take_descriptors()

    def drive(self, script, timeout_s=20):
        return children.run([sys.executable, "-c", script], {"a": 1}, self.folder,
                            os.sched_getaffinity(0), timeout_s)

    def test_events_and_environment(self):
        child = self.drive("import os, sys, json\n"
                           "r = json.load(sys.stdin)\n"
                           "os.write(3, b'{\"event\": \"hello\"}\\nrubbish\\n')\n"
                           "os.write(3, json.dumps({'event': 'done', 'a': r['a'], 'h': os.environ['HOME']}).encode())\n"
                           "sys.exit(1)")
        self.assertEqual((child.code, child.bad_lines, child.last()), (1, ["rubbish"], "done"))
        self.assertEqual((child.events[-1]["a"], child.events[-1]["h"]), (1, self.folder))

    def test_crash_and_hang(self):
        crash = self.drive("import os; os.abort()")
        self.assertEqual(crash.code, -6)
        with self.assertRaisesRegex(outcome.CheckFailed, "crashed"):
            checks.Suite.well_formed(crash)
        hang = self.drive("import time; time.sleep(60)", timeout_s=0.5)
        self.assertIsNone(hang.code)

    def test_daemon(self):
        child = self.drive("import os, time\n"
                           "if os.fork() == 0:\n"
                           "    os.setsid()\n"
                           "    time.sleep(60)\n")
        self.assertEqual((child.code, len(child.orphans)), (0, 1))


class RegistryTest(unittest.TestCase):
    def test_a_compiler_for_a_gpu_alone_may_be_absent(self):
        compiler = registry.load("tensorrt", "/nowhere")
        self.assertEqual((compiler.device, compiler.optional), ("cuda:0", True))
        compiler = registry.load("openvino", "/nowhere")
        self.assertEqual((compiler.device, compiler.optional), ("cpu", False))

    def test_a_manual_compiler_says_what_it_needs(self):
        compiler = registry.Compiler("rare", None, {"family": "rare", "manual": "needs a GPU", "runner": "rare"},
                                     registry.pathlib.Path("/nowhere"))
        self.assertTrue(compiler.optional)
        with self.assertRaisesRegex(registry.Missing, "GPU"):
            compiler.runner()

    def test_a_device_has_its_own_environment(self):
        tvm = registry.load("tvm-autotvm", "/nowhere", "cuda:1")
        self.assertEqual((tvm.family, tvm.device), ("tvm-0.14-cuda", "cuda:1"))
        self.assertTrue(tvm.install_command.endswith(" tvm-autotvm-cuda"))
        self.assertEqual(registry.load("tvm-autotvm", "/nowhere").family, "tvm-0.14")
        self.assertEqual(registry.load("tensorrt", "/nowhere").device, "cuda:0")
        for name, device in (("null", "cuda:0"), ("tvm-autotvm", "cuda"), ("tensorrt", "cpu"), ("null", "gpu")):
            with self.assertRaises(ValueError):
                registry.load(name, "/nowhere", device)

    def test_every_description_loads(self):
        self.assertIn("openvino", registry.names())
        for name in registry.names():
            compiler = registry.load(name, "/nowhere")
            outcome.Recorder(name, compiler.conformance)
            compiler.options({})
            with self.assertRaises(registry.Missing):
                compiler.runner()
        with self.assertRaises(ValueError):
            registry.load("none", "/nowhere")
        with self.assertRaises(ValueError):
            registry.load("../compilers/openvino", "/nowhere")


if __name__ == "__main__":
    unittest.main()
