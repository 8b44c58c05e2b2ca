#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the builders `null` and `faulty` as processes: decisions, rebuilds, the scripted search."""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
COMPILERS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHAPES = {"input": [1, 3, 2, 2]}
OUTPUTS = [{"name": "y", "dtype": "float32", "shape": [1, 4]}, {"name": "z", "dtype": "int64", "shape": [1]}]
SEARCH = {"candidates": 6, "near_ties": 3}


class Case(unittest.TestCase):
    compiler = "null"

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="assay-null-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.model = os.path.join(self.folder, "model.onnx")
        with open(self.model, "w", encoding="utf-8") as handle:
            handle.write("a model that null never reads")

    def ask(self, action="build", **changes):
        """(exit code, events, engine folder) of the builder."""
        engine, scratch = (tempfile.mkdtemp(prefix=n, dir=self.folder) for n in ("engine.", "scratch."))
        request = {"protocol": 1, "action": action, "compiler": self.compiler, "model": self.model,
                   "engine_dir": engine, "precision": "fp32", "threads": 1, "cpus": [], "seed": 7,
                   "build_index": 0, "shapes": SHAPES, "outputs": OUTPUTS, "options": {}, "scratch": scratch}
        request.update(changes)
        read, write = os.pipe()
        with tempfile.TemporaryFile() as log:
            child = subprocess.Popen(
                ["/usr/bin/python3", os.path.join(COMPILERS, self.compiler, "build")], stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=log, pass_fds=[write],
                env={"PATH": "/usr/bin:/bin", "ASSAY_EVENT_FD": str(write), "HOME": scratch})
            os.close(write)
            child.stdin.write(json.dumps(request).encode())
            child.stdin.close()
            with os.fdopen(read) as lines:
                events = [json.loads(line) for line in lines]
            child.wait(timeout=60)
            log.seek(0)
            self.stderr = log.read()
        return child.returncode, events, engine

    def done(self, *args, **changes):
        code, events, engine = self.ask(*args, **changes)
        self.assertEqual((code, events[-1]), (0, {"event": "done"}), (events, self.stderr))
        return events, engine

    def refused(self, kind, part, *args, **changes):
        code, events, engine = self.ask(*args, **changes)
        self.assertEqual((code, events[-1].get("kind")), (1, kind), (events[-1], self.stderr))
        self.assertIn(part, events[-1]["message"])
        self.assertNotIn("manifest.json", os.listdir(engine))

    @staticmethod
    def read(engine, name):
        with open(os.path.join(engine, name), encoding="utf-8") as handle:
            return handle.read()

    def write(self, engine, name, text):
        with open(os.path.join(engine, name), "w", encoding="utf-8") as handle:
            handle.write(text)

    def decisions(self, engine, **more):
        return dict({"dir": engine, "files": self.manifest(engine)["rebuild"]["decisions"]}, **more)

    def rebuild(self, engine, seed=999, options=None, **more):
        return self.done("rebuild", seed=seed, options=options or {}, decisions=self.decisions(engine, **more))

    def manifest(self, engine):
        return json.loads(self.read(engine, "manifest.json"))

    def kernels(self, engine):
        return json.loads(self.read(engine, "kernels.json"))["kernels"]

    def log(self, engine):
        return [json.loads(line) for line in self.read(engine, "tuning.log").splitlines()]

    @staticmethod
    def loaded(events):
        return {f["path"]: f["how"] for e in events if e["event"] == "loaded" for f in e["files"]}


class NullTest(Case):
    def test_a_rebuild_has_the_seed_of_the_build(self):
        _, engine = self.done()
        self.assertEqual(self.manifest(engine)["rebuild"]["decisions"], ["decisions.json"])
        events, again = self.rebuild(engine)
        for name in ("engine.txt", "kernels.json", "decisions.json"):
            self.assertEqual(self.read(again, name), self.read(engine, name))
        self.assertEqual(self.manifest(again)["seed"], 999)
        _, other = self.done(seed=999)
        self.assertNotEqual(self.read(other, "engine.txt"), self.read(engine, "engine.txt"))
        loaded = self.loaded(events)
        self.assertEqual(loaded[os.path.join(COMPILERS, "null", "build")], "imported")
        self.assertEqual(loaded[os.path.join(COMPILERS, "null", "null_decisions.py")], "imported")
        self.assertEqual(loaded[os.path.realpath("/usr/bin/python3")], "mapped")

    def test_a_changed_decision_is_another_kernel(self):
        _, engine = self.done()
        before = self.kernels(engine)
        self.write(engine, "decisions.json", '{"format": 1, "seed": 7, "kernels": {"y": 0, "z": 3}}')
        _, again = self.rebuild(engine)
        after = self.kernels(again)
        self.assertEqual(after[0], before[0])
        self.assertNotEqual(after[1]["source_sha256"], before[1]["source_sha256"])
        self.assertIn("kernel_sha256_1 " + after[1]["source_sha256"], self.read(again, "engine.txt"))

    def test_absent_and_broken_decisions(self):
        _, engine = self.done()
        self.refused("miss", "decisions.json", "rebuild", decisions={"dir": engine, "files": []})
        for text, kind in (("", "invalid"), ("[]", "invalid"), ("[" * 100000, "invalid"),
                           ('{"format": 2, "seed": 7, "kernels": {"y": 0, "z": 0}}', "invalid"),
                           ('{"format": 1, "seed": -7, "kernels": {"y": 0, "z": 0}}', "invalid"),
                           ('{"format": 1, "seed": 7, "kernels": {"y": true, "z": 0}}', "invalid"),
                           ('{"format": 1, "seed": 7, "kernels": {"y": 0}}', "miss")):
            with self.subTest(text[:60]):
                self.write(engine, "decisions.json", text)
                self.refused(kind, "decisions.json", "rebuild", decisions=self.decisions(engine))

    def test_override_of_a_layer(self):
        _, engine = self.done()
        _, other = self.done(seed=8)
        self.write(other, "decisions.json", '{"format": 1, "seed": 8, "kernels": {"y": 5}}')
        override = dict(self.decisions(other), layers=["y"])
        _, mixed = self.rebuild(engine, override=override)
        hashes = [k["source_sha256"] for k in self.kernels(engine)]
        seen = [k["source_sha256"] for k in self.kernels(mixed)]
        self.assertNotEqual(seen[0], hashes[0])
        self.assertEqual(seen[1], hashes[1])
        self.assertIn("seed 7\n", self.read(mixed, "engine.txt"))
        for layers, kind in ((["z"], "miss"), (["nobody"], "invalid")):
            given = self.decisions(engine, override=dict(override, layers=layers))
            self.refused(kind, layers[0], "rebuild", decisions=given)

    def test_options_are_checked(self):
        for name, value in (("candidates", -1), ("candidates", 1 << 20), ("near_ties", "3"), ("search_noise_ns", None)):
            self.refused("invalid", name, options={name: value})


class SearchTest(Case):
    """The scripted search: what it measures, keeps, and finds again."""

    def candidates(self, events):
        return [e for e in events if e["event"] == "candidate"]

    def test_a_search(self):
        events, engine = self.done(options=SEARCH)
        candidates = self.candidates(events)
        self.assertEqual([c["number"] for c in candidates], list(range(12)))
        self.assertEqual([c["layer"] for c in candidates], ["y"] * 6 + ["z"] * 6)
        self.assertEqual(len({c["source_sha256"] for c in candidates}), 6)
        totals = [e for e in events if e["event"] == "trials"]
        self.assertEqual([(t["measured"], t["failed"], t["tasks"]) for t in totals], [(12, 0, 2)])
        self.assertEqual([line["time_ns"] for line in self.log(engine)], [c["time_ns"] for c in candidates])
        for kernel in self.kernels(engine):
            mine = [c for c in candidates if c["layer"] == kernel["layer"]]
            best = min(mine, key=lambda c: statistics.mean(c["time_ns"]))
            self.assertEqual(kernel["source_sha256"], best["source_sha256"])
            self.assertIn({"layer": kernel["layer"], "choice": best["candidate"]},
                          self.manifest(engine)["rebuild"]["choices"])

    def test_near_ties_swap_by_seed_and_the_rest_does_not(self):
        def chosen(options, n):
            return {self.kernels(self.done(seed=s, options=options)[1])[0]["source_sha256"] for s in range(n)}

        self.assertGreater(len(chosen(SEARCH, 8)), 1)
        self.assertEqual(len(chosen(dict(SEARCH, near_ties=0), 4)), 1)  # 5 % apart, noise of 2 %
        self.assertEqual(len(chosen(dict(SEARCH, search_noise_ns=0), 2)), 1)

    def test_a_rebuild_takes_the_best_of_the_log(self):
        _, engine = self.done(options=SEARCH)
        _, again = self.rebuild(engine, options=SEARCH)
        for name in ("engine.txt", "kernels.json", "decisions.json"):
            self.assertEqual(self.read(again, name), self.read(engine, name))
        self.assertEqual(len(self.log(again)), 2)  # pruned: a line a layer
        self.assertEqual(self.manifest(again)["rebuild"], self.manifest(engine)["rebuild"])
        _, third = self.rebuild(again, options=SEARCH)
        self.assertEqual(self.read(third, "engine.txt"), self.read(engine, "engine.txt"))

    def test_choices(self):
        events, engine = self.done(options=SEARCH)
        slow = max(self.candidates(events)[6:], key=lambda c: min(c["time_ns"]))
        _, again = self.rebuild(engine, options=SEARCH, choices=[{"layer": "z", "number": slow["number"]}])
        self.assertEqual(self.kernels(again)[0], self.kernels(engine)[0])
        self.assertEqual(self.kernels(again)[1]["source_sha256"], slow["source_sha256"])
        slower = [int(self.read(e, "engine.txt").split("slower_ns ")[1].split()[0]) if "slower_ns" in
                  self.read(e, "engine.txt") else 0 for e in (engine, again)]
        self.assertLess(slower[0], slower[1])
        for choice in ({"layer": "z", "number": 0}, {"layer": "z", "number": 12}):
            given = self.decisions(engine, choices=[choice])
            self.refused("miss", "line %d" % choice["number"], "rebuild", options=SEARCH, decisions=given)

    def test_override_from_another_log(self):
        options = dict(SEARCH, near_ties=5)
        _, engine = self.done(seed=1, options=options)
        for seed in range(2, 20):  # the first one that decided otherwise
            _, other = self.done(seed=seed, options=options)
            theirs, ours = (self.kernels(e)[0]["source_sha256"] for e in (other, engine))
            if theirs != ours:
                break
        self.assertNotEqual(theirs, ours)
        _, mixed = self.rebuild(engine, options=options, override=dict(self.decisions(other), layers=["y"]))
        self.assertEqual(self.kernels(mixed)[0]["source_sha256"], theirs)
        self.assertEqual(self.kernels(mixed)[1], self.kernels(engine)[1])

    def test_lost_and_broken_logs(self):
        _, engine = self.done(options=SEARCH)
        whole = self.read(engine, "tuning.log")
        only_y = "\n".join(whole.splitlines()[:6]) + "\n"
        for text, kind, part in (
                ("", "miss", "layer y"), (only_y, "miss", "layer z"), ("rubbish\n", "invalid", "line 0"),
                (whole + '{"layer": "y", "variant": 1, "time_ns": []}\n', "invalid", "line 12"),
                ('{"layer": "y", "variant": 77, "time_ns": [1]}\n' + whole, "miss", "variant 77")):
            with self.subTest(text[:60]):
                self.write(engine, "tuning.log", text)
                self.refused(kind, part, "rebuild", options=SEARCH, decisions=self.decisions(engine))
        given = {"dir": engine, "files": ["decisions.json"]}
        self.refused("miss", "layer y", "rebuild", options=SEARCH, decisions=given)

    def measure(self, engine, seed, rounds=7):
        asked = [{"layer": "y", "number": 2}, {"layer": "z", "number": 9}]
        events, folder = self.done("measure", seed=seed, options=SEARCH, decisions=self.decisions(engine),
                                   candidates=asked, rounds=rounds)
        self.assertEqual(os.listdir(folder), [])
        return self.candidates(events)

    def test_measure(self):
        events, engine = self.done(options=SEARCH)
        built = self.candidates(events)
        first, second, third = self.measure(engine, 1), self.measure(engine, 2), self.measure(engine, 1)
        self.assertEqual([(c["layer"], c["number"]) for c in first], [("y", 2), ("z", 9)])
        for a, b, number in zip(first, second, (2, 9)):
            self.assertEqual(len(a["time_ns"]), 7)
            self.assertGreater(len(set(a["time_ns"])), 1)
            self.assertNotEqual(a["time_ns"], b["time_ns"])
            self.assertEqual(a["source_sha256"], built[number]["source_sha256"])
            self.assertLess(abs(min(a["time_ns"]) - min(built[number]["time_ns"])), 2000)
        self.assertEqual(first, third)
        given = self.decisions(engine)
        for number in (9, 12):
            self.refused("miss", "line %d" % number, "measure", options=SEARCH, decisions=given, rounds=1,
                         candidates=[{"layer": "y", "number": number}])


class FaultyTest(Case):
    compiler = "faulty"

    def pair(self, mode, **more):
        """Engine of a build, and (events, engine) of two rebuilds."""
        options = dict({"mode": mode}, **more)
        _, engine = self.done(options=options)
        return engine, [self.done("rebuild", seed=s, build_index=s, options=options, decisions=self.decisions(engine))
                        for s in (1, 2)]

    def test_ok(self):
        engine, ((_, one), (_, two)) = self.pair("ok")
        for again in (one, two):
            self.assertEqual(self.read(again, "engine.txt"), self.read(engine, "engine.txt"))

    def test_other_kernel(self):
        engine, rebuilt = self.pair("rebuild_other_kernel")
        hashes = {self.kernels(e)[0]["source_sha256"] for e in [engine] + [e for _, e in rebuilt]}
        self.assertEqual(len(hashes), 3)

    def test_other_output(self):
        engine, rebuilt = self.pair("rebuild_other_output")
        texts = [self.read(e, "engine.txt") for e in [engine] + [e for _, e in rebuilt]]
        self.assertEqual([text.count("rebuilt ") for text in texts], [0, 1, 1])
        self.assertNotEqual(texts[1], texts[2])
        self.assertEqual(self.kernels(rebuilt[0][1]), self.kernels(engine))

    def test_miss(self):
        options = {"mode": "rebuild_miss"}
        _, engine = self.done(options=options)
        self.refused("miss", "rebuild_miss", "rebuild", options=options, decisions=self.decisions(engine))

    def test_slow(self):
        engine, rebuilt = self.pair("rebuild_slow")
        self.assertNotIn("slower_ns", self.read(engine, "engine.txt"))
        for _, again in rebuilt:
            self.assertIn("slower_ns 20000\n", self.read(again, "engine.txt"))  # of 100000
            self.assertEqual(self.kernels(again), self.kernels(engine))

    def test_extra_file(self):
        engine, ((one, _), (two, again)) = self.pair("rebuild_extra_file")
        _, ((plain, _), _) = self.pair("ok")
        one, two, plain = (set(self.loaded(events)) for events in (one, two, plain))
        self.assertTrue(one - two and two - one)
        self.assertTrue(plain < one and plain < two)
        self.assertEqual(self.read(again, "engine.txt"), self.read(engine, "engine.txt"))
        self.assertIn(os.path.join(COMPILERS, "null", "build"), one)

    def test_ignores(self):
        options = {"mode": "rebuild_ignores"}
        _, again = self.done("rebuild", seed=3, options=options, decisions={"dir": self.folder, "files": []})
        _, fresh = self.done(seed=3, options=options)
        self.assertEqual(self.read(again, "engine.txt"), self.read(fresh, "engine.txt"))

    def test_measure_crash(self):
        options = {"mode": "measure_crash", "candidates": 3}
        _, engine = self.done(options=options)
        asked = {"decisions": self.decisions(engine), "rounds": 2, "candidates": [{"layer": "y", "number": 1}]}
        code, events, _ = self.ask("measure", options=options, **asked)
        self.assertEqual((code, events[-1]["event"]), (-signal.SIGSEGV, "candidate"))
        events, _ = self.done("measure", options=dict(options, mode="ok"), **asked)
        self.assertEqual(len([e for e in events if e["event"] == "candidate"]), 1)


if __name__ == "__main__":
    unittest.main()
