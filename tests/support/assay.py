# SPDX-License-Identifier: Apache-2.0
"""Runs the built assay for tests: where it lies, an environment of its own, what it left behind."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
import onnx_files  # noqa: E402

BUILD = pathlib.Path(os.environ.get("ASSAY_BUILD", ROOT / "build" / "release"))
ASSAY = BUILD / "bin" / "assay"


def environment(cache=None):
    """Only what assay needs; an empty cache unless the test wants real compilers."""
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "NO_COLOR": "1",
           "HOME": os.environ.get("HOME", "/")}
    if cache:
        env["ASSAY_CACHE"] = str(cache)
    else:
        for name in ("ASSAY_CACHE", "XDG_CACHE_HOME"):
            if name in os.environ:
                env[name] = os.environ[name]
    return env


def descendants(marker):
    """(pid, command line) of living processes whose environment holds `marker` (bytes)."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open("/proc/%s/environ" % entry, "rb") as handle:
                if marker not in handle.read():
                    continue
            with open("/proc/%s/cmdline" % entry, "rb") as handle:
                command = handle.read().replace(b"\0", b" ").decode(errors="replace")
            with open("/proc/%s/stat" % entry, "rb") as handle:
                if handle.read().rsplit(b")", 1)[1].split()[0] == b"Z":
                    continue
        except OSError:
            continue  # it has ended, or is not ours
        found.append((int(entry), command))
    return found


class AssayTest(unittest.TestCase):
    """A folder, a model and an empty cache of its own for each test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="assay-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.model = self.folder / "model.onnx"
        onnx_files.write("good", self.model)
        self.env = environment(self.folder / "cache")

    def start(self, *args, **kwargs):
        return subprocess.Popen([str(ASSAY), *map(str, args)], cwd=self.folder, env=self.env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, **kwargs)

    def assay(self, *args, code=0, timeout=120):
        """Runs to the end; (stdout, stderr). The exit code must be `code`, and no process may be left."""
        done = self.start(*args)
        try:
            out, err = done.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            done.send_signal(signal.SIGKILL)
            out, err = done.communicate()
            self.fail("assay %s did not end within %d s\n%s%s" % (args, timeout, out, err))
        self.assertEqual(done.returncode, code, "assay %s\n%s%s" % (" ".join(map(str, args)), out, err))
        return out, err

    def report(self, run):
        """report.json, printed from the evidence."""
        return json.loads(self.assay("report", run, "--format", "json")[0])

    def verify(self, run, code=0):
        return self.assay("report", run, "--verify", code=code)[0]

    def assert_none_left(self, seconds=5.0):
        """No process works below this test's folder any more: a child's HOME lies there."""
        marker, end = str(self.folder).encode(), time.monotonic() + seconds
        while True:
            alive = descendants(marker)
            if not alive:
                return
            if time.monotonic() > end:
                self.fail("left behind: %s" % alive)
            time.sleep(0.02)
