#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The experiment's reading and counting, against made locks and an `assay` that makes them up."""
import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import run  # noqa: E402

# Records, shows, lays out and times as the real one does, as far as the experiment looks. The fastest of a tuning
# follows the number of the lock (noise), the stable choice never changes.
FAKE = """#!{python}
import json, pathlib, sys
a = sys.argv[1:]
log = pathlib.Path({log!r})
log.write_text(log.read_text() + json.dumps(a) + "\\n" if log.exists() else json.dumps(a) + "\\n")
if a[:2] in (["lock", "record"], ["lock", "select"]):
    out = pathlib.Path(a[a.index("-o") + 1]); out.mkdir()
    stable = a[1] == "select"
    pick = "0" if stable else "01"[int(out.name[-3:]) % 2]
    (out / "lock.json").write_text(json.dumps({{
        "kernels": [{{"layer": "conv", "source_sha256": pick * 64}}, {{"layer": "dense", "source_sha256": "d" * 64}}],
        "kernel_map_sha256": pick * 64, "outputs": [{{"name": "y", "sha256": "e" * 64}}],
        "selection": {{"counts": {{"tasks": 2, "decided": 2}}}} if stable else None}}))
elif a[:2] == ["lock", "show"]:
    print((pathlib.Path(a[2]) / "lock.json").read_text())
elif a[:2] == ["lock", "engine"]:
    pathlib.Path(a[a.index("-o") + 1]).mkdir()
elif a[0] == "bench":
    ns = 1000 + 10 * int(a[1][-3:])
    pathlib.Path(a[a.index("--exportTimes") + 1]).write_text(json.dumps(
        [{{"launch": 0, "latencyMs": t / 1e6, "latency_ns": t}} for t in (ns, ns, 9 * ns)]))
"""


def lock(conv, dense="d", outputs="e", **more):
    return {"kernels": [{"ordinal": 0, "layer": "conv", "kernel": "c", "source_sha256": conv * 64 if conv else ""},
                        {"ordinal": 1, "layer": "dense", "kernel": "d", "source_sha256": dense * 64}],
            "kernel_map_sha256": conv * 64 if conv else "0" * 64,
            "outputs": [{"name": "y", "sha256": outputs * 64}], "selection": None, **more}


def read(value):
    return run.read_lock(value if isinstance(value, str) else json.dumps(value), "x.lock")


class Reading(unittest.TestCase):
    def test_tasks_and_hashes(self):
        r = read(lock("a"))
        self.assertEqual(r["kernels"], {"conv": "a" * 64, "dense": "d" * 64})
        self.assertEqual(r["map"], "a" * 64)
        self.assertEqual(r["outputs"], (("y", "e" * 64),))

    def test_layers_of_one_name_are_two_tasks_and_a_missing_source_is_the_name(self):
        two = lock("a")
        two["kernels"][1]["layer"] = "conv"
        self.assertEqual(set(read(two)["kernels"]), {"conv", "conv #1"})
        self.assertEqual(read(lock(""))["kernels"]["conv"], "name c")

    def test_bad_locks_are_refused(self):
        deep = "[" * 100000
        for bad in ("", "[]", "{}", deep, lock("a", kernels=[]), lock("a", kernels=["x"]), {**lock("a"), "outputs": None},
                    lock("a", kernels=[{"layer": 1, "source_sha256": ""}]), lock("a", kernel_map_sha256="A" * 64),
                    lock("a", kernels=[{"layer": "l", "source_sha256": "../x"}]), lock("a", selection=[]),
                    lock("a", selection={}), lock("a", outputs=[{"name": "y", "sha256": None}])):
            with self.subTest(str(bad)[:80]), self.assertRaisesRegex(run.BadLock, "^x.lock: "):
                read(bad)


class Counting(unittest.TestCase):
    def test_flips_are_tunings_not_of_the_most_frequent_source(self):
        locks = [read(lock(c, outputs=o)) for c, o in (("a", "e"), ("b", "e"), ("a", "f"), ("c", "e"))]
        a = run.agreement(locks)
        self.assertEqual(a["flips"], {"conv": 2, "dense": 0})
        self.assertEqual((a["maps"], a["outputs"], a["tasks"], a["locks"]), (3, 2, 2, 4))

    def test_a_task_that_some_lock_lacks_is_a_flip(self):
        less = lock("a")
        del less["kernels"][1]
        self.assertEqual(run.agreement([read(lock("a")), read(lock("a")), read(less)])["flips"]["dense"], 1)

    def test_medians_are_of_launches(self):
        rows = [{"launch": n, "latency_ns": t} for n, ts in enumerate([[1, 1, 1, 50], [3, 3, 60], [5]]) for t in ts]
        self.assertEqual(run.median_latency([rows]), 3)
        self.assertEqual(run.median_latency([[r for r in rows if r["launch"] == n] for n in range(3)]), 3)

    def test_tables(self):
        a = run.agreement([read(lock("a")), read(lock("b"))])
        text = run.table([("random", "fastest", a, [1000, 1020])])
        self.assertIn("| random, one seed | fastest | 2 | 1 of 2 | 1 of 4 (25.0 %) | 2 | 1 | 1.01 us, 2.0 % |", text)
        self.assertIn("| conv | 1 |", run.details([("random", "fastest", a, [1])]))
        evil = {**a, "flips": {"|<b>\x1b`": 1}}
        self.assertIn("| ??b??? | 1 |", run.details([("random", "fastest", evil, [1])]))
        self.assertEqual(run.details([("ga", "stable", run.agreement([read(lock("a"))]), [1])]), "No task flips.")


class Whole(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.log = self.folder / "log"
        fake = self.folder / "assay"
        fake.write_text(FAKE.format(python=sys.executable, log=str(self.log)))
        fake.chmod(0o755)

    def experiment(self, *more):
        text = io.StringIO()
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(run.main(["digits", "--tunings", "4", "--launches", "2", "--bin", str(self.folder),
                                       "--work", str(self.folder / "work"), *more]), 0)
        return text.getvalue()

    def calls(self, *start):
        rows = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [r for r in rows if r[:len(start)] == list(start)]

    def test_arms_seeds_and_counts(self):
        text = self.experiment()
        self.assertIn("| random, one seed | fastest | 4 | 1 of 2 | 2 of 8 (25.0 %) | 2 | 1 | 1.01 us, 3.0 % |", text)
        self.assertIn("| ga, a seed each | stable | 4 | 0 of 2 | 0 of 8 (0.0 %) | 1 | 1 | ", text)
        self.assertIn("random, stable, all tunings: 8 tasks, 8 decided", text)
        records = self.calls("lock", "record")
        self.assertEqual(len(records), 8)
        seeds = {arm: {r[r.index("--seed") + 1] for r in records if f"tvm-autotvm.tuner={arm}" in r} for arm in run.ARMS}
        self.assertEqual(seeds, {"random": {"1"}, "ga": {"1", "2", "3", "4"}})
        self.assertEqual(len(self.calls("bench")), 4 * 4 * 2)
        result = json.loads((self.folder / "work/result.json").read_text())
        self.assertEqual([r["maps"] for r in result], [2, 1, 2, 1])
        # The same again records nothing anew.
        self.experiment("--arms", "ga")
        self.assertEqual(len(self.calls("lock", "record")), 8)
        self.assertEqual(len(self.calls("lock", "select")), 8)

    def test_a_failing_assay_ends_it(self):
        (self.folder / "assay").write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no such compiler')\n")
        with self.assertRaisesRegex(SystemExit, "ended with 1: no such compiler"):
            self.experiment()

    def test_bad_flags(self):
        for flags in (["--tunings", "0"], ["--arms", "xgb"]):
            with self.assertRaises(SystemExit) as ended:
                self.experiment(*flags)
            self.assertEqual(ended.exception.code, 2)


if __name__ == "__main__":
    unittest.main()
