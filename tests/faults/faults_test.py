#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Negative controls: an audit of the compiler `faulty` must name each fault, and spare the healthy compiler beside it."""

import os
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from assay import AssayTest  # noqa: E402


class Faults(AssayTest):
    """Each test: one mode, one audit with `null` beside it."""

    def audit(self, mode, *flags, code=0, samples=60, builds=2, launches=2):
        out, err = self.assay("audit", self.model, "--compiler", "null,faulty", "--no-reference",
                              "--option", "faulty.mode=" + mode, "--builds", builds, "--launches", launches,
                              "--samples", samples, "--inputs", 12, "--warm-up", 0, "--out", "run", *flags,
                              code=code)
        self.text = out
        self.err = err
        self.whole = self.report("run")
        recipes = {r["compiler"]: r for m in self.whole["models"] for r in m["recipes"]}
        for recipe in recipes.values():
            recipe["findings"] = [f for f in self.whole["findings"] if f["recipe_id"] == recipe["recipe_id"]]
        self.recipe, self.healthy = recipes["faulty"], recipes["null"]
        self.assert_healthy(builds, launches)
        self.assertIn("verified", self.verify("run"))
        self.assert_none_left()

    def assert_healthy(self, builds, launches):
        """The fault of one recipe touches no other."""
        self.assertEqual([b["outcome"] for b in self.healthy["builds"]], ["ok"] * builds)
        for build in self.healthy["builds"]:
            self.assertEqual([l["outcome"] for l in build["launches"]], ["ok"] * launches)
        self.assertEqual(self.verdict("outputs", "builds", self.healthy), "SAME" if builds > 1 else "INCONCLUSIVE")
        self.assertEqual(self.verdict("self", "launches", self.healthy), "SAME")
        self.assertEqual(self.findings(self.healthy), set())

    @staticmethod
    def verdict(subject, scope, recipe):
        found = [v["verdict"] for v in recipe["verdicts"] if v["subject"] == subject and v["scope"] == scope]
        assert len(found) == 1, found
        return found[0]

    def findings(self, recipe=None):
        """Codes of what was found, without what the machine and not the compiler is to blame for."""
        recipe = recipe or self.recipe
        return {f["code"] for f in recipe["findings"]} - {"network-not-isolated"}

    def assert_named(self, *codes, text=()):
        """These findings and no others; each stands in the text that a person reads."""
        self.assertEqual(self.findings(), set(codes))
        for f in self.recipe["findings"]:
            self.assertIn("faulty", f["text"])
            self.assertTrue(f["fix"], f)
        for word in text:
            self.assertIn(word, self.text)

    def test_ok(self):
        self.audit("ok")
        self.assert_named()
        self.assertEqual(self.verdict("outputs", "builds", self.recipe), "SAME")

    # Outputs.
    def test_outputs_by_build(self):
        self.audit("outputs_by_build")
        self.assertEqual(self.verdict("outputs", "builds", self.recipe), "DIFFERENT")
        self.assertEqual(self.verdict("outputs", "launches", self.recipe), "SAME")
        self.assertIn("outputs over builds: DIFFERENT", self.text)

    def test_outputs_by_launch(self):
        self.audit("outputs_by_launch")
        self.assertEqual(self.verdict("outputs", "launches", self.recipe), "DIFFERENT")
        self.assertIn("outputs over launches: DIFFERENT", self.text)

    def test_outputs_at_1000(self):
        self.audit("outputs_at_1000", samples=1200)
        self.assert_named("self-after", text=["self over launches: DIFFERENT"])
        self.assertEqual(self.verdict("self", "launches", self.recipe), "DIFFERENT")

    def test_nan_outputs(self):
        self.audit("nan_outputs")
        self.assertIn("outputs-not-finite", self.findings())

    # The runner.
    def test_early_return(self):
        self.audit("early_return")
        self.assertIn("self-early_return", self.findings())
        self.assertEqual(self.verdict("self", "launches", self.recipe), "DIFFERENT")
        self.assertIn("early_return", self.text)

    def test_swap_kernels(self):
        self.audit("swap_kernels")
        self.assert_named("kernels-swapped-at-load", text=["runs other kernels than its build recorded"])

    def test_wrong_shape(self):
        self.audit("wrong_shape", code=1)
        self.assertEqual(self.findings(), {"launch-failed"})
        self.assertIn("is not what its manifest.json says", self.recipe["findings"][0]["text"])

    def test_crash_load(self):
        self.audit("crash_load", code=1)
        self.assert_named("launch-crashed", text=["signal 11"])

    def test_crash_run(self):
        self.audit("crash_run", "--option", "faulty.at_run=60", code=1)
        self.assertIn("launch-crashed", self.findings())
        self.assertIn("signal 11", self.text)
        kept = [s["n"] for b in self.recipe["builds"] for l in b["launches"] for s in l["series"]]
        self.assertTrue(kept and all(0 < n < 60 for n in kept), kept)  # what was measured before is kept
        self.assertIn("series-cut-off", self.findings())

    def test_hang_run(self):
        self.audit("hang_run", "--option", "faulty.at_run=60", "--launch-timeout", 2, code=1, builds=1, launches=1)
        self.assertIn("launch-hung", self.findings())
        self.assertIn("did not end within", self.text)

    # The builder.
    def assert_no_build(self, outcome):
        self.assertEqual({b["outcome"] for b in self.recipe["builds"]}, {outcome})
        self.assertFalse([l for b in self.recipe["builds"] for l in b["launches"]])
        self.assertIn("1 of 2 recipes gave no usable build", self.err)

    def test_crash_build(self):
        self.audit("crash_build", code=1)
        self.assert_no_build("crashed")
        self.assert_named("build-crashed", text=["signal 11"])

    def test_hang_build(self):
        self.audit("hang_build", "--build-timeout", 2, code=1, builds=1)
        self.assert_no_build("hung")
        self.assert_named("build-hung")

    def test_garbage_events(self):
        self.audit("garbage_events", code=1)
        self.assert_no_build("lied")
        self.assert_named("build-lied", text=["lines that are no events"])

    def test_truncated_events(self):
        self.audit("truncated_events", code=1)
        self.assert_no_build("lied")
        self.assert_named("build-lied", text=["never reported done"])

    def test_no_artifact(self):
        self.audit("no_artifact", code=1)
        self.assert_no_build("lied")
        self.assert_named("build-lied", text=["no manifest.json"])

    def test_bad_hash(self):
        self.audit("bad_hash", code=1)
        self.assert_no_build("lied")
        self.assert_named("build-lied", text=["does not have the hash"])

    def test_exit_after_done(self):
        self.audit("exit_after_done", code=1)
        self.assert_no_build("lied")
        self.assert_named("build-lied", text=["exit code 3 after it had reported done"])

    def test_daemon(self):
        self.audit("daemon")
        self.assert_named("left-daemon", text=["left processes behind (python3)"])

    def test_huge_log(self):
        self.audit("huge_log", "--option", "faulty.amount_mib=80", builds=1, launches=1)
        self.assert_named("log-cut")
        size = max(os.path.getsize(p) for p in (self.folder / "run" / "blobs").rglob("*") if p.is_file())
        self.assertLessEqual(size, 65 << 20)

    def test_eat_memory(self):
        self.audit("eat_memory", "--option", "faulty.amount_mib=2048", "--memory-limit", "256M", code=1, builds=1,
                   launches=1)
        self.assert_no_build("out_of_memory")
        self.assert_named("build-out-of-memory")


if __name__ == "__main__":
    unittest.main()
