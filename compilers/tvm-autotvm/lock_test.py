# SPDX-License-Identifier: Apache-2.0
"""Tests of what locks ask of the two TVM builders: numbers, rebuild, measure.  Part of test.py."""

import json
import os
import stat
import tempfile
import unittest

import test_support as support
from test_support import FEW, SLOW, BuilderCase

FILES = ("model.so", "graph.json", "params.bin", "kernels.json")


def read(folder, name):
    with open(os.path.join(folder, name), "rb") as handle:
        return handle.read()


def lines_of(engine):
    return read(engine, "tuning.log").decode().splitlines()


def costs_and_error(compiler, line):
    """(costs in ns, error number) as the log has them, without any code of ours."""
    raw = json.loads(line)
    costs, error = (raw["result"] if compiler == "tvm-autotvm" else raw["r"])[:2]
    return [round(cost * 1e9) for cost in costs], error


def choices(manifest):
    return {c["layer"]: c["choice"] for c in manifest["rebuild"]["choices"]}


class Locks(BuilderCase):
    def folder_with(self, lines, undecided=None):
        folder = tempfile.mkdtemp(dir=support.FOLDER)
        with open(os.path.join(folder, "tuning.log"), "w") as handle:
            handle.write("".join(line + "\n" for line in lines))
        if undecided is not None:
            with open(os.path.join(folder, "undecided.json"), "w") as handle:
                handle.write(undecided)
        return folder

    def rebuilding(self, compiler, folder, **asked):
        files = [n for n in ("tuning.log", "undecided.json") if os.path.exists(folder + "/" + n)]
        decisions = dict({"dir": folder, "files": files}, **asked)
        return dict(FEW[compiler], action="rebuild", more={"decisions": decisions})

    def rebuilt(self, compiler, folder, **asked):
        return self.built(compiler, **self.rebuilding(compiler, folder, **asked))

    def numbered(self, compiler, engine, events):
        """Candidate i that was reported must be line i of the log, failed ones too."""
        candidates = [e for e in events if e["event"] == "candidate"]
        lines = lines_of(engine)
        self.assertEqual([c["number"] for c in candidates], list(range(len(lines))))
        for candidate, line in zip(candidates, lines):
            costs, error = costs_and_error(compiler, line)
            self.assertEqual(candidate["ok"], error == 0, line)
            self.assertEqual(candidate["time_ns"], costs if candidate["ok"] else [], line)
        return candidates

    def other_of_same_layer(self, events, manifest):
        """A candidate that worked and that lost against another of its layer."""
        taken = choices(manifest)
        return next(
            e
            for e in events
            if e["event"] == "candidate" and e["ok"] and e["candidate"] != taken[e["layer"]]
        )

    def rebuilds(self, compiler):
        """Twice the same from the log, and from the pruned log."""
        engine, events, manifest, _ = self.shared(compiler)
        self.numbered(compiler, engine, events)
        first = self.rebuilt(compiler, engine)
        second = self.rebuilt(compiler, first[0])
        for name in FILES:
            self.assertEqual(read(first[0], name), read(engine, name), name)
            self.assertEqual(read(second[0], name), read(engine, name), name)
        self.assertEqual(len(lines_of(first[0])), len(choices(manifest)))
        self.assertLess(len(lines_of(first[0])), len(lines_of(engine)))
        self.assertEqual(read(first[0], "tuning.log"), read(second[0], "tuning.log"))
        self.assertEqual(first[2]["rebuild"], manifest["rebuild"])
        self.assertEqual([e for e in first[1] if e["event"] in ("candidate", "trials")], [])
        loaded = [f for e in first[1] if e["event"] == "loaded" for f in e["files"]]
        self.assertTrue(any(f["path"].endswith("/libtvm.so") for f in loaded))
        self.assertTrue(any(f["how"] == "program" and "g++" in f["path"] for f in loaded))

    def test_autotvm_rebuilds(self):
        self.rebuilds("tvm-autotvm")

    def test_autoscheduler_rebuilds(self):
        self.rebuilds("tvm-autoscheduler")

    def chosen(self, compiler):
        """A choice swaps one task and no other, and the kernel map shows it."""
        engine, events, manifest, kernels = self.shared(compiler)
        other = self.other_of_same_layer(events, manifest)
        layer, number = other["layer"], other["number"]
        swapped = self.rebuilt(compiler, engine, choices=[{"layer": layer, "number": number}])
        self.assertEqual(
            choices(swapped[2]), dict(choices(manifest), **{layer: other["candidate"]})
        )
        self.assertIn(lines_of(engine)[number], lines_of(swapped[0]))
        self.assertNotEqual(
            [k["source_sha256"] for k in swapped[3]], [k["source_sha256"] for k in kernels]
        )
        # An override with the swapped engine's log takes over that task alone.
        override = {"dir": swapped[0], "files": ["tuning.log"], "layers": [layer]}
        taken = self.rebuilt(compiler, engine, override=override)
        self.assertEqual(taken[3], swapped[3])
        self.assertEqual(read(taken[0], "tuning.log"), read(swapped[0], "tuning.log"))

    def test_autotvm_choices_and_override(self):
        self.chosen("tvm-autotvm")

    @unittest.skipUnless(SLOW, "needs --slow: the same for the other builder")
    def test_autoscheduler_choices_and_override(self):
        self.chosen("tvm-autoscheduler")

    def missed(self, compiler):
        engine, events, manifest, _ = self.shared(compiler)
        layer = next(iter(choices(manifest)))
        numbers = [e["number"] for e in events if e["event"] == "candidate" and e["layer"] == layer]
        left = [line for i, line in enumerate(lines_of(engine)) if i not in numbers]
        folder = self.folder_with(left)
        self.refused("miss", [layer], compiler=compiler, **self.rebuilding(compiler, folder))
        asked = dict(self.rebuilding(compiler, engine), target="llvm -mcpu=core2")
        self.refused("miss", ["line 1", "core2"], compiler=compiler, **asked)
        folder = self.folder_with(lines_of(engine)[:1] + ['{"input": [], "i": [[]]}'])
        self.refused("miss", ["line 2"], compiler=compiler, **self.rebuilding(compiler, folder))

    def test_autotvm_misses(self):
        self.missed("tvm-autotvm")

    @unittest.skipUnless(SLOW, "needs --slow: the same for the other builder")
    def test_autoscheduler_misses(self):
        self.missed("tvm-autoscheduler")

    def test_a_flipped_configuration_changes_the_kernel_map(self):
        engine, _, _, kernels = self.shared("tvm-autotvm")
        lines = lines_of(engine)
        flipped = []
        for line in lines:
            raw = json.loads(line)
            for knob in raw["config"]["entity"]:
                if knob[0] == "unroll_kw":
                    knob[2] = not knob[2]
            flipped.append(json.dumps(raw))
        self.assertNotEqual(flipped, lines)
        changed = self.rebuilt("tvm-autotvm", self.folder_with(flipped))[3]
        self.assertNotEqual(
            [k["source_sha256"] for k in changed], [k["source_sha256"] for k in kernels]
        )

    # -- measure
    def measured(self, compiler, rounds=3):
        engine, events, _, _ = self.shared(compiler)
        asked = [e for e in events if e["event"] == "candidate"]
        more = {
            "decisions": {"dir": engine, "files": ["tuning.log"]},
            "candidates": [{"layer": e["layer"], "number": e["number"]} for e in asked[::-1]],
            "rounds": rounds,
        }
        folder, answers = self.succeeds(compiler, action="measure", more=more, **FEW[compiler])
        self.assertEqual(os.listdir(folder), [])
        found = [e for e in answers if e["event"] == "candidate"]
        for key in ("layer", "candidate", "number"):
            self.assertEqual([e[key] for e in found], [e[key] for e in asked[::-1]])
        for event in found:
            self.assertTrue(event["ok"], event)
            self.assertEqual(len(event["time_ns"]), rounds)
            self.assertGreater(min(event["time_ns"]), 0)
            self.assertEqual(len(event["source_sha256"]), 64)
        hashes = {(e["layer"], e["candidate"]): e["source_sha256"] for e in found}
        self.assertEqual(len(set(hashes.values())), len(hashes), "one hash for two schedules")

        wrong = dict(more, candidates=[{"layer": asked[0]["layer"], "number": len(asked)}])
        self.refused(
            "invalid",
            [asked[0]["layer"], str(len(asked))],
            compiler=compiler,
            action="measure",
            more=wrong,
            **FEW[compiler]
        )

    def test_autotvm_measures(self):
        self.measured("tvm-autotvm")

    def test_autoscheduler_measures(self):
        self.measured("tvm-autoscheduler")

    # -- tasks of which no candidate works
    def linker_that_fails(self, calls):
        """A folder with a `g++` that fails at the given calls, counted from 1."""
        folder = tempfile.mkdtemp(dir=support.FOLDER)
        path = os.path.join(folder, "g++")
        with open(path, "w") as handle:
            handle.write(
                "#!/bin/sh\n"
                "echo x >> %s/calls\n"
                "case $(wc -l < %s/calls) in %s) echo no luck >&2; exit 1;; esac\n"
                'exec /usr/bin/g++ "$@"\n' % (folder, folder, "|".join(map(str, calls)))
            )
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return {"PATH": folder + ":" + os.environ["PATH"], "CXX": "", "CC": ""}

    def undecided(self, compiler):
        environment = self.linker_that_fails([1, 2, 4])
        engine, events, manifest, kernels = self.built(compiler, environment, **FEW[compiler])
        candidates = self.numbered(compiler, engine, events)
        self.assertEqual([c["number"] for c in candidates if not c["ok"]], [0, 1, 3])
        layer = candidates[0]["layer"]
        self.assertEqual(choices(manifest)[layer], "default schedule")
        self.assertEqual(manifest["rebuild"]["decisions"], ["tuning.log", "undecided.json"])
        self.assertEqual(json.loads(read(engine, "undecided.json"))["layers"], [layer])

        again = self.rebuilt(compiler, engine)
        self.assertEqual(again[3], kernels)
        self.assertEqual(again[2]["rebuild"], manifest["rebuild"])
        folder = self.folder_with(lines_of(engine))
        self.refused("miss", [layer], compiler=compiler, **self.rebuilding(compiler, folder))

    def test_autotvm_undecided(self):
        self.undecided("tvm-autotvm")

    @unittest.skipUnless(SLOW, "needs --slow: the same for the other builder")
    def test_autoscheduler_undecided(self):
        self.undecided("tvm-autoscheduler")
