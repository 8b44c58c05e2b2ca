# SPDX-License-Identifier: Apache-2.0
"""Tests of the builder against the fakes of testing/: engine, kernel map, candidates, refusals."""

import ctypes.util
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "testing"))
from case import NEW, OLD, Case, kernels, network, of, t  # noqa: E402


class BuildTest(Case):
    def test_engine_and_kernel_map(self):
        for flavour, version, decision in (
            (OLD, "8.6.1", "selector.json"),
            (NEW, "10.15.1.29", "timing.cache"),
        ):
            with self.subTest(flavour):
                events, engine, manifest = self.build(flavour)
                self.assertEqual(
                    (manifest["version"], manifest["device"], manifest["decides_at"]),
                    (version, "cuda:0", "build"),
                )
                self.assertEqual(
                    {f["path"]: f["role"] for f in manifest["files"]},
                    {
                        "engine.plan": "artifact",
                        "inspector.json": "log",
                        "kernels.json": "kernel_map",
                        "contract.json": "tuning_log",
                        decision: "tuning_log",
                    },
                )
                self.assertEqual(
                    sorted(manifest["rebuild"]["decisions"]), sorted(["contract.json", decision])
                )
                self.assertEqual(
                    manifest["outputs"], [{"name": "y", "dtype": "float32", "shape": [1, 4]}]
                )
                for text in (
                    "Made GPU",
                    "sm 9.0",
                    "TensorRT " + version,
                    "550.54.15, CUDA 12.4",
                    "TF32=off",
                ):
                    self.assertIn(text, manifest["target"])
                rows = kernels(events)
                self.assertEqual([r["origin"] for r in rows], ["conv", "relu", "dense", "soft"])
                self.assertTrue(
                    all(r["precision"] == "fp32" and "sm90_made" in r["kernel"] for r in rows), rows
                )
                self.assertRegex(rows[0]["kernel"], r"^sm90_made_conv_tile\d+ 0x[0-9a-f]{16}$")
                # The counter of Myelin's graphs differs between processes and is not told.
                self.assertEqual(rows[2]["layer"], "dense" if flavour == OLD else "dense_myl_2")

    def test_candidates_of_the_log(self):
        for flavour in (OLD, NEW):
            with self.subTest(flavour):
                events, _, _ = self.build(flavour)
                candidates, trials = of(events, "candidate"), of(events, "trials")
                self.assertEqual([len(candidates), len(trials)], [12, 1])
                self.assertEqual(
                    {c["layer"] for c in candidates}, {"conv", "relu", "dense", "soft"}
                )
                self.assertTrue(
                    all(c["ok"] and 10000 <= c["time_ns"][0] <= 20000 for c in candidates)
                )
                self.assertEqual(
                    (trials[0]["measured"], trials[0]["failed"], trials[0]["tasks"]), (12, 0, 4)
                )
                # The kernel that was taken is the fastest of its layer's candidates.
                best = min(
                    (c for c in candidates if c["layer"] == "conv"), key=lambda c: c["time_ns"]
                )
                name, tactic = kernels(events)[0]["kernel"].split()
                self.assertIn("%s %s" % (name, tactic), best["candidate"])
                self.assertIn(b"Autotuning", self.log, "the log is passed on")

    def test_builds_differ_without_a_lock(self):
        for flavour in (OLD, NEW):
            maps = [kernels(self.build(flavour, fake={"seed": s})[0]) for s in range(3)]
            self.assertFalse(maps[0] == maps[1] == maps[2], "the fake must choose by its times")

    def test_dynamic_shapes_and_precision(self):
        events, _, manifest = self.build(
            NEW, model=network("N"), shapes={"x": [3, 4]}, precision="fp16"
        )
        self.assertEqual(manifest["outputs"][0]["shape"], [3, 4])
        self.assertEqual({k["precision"] for k in kernels(events)}, {"fp16"})
        self.assertTrue(any("weakly typed" in e["text"] for e in of(events, "progress")), events)
        self.assertIn("typing=weak", manifest["target"])
        for shapes in ({}, {"x": [3, 5]}, {"x": [3]}, {"z": [3, 4]}):
            self.assertEqual(
                self.refused(NEW, model=network("N"), shapes=shapes)[0], "invalid", shapes
            )

    def test_lock_off(self):
        events, _, manifest = self.build(NEW, options={"lock": "off", "optimization_level": 0})
        self.assertEqual(manifest["rebuild"]["decisions"], [])
        self.assertNotIn("EDITABLE", manifest["target"])
        self.assertEqual(manifest["options"]["lock"], "off")
        self.assertTrue(of(events, "candidate"))

    def test_what_a_module_does_not_offer(self):
        """As in 11.x: neither selector nor weak typing.  And one that offers no lock at all."""
        eleven = {"without": ["IAlgorithmSelector", "FP16", "INT8", "REJECT_EMPTY_ALGORITHMS"]}
        _, _, manifest = self.build(NEW, fake=eleven)
        self.assertIn("timing.cache", manifest["rebuild"]["decisions"])
        kind, message = self.refused(NEW, fake=eleven, precision="fp16")
        self.assertEqual(kind, "unsupported")
        self.assertIn("convert the model", message)
        kind, message = self.refused(NEW, fake=eleven, options={"lock": "selector"})
        self.assertEqual(kind, "unsupported")
        self.assertIn("offers timing_cache", message)
        none = {"without": ["IAlgorithmSelector", "EDITABLE_TIMING_CACHE"]}
        _, _, manifest = self.build(NEW, fake=none)
        self.assertEqual(manifest["rebuild"]["decisions"], [])

    def test_hello(self):
        code, events, _ = self.run_builder(NEW, action="hello")
        self.assertEqual((code, [e["event"] for e in events]), (0, ["hello"]))
        self.assertEqual(events[0]["packages"], {"tensorrt": "10.15.1.29"})

    def test_what_is_missing_is_named(self):
        kind, message = self.refused("")
        self.assertEqual(kind, "missing")
        self.assertIn("GPU", message)
        self.assertEqual(self.refused(NEW, env={"FAKE_GPU": ""})[0], "missing")
        if ctypes.util.find_library("cuda") is None:  # else the real driver would answer
            kind, message = self.refused(NEW, env={"LD_LIBRARY_PATH": ""})
            self.assertEqual(kind, "missing")
            self.assertIn("libcuda.so.1", message)

    def test_refusals(self):
        for flavour, kind, text, changes in (
            (OLD, "unsupported", "no strongly typed", {"options": {"typing": "strong"}}),
            (
                NEW,
                "unsupported",
                "those of the ONNX",
                {"options": {"typing": "strong"}, "precision": "fp16"},
            ),
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
            (
                NEW,
                "unsupported",
                "UnknownOp",
                {
                    "model": t.model(
                        t.node("UnknownOp", ["x"], ["y"], "n"),
                        t.value_info(11, "x", t.FLOAT, [1, 4]),
                        t.value_info(12, "y", t.FLOAT, [1, 4]),
                    )
                },
            ),
            (NEW, "failed", "Could not find any implementation", {"fake": {"fail": True}}),
            (NEW, "failed", "signal 11", {"fake": {"crash": True}}),
        ):
            with self.subTest(text):
                found = self.refused(flavour, **changes)
                self.assertEqual(found[0], kind, found)
                self.assertIn(text, found[1])

    def test_a_log_that_means_harm_changes_nothing(self):
        events, _, _ = self.build(NEW, fake={"noise": True})
        self.assertEqual(len(of(events, "candidate")), 12)
        self.assertEqual(len(kernels(events)), 4)
