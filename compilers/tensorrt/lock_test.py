# SPDX-License-Identifier: Apache-2.0
"""Tests of both locks against the fakes of testing/: rebuilds, tampering, other devices."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "testing"))
from case import NEW, OLD, Case, edit_json, kernels, network, of, t  # noqa: E402


class LockTest(Case):
    """What both locks share."""

    def test_a_rebuild_is_equal_and_can_be_locked_again(self):
        for flavour, lock in ((OLD, "auto"), (NEW, "auto"), (NEW, "selector")):
            options = {"lock": lock}
            events, engine, manifest = self.build(flavour, fake={"seed": 1}, options=options)
            for seed in (2, 3, 4):
                with self.subTest(flavour=flavour, lock=lock, seed=seed):
                    again, other, second = self.rebuild(
                        flavour, engine, fake={"seed": seed}, options=options
                    )
                    self.assertEqual(kernels(again), kernels(events))
                    self.assertEqual(second["rebuild"], manifest["rebuild"])
                    for name in manifest["rebuild"]["decisions"]:
                        with open(os.path.join(engine, name), "rb") as a, open(
                            os.path.join(other, name), "rb"
                        ) as b:
                            self.assertEqual(a.read(), b.read(), name)
                    files = [f["path"] for e in of(again, "loaded") for f in e["files"]]
                    for part in ("fake_trt.py", "trt_child.py", "libcuda.so.1"):
                        self.assertTrue(any(part in f for f in files), (part, files))

    def test_another_device_version_or_recipe_is_refused(self):
        _, engine, _ = self.build(NEW)
        for env, text in (
            ({"FAKE_GPU": "Other GPU"}, "gpu Made GPU, here Other GPU"),
            ({"FAKE_SM": "80"}, "sm 9.0, here 8.0"),
            ({"FAKE_DRIVER": "535.1"}, "driver 550.54.15"),
        ):
            kind, message = self.rebuild(NEW, engine, how=self.refused, env=env)
            self.assertEqual(kind, "invalid", message)
            self.assertIn(text, message)
        kind, message = self.rebuild(OLD, engine, how=self.refused)
        self.assertEqual(kind, "invalid", message)
        self.assertIn("tensorrt 10.15.1.29, here 8.6.1", message)
        for changes in (
            {"options": {"avg_timing": 2}},
            {"precision": "fp16"},
            {"model": network(softmax=False)},
        ):
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
            for edit in (
                change(name, b"{}"),
                change("contract.json", b""),
                change("contract.json", b"[" * 100000),
                edit_json("contract.json", lambda told: told.update(file="../../etc/passwd")),
                edit_json("contract.json", lambda told: told.update(strategy=["selector"])),
                edit_json("contract.json", lambda told: told.update(entries={})),
                edit_json("contract.json", lambda told: told.update(choices=[["a"]])),
                edit_json("contract.json", lambda told: told.pop("device")),
            ):
                kind, message = self.rebuild(flavour, engine, edit, self.refused)
                self.assertEqual(kind, "miss", message)
            _, message = self.rebuild(flavour, engine, change(name, b"{}"), self.refused)
            self.assertIn("it was changed", message)
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
        only = t.model(
            t.node("MatMul", ["x"], ["y"], "dense"),
            t.value_info(11, "x", t.FLOAT, [1, 4]),
            t.value_info(12, "y", t.FLOAT, [1, 4]),
        )
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
        self.assertEqual(
            layers["conv"]["inputs"],
            [
                {
                    "dtype": "FLOAT",
                    "strides": [16, 4, 1],
                    "vectorized_dim": -1,
                    "components_per_element": 1,
                }
            ],
        )
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
        self.assertIn(
            "layer conv",
            self.miss(edit_json("selector.json", lambda told: told["layers"].pop("conv"))),
        )
        self.assertIn(
            "layer conv",
            self.miss(
                edit_json(
                    "selector.json",
                    lambda told: told["layers"]["conv"]["inputs"][0].update(strides=[1]),
                )
            ),
        )
        for broken in (
            {"format": 2},
            {"layers": []},
            {"layers": {"conv": None}},
            {
                "layers": {
                    "conv": {"implementation": 1, "tactic": "0x1", "inputs": [], "outputs": []}
                }
            },
        ):
            self.miss(edit_json("selector.json", lambda told, new=broken: told.update(new)))
        self.assertIn(
            "removed: more",
            self.miss(
                edit_json(
                    "selector.json", lambda told: told["layers"].update(more=told["layers"]["conv"])
                )
            ),
        )
