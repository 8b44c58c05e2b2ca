#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An audit that is killed at any moment goes on with the same command, and concludes the same.

    resume_test.py            scripted times: verdicts are byte-equal
    resume_test.py --real     real compilers: no finished build is repeated, verdicts about outputs are equal
"""

import json
import os
import pathlib
import random
import signal
import sqlite3
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from assay import ASSAY, AssayTest, environment  # noqa: E402

REAL = "--real" in sys.argv
SEED = int(os.environ.get("ASSAY_TEST_SEED", "20240607"))
SKIPPED = 77


class Resume(AssayTest):
    # 2 builds, then 2 blocks of 2 launches.
    FLAGS = ["--compiler", "null", "--no-reference", "--builds", 2, "--launches", 2, "--samples", 200, "--inputs", 20,
             "--warm-up", 0, "--option", "null.build_ms=80", "--option", "null.load_ms=40"]
    JOBS = 6

    def command(self, run):
        return ["audit", self.model, *self.FLAGS, "--out", run]

    def finish(self, run):
        """The same command to its end; the canonical verdicts."""
        self.assay(*self.command(run))
        self.assertIn("verified", self.verify(run))
        return self.assay("report", run, "--format", "verdicts")[0]

    def kill_after(self, run, lines, how=signal.SIGKILL, delay=0.0):
        """Starts the audit and strikes `delay` seconds after its n-th line of progress; its exit status."""
        process = self.start(*self.command(run))
        seen = 0
        for line in process.stderr:
            seen += line.startswith("[")
            if seen >= lines:
                break
        time.sleep(delay)
        process.send_signal(how)
        process.communicate(timeout=60)
        return process.returncode

    def rows(self, run, sql):
        with sqlite3.connect("file:%s?mode=ro" % (self.folder / run / "run.db"), uri=True) as db:
            return db.execute(sql).fetchall()

    def check_rows(self, run, builds=2, launches=4):
        """Nothing done is repeated but whole blocks; nothing is thrown away."""
        repeated = self.rows(run, "SELECT job_id FROM build WHERE outcome='ok' GROUP BY job_id HAVING count(*)>1")
        self.assertEqual(repeated, [])
        self.assertEqual(self.rows(run, "SELECT count(*) FROM build WHERE outcome='ok'"), [(builds,)])
        done = self.rows(run, "SELECT count(*) FROM job_event WHERE state='done' AND job_id IN (SELECT job_id FROM job "
                              "WHERE kind='launch')")
        superseded = self.rows(run, "SELECT count(*) FROM job_event WHERE state='superseded'")
        kept = self.rows(run, "SELECT count(*) FROM launch WHERE outcome='ok'")
        self.assertEqual(kept, done)  # a row for each launch that ended well, superseded or not
        self.assertEqual(kept[0][0] - superseded[0][0], launches)
        open_jobs = self.rows(run, "SELECT job_id FROM job_event e WHERE state<>'done' AND seq=(SELECT max(seq) FROM "
                                   "job_event x WHERE x.job_id=e.job_id)")
        self.assertEqual(open_jobs, [])
        self.assertEqual(os.listdir(self.folder / run / "scratch"), [])

    def test_killed_after_every_line(self):
        expected = self.finish("whole")
        self.check_rows("whole")
        superseded = 0
        for k in range(1, self.JOBS + 2):
            with self.subTest(line=k):
                run = "k%d" % k
                self.kill_after(run, k)
                self.assert_none_left()
                self.assertEqual(self.finish(run), expected)
                self.check_rows(run)
                superseded += len(self.rows(run, "SELECT 1 FROM job_event WHERE state='superseded'"))
        self.assertGreater(superseded, 0)  # else no kill hit the middle of a block

    def test_killed_at_random_moments(self):
        """Several kills of one run, at moments between the lines; the seed repeats them as far as a clock can."""
        print("seed %d (ASSAY_TEST_SEED)" % SEED)
        moments = random.Random(SEED)
        expected = self.finish("whole")
        for attempt in range(3):
            with self.subTest(attempt=attempt):
                run = "r%d" % attempt
                for _ in range(3):
                    process = self.start(*self.command(run))
                    time.sleep(moments.uniform(0.0, 0.9))
                    process.send_signal(signal.SIGKILL)
                    process.communicate(timeout=60)
                    self.assert_none_left()
                self.assertEqual(self.finish(run), expected)
                self.check_rows(run)

    def test_interrupted_by_a_person(self):
        expected = self.finish("whole")
        for k, how in ((2, signal.SIGINT), (4, signal.SIGTERM)):
            with self.subTest(line=k):
                run = "i%d" % k
                self.assertEqual(self.kill_after(run, k, how, 0.05), 130)
                self.assert_none_left()
                self.assertEqual(self.finish(run), expected)
                self.check_rows(run)

    def test_fresh_starts_anew(self):
        expected = self.finish("run")
        (before,) = self.rows("run", "SELECT value FROM meta WHERE key='run_id'")
        self.assay(*self.command("run"), "--fresh")
        (after,) = self.rows("run", "SELECT value FROM meta WHERE key='run_id'")
        self.assertNotEqual(before, after)
        self.assertEqual(self.rows("run", "SELECT count(*) FROM attempt"), [(1,)])
        self.assertEqual(self.assay("report", "run", "--format", "verdicts")[0], expected)

    def test_second_call_does_nothing_twice(self):
        expected = self.finish("run")
        blobs = sorted(p.name for p in (self.folder / "run" / "blobs").rglob("*"))
        self.assertEqual(self.finish("run"), expected)
        self.check_rows("run")
        self.assertEqual(sorted(p.name for p in (self.folder / "run" / "blobs").rglob("*")), blobs)


class RealResume(Resume):
    """The digits network through ONNX Runtime, killed in builds and launches."""
    FLAGS = ["--compiler", "onnxruntime", "--builds", 2, "--launches", 2, "--samples", 100, "--inputs", 60]
    SUBJECTS = ("outputs", "labels", "accuracy", "self")

    def setUp(self):
        super().setUp()
        self.env = environment()
        self.model = "digits"

    def conclusions(self, run):
        report = self.report(run)
        return sorted((r["compiler"], v["subject"], v["scope"], v["verdict"], json.dumps(v["statistic"]))
                      for m in report["models"] for r in m["recipes"] for v in r["verdicts"]
                      if v["subject"] in self.SUBJECTS)

    def test_real_compilers(self):
        self.finish("whole")
        expected = self.conclusions("whole")
        self.assertTrue(expected)
        for k in (2, 4, 6, 9, 11):
            with self.subTest(line=k):
                run = "k%d" % k
                self.kill_after(run, k, delay=0.2)
                self.assert_none_left()
                self.finish(run)
                self.assertEqual(self.conclusions(run), expected)
                self.check_rows(run, builds=4, launches=8)


def load_tests(loader, tests, pattern):
    if not REAL:
        return loader.loadTestsFromTestCase(Resume)
    return unittest.TestSuite([RealResume("test_real_compilers")])


if __name__ == "__main__":
    sys.argv = [a for a in sys.argv if a != "--real"]
    if not ASSAY.exists():
        sys.exit("%s is not built" % ASSAY)
    if REAL:
        import subprocess
        probe = subprocess.run([str(ASSAY), "audit", "digits", "--compiler", "reference,onnxruntime", "--dry-run"],
                               env=environment(), capture_output=True, text=True, check=False)
        if probe.returncode == 3:
            print("skipped: " + probe.stderr.strip())
            sys.exit(SKIPPED)
    unittest.main()
