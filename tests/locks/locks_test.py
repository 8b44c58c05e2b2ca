#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Locks end to end: what holds is verified, whatever was changed is refused or found.

    tests/locks/locks_test.py            the compilers null and faulty
    tests/locks/locks_test.py --real     ONNX Runtime: a byte of its library, a decision of its engine
"""

import hashlib
import json
import os
import pathlib
import shutil
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from assay import ROOT, AssayTest, environment  # noqa: E402

REAL = "--real" in sys.argv


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class LockTest(AssayTest):
    """A lock of its own for each test."""

    def record(self, compiler="null", *flags, out="a.lock", code=0):
        return self.assay("lock", "record", self.model, "--compiler", compiler, "--launches", 2, "--samples", 60,
                          "--inputs", 8, "-o", out, *flags, code=code)

    def verify_lock(self, *flags, lock="a.lock", builds=2, code=0):
        out, self.err = self.assay("lock", "verify", lock, "--builds", builds, "--launches", 5, "--format", "json",
                                   *flags, code=code)
        return json.loads(out) if code != 2 else self.err

    def edit(self, change, lock="a.lock"):
        """Changes lock.json by `change` and makes its self-hash right again, as a forger would."""
        path = self.folder / lock / "lock.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        change(content)
        content.pop("self_sha256")
        compact = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        content["self_sha256"] = sha256(compact.encode())
        path.write_text(json.dumps(content, indent=1, separators=(",", ": "), ensure_ascii=False) + "\n",
                        encoding="utf-8")

    def replace_decision(self, content, entry, data, lock="a.lock"):
        """Another content for the decision `entry` of lock.json, with the right hash."""
        (self.folder / lock / "blobs" / sha256(data)).write_bytes(data)
        entry["sha256"], entry["bytes"] = sha256(data), len(data)

    def assert_failed(self, certificate, *words):
        self.assertEqual(certificate["result"], "failed", certificate["reasons"])
        text = " ".join(certificate["reasons"])
        for word in words:
            self.assertIn(word, text)


class Verified(LockTest):
    """What is as recorded."""

    def test_recompiled(self):
        self.record()
        c = self.verify_lock(builds=3)
        self.assertEqual(c["result"], "verified", c["reasons"])
        self.assertEqual(c["proof"], "recompiled")
        self.assertEqual([b["made_by"] for b in c["builds"]], ["rebuilt"] * 3 + ["recorded"])
        self.assertTrue(all(b["kernel_map_equal"] and b["artifact_equal"] for b in c["builds"]))
        self.assertEqual({s: v["verdict"] for s, v in c["claims"].items()},
                         {"kernels": "SAME", "outputs": "SAME", "latency": "SAME"})
        self.assertEqual([o["with_the_recorded_hash"] for o in c["claims"]["outputs"]["outputs"]], [4])

    def test_replayed_is_never_called_rebuilt(self):
        self.record("null", "--proof", "replayed")
        c = self.verify_lock()
        self.assertEqual((c["result"], c["proof"]), ("verified", "replayed"))
        self.assertEqual([b["made_by"] for b in c["builds"]], ["replayed", "replayed", "recorded"])
        for claim in c["claims"].values():
            self.assertIn("says nothing about rebuilding", claim["statement"])
        out, _ = self.assay("lock", "verify", "a.lock", "--builds", 2, "--launches", 5)
        self.assertNotIn("rebuilt", out)

    def test_evidence_is_a_run(self):
        self.record()
        self.verify_lock("--out", "run")
        self.assertIn("verified", self.verify("run"))
        for name in ("certificate.json", "certificate.md", "certificate.html", "report.html"):
            self.assertTrue((self.folder / "run" / name).is_file(), name)
        # Again: nothing is built twice, the same result.
        c = self.verify_lock("--out", "run")
        self.assertEqual(c["result"], "verified")
        self.assertNotIn("] build", self.err)

    def test_search_is_rebuilt_from_its_decisions(self):
        self.record("null", "--option", "null.candidates=6", "--seed", 5)
        lock = json.loads((self.folder / "a.lock" / "lock.json").read_text(encoding="utf-8"))
        self.assertTrue(lock["choices"])
        self.assertTrue(lock["evidence"])
        self.assertEqual(self.verify_lock()["result"], "verified")

    def test_stable_selection(self):
        """Near-ties of one search, decided by the rule, whatever the seed of the noise."""
        chosen = set()
        for seed in (1, 2, 3):
            name = "s%d.lock" % seed
            self.record("null", "--option", "null.candidates=6", "--option", "null.near_ties=6", "--seed", seed,
                        "--select", "stable", out=name)
            lock = json.loads((self.folder / name / "lock.json").read_text(encoding="utf-8"))
            self.assertTrue(lock["selection"])
            chosen.add(tuple(k["source_sha256"] for k in lock["kernels"]))
            self.assertEqual(self.verify_lock(lock=name)["result"], "verified")
        self.assertEqual(len(chosen), 1)

    def test_audit_shows_unlocked_beside_locked(self):
        self.assay("audit", self.model, "--compiler", "null", "--no-reference", "--lock", "off,verified", "--builds",
                   2, "--launches", 2, "--samples", 60, "--inputs", 8, "--option", "null.candidates=6", "--option",
                   "null.near_ties=6", "--out", "run")
        recipes = {r["lock_mode"]: r for m in self.report("run")["models"] for r in m["recipes"]}
        self.assertEqual(set(recipes), {"off", "verified"})
        self.assertEqual(recipes["verified"]["label"], "null fp32 locked")
        self.assertEqual(recipes["verified"]["builds_ok"], 3)
        kernels = [v for v in recipes["verified"]["verdicts"] if v["subject"] == "kernels"]
        self.assertEqual(kernels[0]["verdict"], "SAME")
        codes = {f["code"] for f in self.report("run")["findings"]}
        self.assertEqual({c for c in codes if c.startswith("lock-")}, set())
        self.assertIn("verified", self.verify("run"))


class Changed(LockTest):
    """What was changed: of the lock, the machine, the compiler."""

    def test_another_cpu_is_refused_and_allowed_by_name(self):
        self.record()
        self.edit(lambda j: j["contract"].update({"cpu.model": "Another CPU", "cpu.flags": "none"}))
        c = self.verify_lock(code=1)
        self.assert_failed(c, "cpu.model", "cpu.flags")
        self.assertNotIn("claims", c)  # nothing was built
        self.assertEqual({d["item"] for d in c["contract"]["deviations"]}, {"cpu.model", "cpu.flags"})
        self.assertIn("Another CPU", json.dumps(c))
        self.assert_failed(self.verify_lock("--allow", "cpu.model", code=1), "cpu.flags")
        c = self.verify_lock("--allow", "cpu.model", "--allow", "cpu.flags")
        self.assertEqual(c["result"], "verified")
        self.assertEqual({d["state"] for d in c["contract"]["deviations"]}, {"allowed"})

    def test_what_nobody_can_tell_is_not_passed_over(self):
        self.record()
        self.edit(lambda j: j["contract"].update({"gpu.driver": "1"}))
        self.assert_failed(self.verify_lock(code=1), "gpu.driver is not here")

    def test_forged_kernels_of_a_replayed_lock(self):
        self.record("null", "--proof", "replayed")

        def change(j):
            j["kernels"][0]["kernel"] = "another"
            rows = [[k["layer"], k["kernel"], k["source_sha256"]] for k in j["kernels"]]
            j["kernel_map_sha256"] = sha256(
                "".join(json.dumps(r, separators=(",", ":")) + "\n" for r in rows).encode())

        self.edit(change)
        self.assert_failed(self.verify_lock(code=1), "kernel_map")

    def test_an_earlier_certificate_does_not_outlive_a_failure(self):
        self.record()
        self.verify_lock("--out", "run")
        self.edit(lambda j: j["contract"].update({"cpu.model": "Another CPU"}))
        self.verify_lock("--out", "run", code=1)
        kept = json.loads((self.folder / "run" / "certificate.json").read_text(encoding="utf-8"))
        self.assertEqual(kept["result"], "failed")

    def test_another_package_is_refused(self):
        self.record()
        self.edit(lambda j: j["contract"].update({"package.assay-null": "0.9"}))
        self.assert_failed(self.verify_lock(code=1), "package.assay-null differs")

    def test_a_changed_decision_is_found_though_hashed_again(self):
        self.record("null", "--option", "null.candidates=6", "--seed", 5)

        def change(j):
            entry = next(e for e in j["decisions"] if e["path"] == "tuning.log")
            log = (self.folder / "a.lock" / "blobs" / entry["sha256"]).read_text(encoding="utf-8")
            others = [e for e in j["evidence"] if e["path"] == entry["path"]]
            whole = (self.folder / "a.lock" / "blobs" / others[0]["sha256"]).read_text(encoding="utf-8")
            # The line of another candidate of the same layer in the place of the one that was taken.
            taken = log.splitlines()[0]
            other = next(line for line in whole.splitlines() if line != taken)
            self.replace_decision(j, entry, log.replace(taken, other).encode())

        self.edit(change)
        self.assert_failed(self.verify_lock(code=1), "kernel")

    def test_a_missing_decision_is_a_miss(self):
        self.record("null", "--option", "null.candidates=6")
        self.edit(lambda j: self.replace_decision(j, j["decisions"][0], b""))
        self.assert_failed(self.verify_lock(code=1), "build 0")

    def test_one_byte_of_an_imported_file(self):
        share = self.folder / "share"
        shutil.copytree(ROOT / "compilers", share / "compilers", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "tools", share / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        self.env["ASSAY_SHARE"] = str(share)
        self.record()
        self.assertEqual(self.verify_lock()["result"], "verified")
        changed = share / "compilers" / "common" / "assay_protocol.py"
        text = changed.read_text(encoding="utf-8")
        changed.write_text(text.replace("# SPDX", "# SPDx", 1), encoding="utf-8")
        c = self.verify_lock(code=1)
        self.assert_failed(c, "file:{share}/compilers/common/assay_protocol.py differs")
        self.edit(lambda j: None)  # the self-hash made right again changes nothing
        self.assert_failed(self.verify_lock(code=1), "assay_protocol.py")

    def test_signatures(self):
        self.assay("lock", "keygen", "k")
        self.assay("lock", "keygen", "other")
        self.record("null", "--key", "k")
        c = self.verify_lock("--key", "k.pub", "--require-signature")
        self.assertIn("checked", c["lock"]["signature"])
        self.assertIn("another key", self.verify_lock("--key", "other.pub", code=2))
        self.assertIn("--require-signature", self.verify_lock("--require-signature", code=2))
        self.edit(lambda j: j.update({"created_utc": "2030-01-01T00:00:00Z"}))
        self.assertIn("lock.sig", self.verify_lock("--key", "k.pub", code=2))
        (self.folder / "a.lock" / "lock.sig").unlink()
        self.assertIn("not signed", self.verify_lock("--key", "k.pub", "--require-signature", code=2))

    def test_damage_is_refused_before_anything_runs(self):
        self.record()
        path = self.folder / "a.lock" / "lock.json"
        text = path.read_text(encoding="utf-8")
        self.assertIn('"package.assay-null": "1', text)
        path.write_text(text.replace('"package.assay-null": "1', '"package.assay-null": "2', 1), encoding="utf-8")
        self.assertIn("hash", self.verify_lock(code=2))
        path.write_text(text, encoding="utf-8")
        for key in ("model", "decisions", "engine", "inputs"):
            blob = self.folder / "a.lock" / "blobs" / json.loads(text)[key][0]["sha256"]
            data = blob.read_bytes()
            blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
            self.assertIn("damaged", self.verify_lock(code=2), key)
            blob.write_bytes(data)
        self.assertEqual(self.verify_lock()["result"], "verified")


class Faulty(LockTest):
    """Builders that do something else when they rebuild."""

    def verify_mode(self, mode, *words):
        self.record("faulty", "--option", "faulty.mode=" + mode)
        self.assert_failed(self.verify_lock(code=1), *words)

    def test_other_kernel(self):
        self.verify_mode("rebuild_other_kernel", "kernel")

    def test_other_output(self):
        self.verify_mode("rebuild_other_output", "output")

    def test_slow(self):
        self.verify_mode("rebuild_slow", "latency")

    def test_extra_file(self):
        self.verify_mode("rebuild_extra_file", "does not fit its lock: file:")

    def test_launches_that_differ(self):
        self.verify_mode("outputs_by_launch", "over launches")

    def test_an_engine_that_contradicts_itself(self):
        self.verify_mode("early_return", "self over launches")

    def test_decisions_that_are_ignored(self):
        self.record("faulty", "--option", "faulty.mode=rebuild_ignores", "--option", "faulty.candidates=6")
        self.edit(lambda j: self.replace_decision(
            j, next(e for e in j["decisions"] if e["path"] == "tuning.log"), b"{}\n"))
        self.assert_failed(self.verify_lock(code=1), "decisions:tuning.log")

    def test_miss_ends_the_recording(self):
        _, err = self.record("faulty", "--option", "faulty.mode=rebuild_miss", code=1)
        self.assertIn("miss", err)
        self.assertFalse((self.folder / "a.lock").exists())
        self.assertEqual([p.name for p in self.folder.iterdir() if p.name.startswith(".assay")], [])


class Real(LockTest):
    """A byte of an installed library, and a decision of a real tuner, though lock.json was hashed again."""

    def setUp(self):
        super().setUp()
        cache = pathlib.Path(os.environ.get("ASSAY_CACHE") or
                             pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "assay")
        source = (cache / "venvs" / "onnxruntime").resolve()
        if not (source / ".complete").exists():
            self.skipTest("ONNX Runtime is not installed: ./assay-up compilers onnxruntime")
        self.env = environment(self.folder / "cache")
        venvs = self.folder / "cache" / "venvs"
        shutil.copytree(source, venvs / source.name, symlinks=True)
        (venvs / "onnxruntime").symlink_to(source.name)
        self.library = next((venvs / source.name).rglob("libonnxruntime.so.1*"))

    def test_one_byte_of_a_library(self):
        self.record("onnxruntime")
        self.assertEqual(self.verify_lock("--no-latency")["result"], "verified")
        data = bytearray(self.library.read_bytes())
        data[-1] ^= 1  # behind everything that is loaded: the library works as before
        self.library.write_bytes(data)
        self.edit(lambda j: None)
        self.assert_failed(self.verify_lock("--no-latency", code=1), "libonnxruntime", "differs")


class RealTuner(LockTest):
    """A decision of AutoTVM exchanged for another candidate of the same task."""

    def setUp(self):
        super().setUp()
        self.env = environment()
        cache = pathlib.Path(os.environ.get("ASSAY_CACHE") or
                             pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "assay")
        if not (cache / "venvs" / "tvm-0.14" / ".complete").exists():
            self.skipTest("TVM is not installed: ./assay-up compilers tvm-autotvm")
        if not (cache / "models" / "digits" / "model.onnx").exists():
            self.skipTest("the digits network is not made: ./assay-up models digits")
        self.model = "digits"

    def blob(self, content, key, path):
        entry = next(e for e in content[key] if e["path"] == path)
        return entry, (self.folder / "a.lock" / "blobs" / entry["sha256"]).read_text(encoding="utf-8")

    def test_one_decision_of_a_tuner(self):
        self.record("tvm-autotvm", "--trials", 4)
        self.assertEqual(self.verify_lock("--no-latency", builds=1)["result"], "verified")

        def change(content):
            entry, pruned = self.blob(content, "decisions", "tuning.log")
            _, whole = self.blob(content, "evidence", "tuning.log")
            for taken in pruned.splitlines():
                for other in whole.splitlines():
                    a, b = json.loads(taken), json.loads(other)
                    same_task = a["input"][1:3] == b["input"][1:3]
                    if same_task and b["result"][1] == 0 and a["config"]["entity"] != b["config"]["entity"]:
                        self.replace_decision(content, entry, pruned.replace(taken, other).encode())
                        return
            self.fail("no task has two candidates that worked")

        self.edit(change)
        self.assert_failed(self.verify_lock("--no-latency", builds=1, code=1), "kernel")


if __name__ == "__main__":
    selected = [Real, RealTuner] if REAL else [Verified, Changed, Faulty]
    loader = unittest.TestLoader()
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(c) for c in selected)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    for test, reason in result.skipped:
        print("skipped %s: %s" % (test, reason))
    sys.exit(1 if not result.wasSuccessful() else 77 if result.skipped else 0)
