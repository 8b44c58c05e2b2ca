#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the builder tvm-metaschedule with the real TVM: a search, rebuilds of it, what must miss.

    test.py          takes a minute or two; 77 when the family tvm-0.14 is not installed
"""

import json
import os
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tvm-autotvm"))
import test_support as support  # noqa: E402

COMPILER = "tvm-metaschedule"
RECORDS, WORKLOADS = "database_tuning_record.json", "database_workload.json"
FEW = {"trials": 8, "cost_model": "random", "population": 16, "iterations": 1, "measures_per_round": 2,
       "min_repeat_ms": 1}


class MetaSchedule(support.BuilderCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.case = cls("test_rebuilds_equal")
        cls.manifest, cls.engine, cls.events = cls.case.built_here()

    def built_here(self, **more):
        engine = tempfile.mkdtemp(dir=support.FOLDER)
        code, events, err = support.start(self.request(engine, **more), compiler=COMPILER)[:3]
        self.assertEqual(code, 0, err + str(events[-1:]))
        with open(os.path.join(engine, "manifest.json"), encoding="utf-8") as handle:
            return json.load(handle), engine, events

    def request(self, engine, action="build", decisions=None):
        request = {"protocol": 1, "action": action, "compiler": COMPILER,
                   "model": os.path.join(support.FOLDER, "conv.onnx"), "engine_dir": engine, "precision": "fp32",
                   "threads": 1, "cpus": [support.CPU], "seed": 3, "build_index": 0,
                   "shapes": {"input.1": [1, 1, 8, 8]}, "options": dict(FEW),
                   "scratch": tempfile.mkdtemp(dir=support.FOLDER)}
        return dict(request, decisions=decisions) if decisions else request

    def decisions(self, edit=None, **asked):
        folder = tempfile.mkdtemp(dir=support.FOLDER)
        for name in (RECORDS, WORKLOADS):
            shutil.copy(os.path.join(self.engine, name), folder)
        if edit:
            edit(folder)
        return dict({"dir": folder, "files": [WORKLOADS, RECORDS]}, **asked)

    def kernels(self, engine):
        with open(os.path.join(engine, "kernels.json"), encoding="utf-8") as handle:
            return [(k["layer"], k["source_sha256"]) for k in json.load(handle)["kernels"]]

    def records(self, folder):
        with open(os.path.join(folder, RECORDS), encoding="utf-8") as handle:
            return handle.read().splitlines()

    def refused(self, kind, decisions):
        engine = tempfile.mkdtemp(dir=support.FOLDER)
        code, events, _ = support.start(self.request(engine, "rebuild", decisions), compiler=COMPILER)[:3]
        self.assertEqual((code, events[-1]["event"], events[-1].get("kind")), (1, "error", kind), events[-1])

    def candidates(self):
        return [e for e in self.events if e["event"] == "candidate"]

    def test_candidates_are_the_lines_of_the_database(self):
        found = self.candidates()
        self.assertEqual([c["number"] for c in found], list(range(len(self.records(self.engine)))))
        self.assertEqual({c["layer"] for c in self.manifest["rebuild"]["choices"]}, {c["layer"] for c in found})

    def test_rebuilds_equal(self):
        for _ in range(2):
            manifest, again, events = self.built_here(action="rebuild", decisions=self.decisions())
            self.assertEqual(self.kernels(again), self.kernels(self.engine))
            self.assertEqual(manifest["rebuild"]["choices"], self.manifest["rebuild"]["choices"])
            # Pruned: one record a layer, and it decides the same once more.
            self.assertEqual(len(self.records(again)), len(manifest["rebuild"]["choices"]))
            self.assertFalse([e for e in events if e["event"] == "candidate"])

    def test_another_candidate_is_another_kernel(self):
        taken = {c["layer"]: c["choice"] for c in self.manifest["rebuild"]["choices"]}
        other = next(c for c in self.candidates() if c["ok"] and "conv2d" in c["layer"]
                     and c["candidate"] != taken[c["layer"]])
        choice = {"layer": other["layer"], "number": other["number"]}
        manifest, again, _ = self.built_here(action="rebuild", decisions=self.decisions(choices=[choice]))
        self.assertNotEqual(self.kernels(again), self.kernels(self.engine))
        self.assertIn({"layer": other["layer"], "choice": other["candidate"]}, manifest["rebuild"]["choices"])

    def test_what_is_not_decided_is_a_miss(self):
        layer = json.loads(self.records(self.engine)[0])[0]

        def without_a_layer(folder):
            kept = [line for line in self.records(folder) if json.loads(line)[0] != layer]
            with open(os.path.join(folder, RECORDS), "w", encoding="utf-8") as handle:
                handle.write("".join(line + "\n" for line in kept))

        def torn(folder):
            with open(os.path.join(folder, RECORDS), "a", encoding="utf-8") as handle:
                handle.write('[0,[[')

        def strange(folder):
            with open(os.path.join(folder, WORKLOADS), "a", encoding="utf-8") as handle:
                handle.write('["1", "AAAA"]\n')

        for edit in (without_a_layer, torn, strange):
            self.refused("miss", self.decisions(edit))
        self.refused("miss", dict(self.decisions(), files=[RECORDS]))
        self.refused("invalid", self.decisions(choices=[{"layer": "no such", "number": 0}]))
        number = len(self.records(self.engine))
        self.refused("invalid", self.decisions(choices=[{"layer": self.candidates()[0]["layer"], "number": number}]))


if __name__ == "__main__":
    if not os.path.exists(support.PYTHON):
        print("skipped: TVM is not installed: ./assay-up compilers tvm-metaschedule")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="assay-metaschedule-") as support.FOLDER:
        support.subprocess.run([support.PYTHON, "-c", "import sys; sys.path.insert(0, %r); import test_support; "
                                "test_support.make_models(%r)" % (os.path.dirname(support.__file__), support.FOLDER)],
                               check=True)
        unittest.main()
