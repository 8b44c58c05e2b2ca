#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the TensorRT builder and its locks against the fakes of testing/: no GPU, no TensorRT.

    compilers/tensorrt/test.py [TEST ...]

$CC, else cc, compiles the fake CUDA driver library.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "openvino")]
import tiny_onnx as t  # noqa: E402
from trt_layers_test import LayersTest  # noqa: E402,F401
from trt_log_test import LogTest  # noqa: E402,F401

OLD, NEW = "fake_8_6", "fake_10_15"
LIBRARIES = None


def setUpModule():
    """Compiles the fake libcuda.so.1 and libnvidia-ml.so.1 into a folder."""
    global LIBRARIES
    LIBRARIES = tempfile.TemporaryDirectory(prefix="assay-fake-cuda-")
    cuda = os.path.join(LIBRARIES.name, "libcuda.so.1")
    subprocess.run([os.environ.get("CC") or "cc", "-shared", "-fPIC", "-o", cuda,
                    os.path.join(HERE, "testing", "fake_cuda.c")], check=True)
    shutil.copy(cuda, os.path.join(LIBRARIES.name, "libnvidia-ml.so.1"))


def tearDownModule():
    LIBRARIES.cleanup()


def network(batch=1, softmax=True):
    """Conv, Relu, MatMul and, if wanted, Softmax; a float input [batch, 4] and an output of the same shape."""
    ops = [("Conv", "conv"), ("Relu", "relu"), ("MatMul", "dense")] + ([("Softmax", "soft")] if softmax else [])
    names = ["x"] + ["t%d" % i for i in range(len(ops) - 1)] + ["y"]
    nodes = [t.node(op, [names[i]], [names[i + 1]], name) for i, (op, name) in enumerate(ops)]
    return t.model(*nodes, t.value_info(11, "x", t.FLOAT, [batch, 4]), t.value_info(12, "y", t.FLOAT, [batch, 4]))


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
        request = {"protocol": 1, "action": "build", "compiler": "tensorrt", "model": path, "engine_dir": engine,
                   "precision": "fp32", "threads": 1, "cpus": [0], "seed": 1, "build_index": 0,
                   "shapes": {"x": [1, 4]}, "options": {}, "scratch": scratch}
        request.update(changes)
        read, write = os.pipe()
        full = {"PATH": "/usr/bin:/bin", "HOME": scratch, "TMPDIR": scratch, "ASSAY_EVENT_FD": str(write),
                "PYTHONPATH": os.path.join(HERE, "testing", flavour) if flavour else "",
                "LD_LIBRARY_PATH": LIBRARIES.name, "FAKE_TENSORRT": json.dumps(fake or {})}
        full.update(env or {})
        with tempfile.TemporaryFile() as events, tempfile.TemporaryFile() as log:
            child = subprocess.run(
                ["/usr/bin/python3", os.path.join(HERE, "build")], input=json.dumps(request).encode(), check=False,
                stdout=log, stderr=subprocess.STDOUT, pass_fds=[write], env=full, timeout=120,
                preexec_fn=lambda: os.dup2(events.fileno(), write))
            os.close(read)
            os.close(write)
            events.seek(0)
            lines = [json.loads(line) for line in events]
            log.seek(0)
            self.log = log.read()
        self.assertEqual(os.listdir(scratch), [], "the builder left files in its HOME")
        return child.returncode, lines, engine

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
        return (how or self.build)(flavour, action="rebuild", decisions=self.decisions(engine, edit), **kwargs)


def kernels(events):
    return [{k: v for k, v in e.items() if k != "event"} for e in events if e["event"] == "kernel"]


def of(events, name):
    return [e for e in events if e["event"] == name]


def edit_json(name, change):
    """An `edit` for decisions(): `change(value)` of one JSON file, its SHA-256 in contract.json put right."""
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


class BuildTest(Case):
    def test_engine_and_kernel_map(self):
        for flavour, version, decision in ((OLD, "8.6.1", "selector.json"), (NEW, "10.15.1.29", "timing.cache")):
            with self.subTest(flavour):
                events, engine, manifest = self.build(flavour)
                self.assertEqual((manifest["version"], manifest["device"], manifest["decides_at"]),
                                 (version, "cuda", "build"))
                self.assertEqual({f["path"]: f["role"] for f in manifest["files"]}, {
                    "engine.plan": "artifact", "inspector.json": "names", "kernels.json": "kernel_map",
                    "contract.json": "tuning_log", decision: "tuning_log"})
                self.assertEqual(sorted(manifest["rebuild"]["decisions"]), sorted(["contract.json", decision]))
                self.assertEqual(manifest["outputs"], [{"name": "y", "dtype": "float32", "shape": [1, 4]}])
                for text in ("Made GPU", "sm 9.0", "TensorRT " + version, "550.54.15, CUDA 12.4", "TF32=off"):
                    self.assertIn(text, manifest["target"])
                rows = kernels(events)
                self.assertEqual([r["origin"] for r in rows], ["conv", "relu", "dense", "soft"])
                self.assertTrue(all(r["precision"] == "fp32" and "sm90_made" in r["kernel"] for r in rows), rows)
                self.assertRegex(rows[0]["kernel"], r"^sm90_made_conv_tile\d+ 0x[0-9a-f]{16}$")
                # The counter of Myelin's graphs differs between processes and is not told.
                self.assertEqual(rows[2]["layer"], "dense" if flavour == OLD else "dense_myl_2")

    def test_candidates_of_the_log(self):
        for flavour in (OLD, NEW):
            with self.subTest(flavour):
                events, _, _ = self.build(flavour)
                candidates, trials = of(events, "candidate"), of(events, "trials")
                self.assertEqual([len(candidates), len(trials)], [12, 1])
                self.assertEqual({c["layer"] for c in candidates}, {"conv", "relu", "dense", "soft"})
                self.assertTrue(all(c["ok"] and 10000 <= c["time_ns"][0] <= 20000 for c in candidates))
                self.assertEqual((trials[0]["measured"], trials[0]["failed"], trials[0]["tasks"]), (12, 0, 4))
                # The kernel that was taken is the fastest of its layer's candidates.
                best = min((c for c in candidates if c["layer"] == "conv"), key=lambda c: c["time_ns"])
                name, tactic = kernels(events)[0]["kernel"].split()
                self.assertIn("%s %s" % (name, tactic), best["candidate"])
                self.assertIn(b"Autotuning", self.log, "the log is passed on")

    def test_builds_differ_without_a_lock(self):
        for flavour in (OLD, NEW):
            maps = [kernels(self.build(flavour, fake={"seed": s})[0]) for s in range(3)]
            self.assertFalse(maps[0] == maps[1] == maps[2], "the fake must choose by its times")

    def test_dynamic_shapes_and_precision(self):
        events, _, manifest = self.build(NEW, model=network("N"), shapes={"x": [3, 4]}, precision="fp16")
        self.assertEqual(manifest["outputs"][0]["shape"], [3, 4])
        self.assertEqual({k["precision"] for k in kernels(events)}, {"fp16"})
        self.assertTrue(any("weakly typed" in e["text"] for e in of(events, "progress")), events)
        self.assertIn("typing=weak", manifest["target"])
        for shapes in ({}, {"x": [3, 5]}, {"x": [3]}, {"z": [3, 4]}):
            self.assertEqual(self.refused(NEW, model=network("N"), shapes=shapes)[0], "invalid", shapes)

    def test_lock_off(self):
        events, _, manifest = self.build(NEW, options={"lock": "off", "optimization_level": 0})
        self.assertEqual(manifest["rebuild"]["decisions"], [])
        self.assertNotIn("EDITABLE", manifest["target"])
        self.assertEqual(manifest["options"]["lock"], "off")
        self.assertTrue(of(events, "candidate"))

    def test_hello(self):
        code, events, _ = self.run_builder(NEW, action="hello")
        self.assertEqual((code, [e["event"] for e in events]), (0, ["hello"]))
        self.assertEqual(events[0]["packages"], {"tensorrt": "10.15.1.29"})

    def test_what_is_missing_is_named(self):
        kind, message = self.refused("")
        self.assertEqual(kind, "missing")
        self.assertIn("GPU", message)
        self.assertEqual(self.refused(NEW, env={"FAKE_GPU": ""})[0], "missing")
        self.assertEqual(self.refused(NEW, env={"LD_LIBRARY_PATH": ""})[0] if not has_driver() else "missing",
                         "missing")

    def test_refusals(self):
        for flavour, kind, text, changes in (
                (OLD, "unsupported", "no strongly typed", {"options": {"typing": "strong"}}),
                (NEW, "unsupported", "those of the ONNX", {"options": {"typing": "strong"}, "precision": "fp16"}),
                (NEW, "unsupported", "precision int8", {"precision": "int8"}),
                (OLD, "unsupported", "max_num_tactics", {"options": {"max_tactics": 3}}),
                (OLD, "unsupported", "DISTRIBUTIVE", {"options": {"distributive_independence": True}}),
                (OLD, "unsupported", "offers selector", {"options": {"lock": "timing_cache"}}),
                (NEW, "invalid", "optimization_level=0", {"options": {"optimization_level": 0}}),
                (NEW, "invalid", "0 to 5", {"options": {"optimization_level": 6}}),
                (NEW, "invalid", "avg_timing", {"options": {"avg_timing": True}}),
                (NEW, "invalid", "not one of", {"options": {"levle": 1}}),
                (NEW, "invalid", "lock", {"options": {"lock": "on"}}),
                (NEW, "invalid", "cannot read", {"model": b"no model"}),
                (NEW, "unsupported", "UnknownOp", {"model": t.model(
                    t.node("UnknownOp", ["x"], ["y"], "n"), t.value_info(11, "x", t.FLOAT, [1, 4]),
                    t.value_info(12, "y", t.FLOAT, [1, 4]))}),
                (NEW, "failed", "Could not find any implementation", {"fake": {"fail": True}}),
                (NEW, "failed", "signal 11", {"fake": {"crash": True}})):
            with self.subTest(text):
                found = self.refused(flavour, **changes)
                self.assertEqual(found[0], kind, found)
                self.assertIn(text, found[1])

    def test_a_log_that_means_harm_changes_nothing(self):
        events, _, _ = self.build(NEW, fake={"noise": True})
        self.assertEqual(len(of(events, "candidate")), 12)
        self.assertEqual(len(kernels(events)), 4)


def has_driver():
    return shutil.which("nvidia-smi") is not None


class LockTest(Case):
    """What both locks share."""

    def test_a_rebuild_is_equal_and_can_be_locked_again(self):
        for flavour, lock in ((OLD, "auto"), (NEW, "auto"), (NEW, "selector")):
            options = {"lock": lock}
            events, engine, manifest = self.build(flavour, fake={"seed": 1}, options=options)
            for seed in (2, 3, 4):
                with self.subTest(flavour=flavour, lock=lock, seed=seed):
                    again, other, second = self.rebuild(flavour, engine, fake={"seed": seed}, options=options)
                    self.assertEqual(kernels(again), kernels(events))
                    self.assertEqual(second["rebuild"], manifest["rebuild"])
                    for name in manifest["rebuild"]["decisions"]:
                        with open(os.path.join(engine, name), "rb") as a, open(os.path.join(other, name), "rb") as b:
                            self.assertEqual(a.read(), b.read(), name)
                    files = [f["path"] for e in of(again, "loaded") for f in e["files"]]
                    for part in ("fake_trt.py", "trt_child.py", "libcuda.so.1"):
                        self.assertTrue(any(part in f for f in files), (part, files))

    def test_another_device_version_or_recipe_is_refused(self):
        _, engine, _ = self.build(NEW)
        for env, text in (({"FAKE_GPU": "Other GPU"}, "gpu Made GPU, here Other GPU"),
                          ({"FAKE_SM": "80"}, "sm 9.0, here 8.0"), ({"FAKE_DRIVER": "535.1"}, "driver 550.54.15")):
            kind, message = self.rebuild(NEW, engine, how=self.refused, env=env)
            self.assertEqual(kind, "invalid", message)
            self.assertIn(text, message)
        kind, message = self.rebuild(OLD, engine, how=self.refused)
        self.assertEqual(kind, "invalid", message)
        self.assertIn("tensorrt 10.15.1.29, here 8.6.1", message)
        for changes in ({"options": {"avg_timing": 2}}, {"precision": "fp16"}, {"model": network(softmax=False)}):
            kind, message = self.rebuild(NEW, engine, how=self.refused, **changes)
            self.assertEqual(kind, "invalid", message)
            self.assertIn("another recipe", message)

    def test_damaged_decisions(self):
        def change(name, data):
            def edit(folder):
                with open(os.path.join(folder, name), "wb") as handle:
                    handle.write(data)
            return edit

        for flavour, name in ((OLD, "selector.json"), (NEW, "timing.cache")):
            _, engine, _ = self.build(flavour)
            for edit in (change(name, b"{}"), change("contract.json", b""), change("contract.json", b"[" * 100000),
                         edit_json("contract.json", lambda told: told.update(file="../../etc/passwd")),
                         edit_json("contract.json", lambda told: told.update(strategy=["selector"])),
                         edit_json("contract.json", lambda told: told.update(entries={})),
                         edit_json("contract.json", lambda told: told.update(choices=[["a"]])),
                         edit_json("contract.json", lambda told: told.pop("device"))):
                kind, message = self.rebuild(flavour, engine, edit, self.refused)
                self.assertEqual(kind, "miss", message)
        kind, _ = self.refused(NEW, action="rebuild", decisions={"dir": self.folder, "files": []})
        self.assertEqual(kind, "miss")
        decisions = dict(self.decisions(engine), choices=[{"layer": "conv", "number": 1}])
        self.assertEqual(self.refused(NEW, action="rebuild", decisions=decisions)[0], "unsupported")


class TimingCacheTest(Case):
    def setUp(self):
        super().setUp()
        self.events, self.engine, self.manifest = self.build(NEW, fake={"seed": 1})

    def miss(self, edit=None, **kwargs):
        kind, message = self.rebuild(NEW, self.engine, edit, self.refused, **kwargs)
        self.assertEqual(kind, "miss", message)
        return message

    def test_flags_and_choices(self):
        for text in ("EDITABLE_TIMING_CACHE=on", "DISABLE_COMPILATION_CACHE=on", "typing=strong"):
            self.assertIn(text, self.manifest["target"])
        self.assertNotIn("ERROR_ON", self.manifest["target"])
        layers = {c["layer"] for c in self.manifest["rebuild"]["choices"]}
        self.assertLess({"dense", "soft", "relu"}, layers)  # conv is told without its key
        _, _, second = self.rebuild(NEW, self.engine)
        self.assertIn("ERROR_ON_TIMING_CACHE_MISS=on", second["target"])

    def test_a_tactic_that_flips_on_a_cache_hit_is_caught_and_named(self):
        message = self.miss(fake={"flip": "dense"})
        self.assertIn("changed: 0x", message)

    def test_added_and_removed_keys_are_caught(self):
        self.assertIn("added: 0x", self.miss(fake={"extra": "more", "ignore_miss": True}))
        self.assertIn("removed: 0x", self.miss(fake={"drop": "dense"}))

    def test_a_tactic_that_is_not_in_the_cache_is_a_miss(self):
        self.assertIn("errorOnMiss", self.miss(fake={"extra": "more"}))

    def test_a_failure_that_is_no_miss_stays_a_failure(self):
        kind, message = self.rebuild(NEW, self.engine, None, self.refused, fake={"fail": True})
        self.assertEqual(kind, "failed", message)

    def test_tampered_caches(self):
        def other_tactic(told):
            key = sorted(told["entries"])[0]
            told["entries"][key][0] ^= 1

        def less(told):
            told["entries"].popitem()

        def older(told):
            told["stamp"] = "10.8.0 "

        self.assertIn("changed: ", self.miss(edit_json("timing.cache", other_tactic)))
        self.assertIn("removed: ", self.miss(edit_json("timing.cache", less)))
        self.assertIn("refuses it", self.miss(edit_json("timing.cache", older)))

        def no_cache(folder):
            edit_json("timing.cache", lambda told: told.clear())(folder)
        self.assertIn("cannot read", self.miss(no_cache))

    def test_a_build_whose_cache_is_empty_cannot_be_locked(self):
        events, engine, manifest = self.build(NEW, model=network(softmax=False), fake={"drop": "*"})
        self.assertTrue(manifest["rebuild"]["decisions"])
        only = t.model(t.node("MatMul", ["x"], ["y"], "dense"), t.value_info(11, "x", t.FLOAT, [1, 4]),
                       t.value_info(12, "y", t.FLOAT, [1, 4]))
        events, engine, manifest = self.build(NEW, model=only, fake={"drop": "dense"})
        self.assertEqual(manifest["rebuild"]["decisions"], [])
        self.assertNotIn("timing.cache", os.listdir(engine))
        self.assertTrue(any("not lockable" in e["text"] for e in of(events, "progress")))
        self.assertEqual([c["layer"] for c in manifest["rebuild"]["choices"]], ["dense"])


class SelectorTest(Case):
    def setUp(self):
        super().setUp()
        self.events, self.engine, self.manifest = self.build(OLD, fake={"seed": 1})

    def miss(self, edit=None, **kwargs):
        kind, message = self.rebuild(OLD, self.engine, edit, self.refused, **kwargs)
        self.assertEqual(kind, "miss", message)
        return message

    def test_record(self):
        self.assertIn("DISABLE_TIMING_CACHE=on", self.manifest["target"])
        with open(os.path.join(self.engine, "selector.json"), encoding="utf-8") as handle:
            layers = json.load(handle)["layers"]
        self.assertEqual(sorted(layers), ["conv", "dense", "relu", "{ForeignNode[soft]}"])
        self.assertEqual(layers["conv"]["inputs"], [
            {"dtype": "FLOAT", "strides": [16, 4, 1], "vectorized_dim": -1, "components_per_element": 1}])
        self.assertIn(layers["conv"]["tactic"], kernels(self.events)[0]["kernel"])
        with open(os.path.join(self.engine, "contract.json"), encoding="utf-8") as handle:
            self.assertEqual(json.load(handle)["not_covered"], ["{ForeignNode[soft]}"])
        _, _, second = self.rebuild(OLD, self.engine)
        self.assertIn("REJECT_EMPTY_ALGORITHMS=on", second["target"])

    def test_missing_choices_are_misses(self):
        self.assertIn("layer more: no choice is recorded", self.miss(fake={"extra": "more"}))
        self.assertIn("layer dense: the recorded choice", self.miss(fake={"gone": "dense"}))

    def test_a_build_that_does_not_keep_to_the_choice_is_caught(self):
        self.assertIn("changed: dense", self.miss(fake={"flip": "dense"}))

    def test_tampered_records(self):
        def other(told):
            told["layers"]["conv"]["tactic"] = "0x0000000000000001"

        self.assertIn("layer conv", self.miss(edit_json("selector.json", other)))
        self.assertIn("layer conv", self.miss(edit_json("selector.json", lambda told: told["layers"].pop("conv"))))
        self.assertIn("layer conv", self.miss(edit_json(
            "selector.json", lambda told: told["layers"]["conv"]["inputs"][0].update(strides=[1]))))
        for broken in ({"format": 2}, {"layers": []}, {"layers": {"conv": None}}, {"layers": {"conv": {
                "implementation": 1, "tactic": "0x1", "inputs": [], "outputs": []}}}):
            self.miss(edit_json("selector.json", lambda told, new=broken: told.update(new)))
        self.assertIn("removed: more", self.miss(edit_json(
            "selector.json", lambda told: told["layers"].update(more=told["layers"]["conv"]))))


if __name__ == "__main__":
    unittest.main()
