# SPDX-License-Identifier: Apache-2.0
"""Tests of gpu_check.py on the fakes: it passes a lock that holds and fails one that does not."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "testing"))
from case import FOLDER, NEW, OLD, Case, make_libraries, network  # noqa: E402


class GpuCheckTest(Case):
    def check(self, flavour, code, *words, **fake):
        model = os.path.join(self.folder, "model.onnx")
        with open(model, "wb") as handle:
            handle.write(network("N"))
        command = [sys.executable, "-B", os.path.join(FOLDER, "gpu_check.py"), model, *words]
        env = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": os.path.join(FOLDER, "testing", flavour),
            "LD_LIBRARY_PATH": make_libraries(),
            "FAKE_TENSORRT": json.dumps(fake),
        }
        command += ["--out", os.path.join(self.folder, "out"), "--builds", "2", "--rebuilds", "1"]
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, check=False, timeout=120
        )
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_a_lock_that_holds(self):
        for flavour in (OLD, NEW):
            self.setUp()
            text = self.check(flavour, 0, "--shapes", "x=2x4")
            self.assertEqual((text.count("PASS"), text.count("FAIL")), (3, 0), text)

    def test_a_lock_that_does_not_hold(self):
        text = self.check(NEW, 1, "--shapes", "x=2x4", flip="dense")
        self.assertIn("FAIL  rebuild0", text)
        self.assertIn("exists", self.check(NEW, 2, "--shapes", "x=2x4"))

    def test_no_lock_and_no_build(self):
        text = self.check(NEW, 1, "--shapes", "x=2x4", "--option", "lock=off")
        self.assertIn("kept no decisions", text)
        self.setUp()
        self.assertIn("invalid", self.check(NEW, 2))
