# SPDX-License-Identifier: Apache-2.0
"""Tests of assay_builder.py: a made-up builder in a child process, and the request's checks."""

import json
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import assay_builder as ab  # noqa: E402
from builder_case import BUILDER, HERE, BuilderCase  # noqa: E402


class BuilderTest(BuilderCase):
    def test_whole_build(self):
        code, events = self.run_builder(
            "b.progress(1, 2, 'trials', 'half', 77)\n"
            "    b.candidate('l', 'c', [1, 2])\n"
            "    b.kernel('l', 'k', source_text='code', source_ext='ll')\n"
            "    b.kernel('m', 'k', source_text='code', source_ext='ll')\n"
            "    b.trials(1, 2, 2, 0, 1)"
        )
        self.assertEqual(code, 0)
        kinds = [event["event"] for event in events]
        wanted = ["hello", "progress", "candidate", "kernel", "kernel", "trials", "done"]
        self.assertEqual(kinds, wanted)
        self.assertEqual(events[0]["version"], "1.2.3")
        self.assertEqual([events[3]["ordinal"], events[4]["ordinal"]], [0, 1])
        manifest = self.manifest()
        self.assertEqual(manifest["decides_at"], "load")
        self.assertEqual(manifest["model_sha256"], ab.sha256_text("a model"))
        roles = {file["role"]: file for file in manifest["files"]}
        self.assertEqual(sorted(roles), ["artifact", "kernel_map", "source"])
        self.assertEqual(roles["source"]["sha256"], events[3]["source_sha256"])
        self.assertEqual(len(manifest["files"]), 3)  # equal sources are one file
        for file in manifest["files"]:
            path = os.path.join(self.engine, file["path"])
            self.assertEqual(ab.sha256_file(path), file["sha256"])
            self.assertEqual(os.path.getsize(path), file["bytes"])

    def test_hello_needs_no_model(self):
        code, events = self.run_builder(text='{"protocol": 1, "action": "hello"}')
        self.assertEqual((code, [event["event"] for event in events]), (0, ["hello"]))
        self.assertEqual(events[0]["packages"], {"made-up": "1.2.3", "other": "4"})

    def test_failures_become_error_events(self):
        for body, kind in (
            ("raise ab.BuildError('unsupported', 'two\\n lines')", "unsupported"),
            ("raise RuntimeError('broken')", "failed"),
            ("import no_such_module", "missing"),
            ("os.symlink('/etc/passwd', b.path('link'))", "failed"),
            ("open(b.path('stray'), 'w').close()", "failed"),
            ("b.file('model.txt', 'log')", "failed"),
            ("b.rebuild_decisions = ['absent.log']", "failed"),
            ("b.write_text('../out', 'x', 'log')", "failed"),
            ("b.write_text('a/b/c/d/e/f', 'x', 'log')", "failed"),
            ("b.candidate('l', 'c', [float('inf')])", "failed"),
            ("ab.tensor('x', 'string', [1])", "unsupported"),
            ("ab.tensor('x', 'float32', ['N'])", "unsupported"),
            ("ab.tensor('x', 'float32', [1] * 9)", "unsupported"),
        ):
            with self.subTest(body):
                for name in os.listdir(self.engine):
                    os.remove(os.path.join(self.engine, name))
                code, events = self.run_builder(body)
                self.assertEqual((code, events[-1]["event"]), (1, "error"))
                self.assertEqual(events[-1]["kind"], kind)
                self.assertNotIn("\n", events[-1]["message"])
                self.assertFalse(os.path.exists(os.path.join(self.engine, "manifest.json")))

    def test_requests_are_checked(self):
        for key, value in (
            ("protocol", 2),
            ("action", "dance"),
            ("compiler", "another"),
            ("model", ""),
            ("engine_dir", "relative"),
            ("precision", 3),
            ("threads", 0),
            ("threads", True),
            ("cpus", "0"),
            ("seed", -1),
            ("build_index", -1),
            ("build_index", "0"),
            ("shapes", {"x": [-1]}),
            ("shapes", {"x": [1] * 9}),
            ("options", []),
            ("engine_dir", self.folder),  # not empty
        ):
            with self.subTest(key=key, value=value):
                with self.assertRaises(ab.BuildError) as caught:
                    ab.parse_request(json.dumps(dict(self.request, **{key: value})), "made-up")
                self.assertEqual(caught.exception.kind, "invalid")
        for text in ("", "[]", "{", "null"):
            with self.assertRaises(ab.BuildError):
                ab.parse_request(text, "made-up")
        with self.assertRaises(ab.BuildError) as caught:
            ab.parse_request(json.dumps(dict(self.request, model="/no/such")), "made-up")
        self.assertEqual(caught.exception.kind, "missing")
        self.assertEqual(ab.parse_request(json.dumps(self.request), "made-up").seed, 5)

    def test_a_closed_descriptor_is_an_error(self):
        result = subprocess.run(
            [sys.executable, "-c", (BUILDER % HERE).replace("BODY", "pass").replace("MORE", "")],
            input="",
            capture_output=True,
            text=True,
            check=False,
            env=dict(os.environ, ASSAY_EVENT_FD="99"),
        )
        self.assertEqual(result.returncode, 1)
        self.assertIn("ASSAY_EVENT_FD", result.stderr)


if __name__ == "__main__":
    unittest.main()
