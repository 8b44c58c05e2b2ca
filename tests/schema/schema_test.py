#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""include/assay/protocol.schema.json against the examples of docs/formats.md and the traffic of a real audit."""

import json
import pathlib
import re
import shutil
import sqlite3
import sys
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import assay  # noqa: E402
from validator import Schema  # noqa: E402

ROOT = assay.ROOT
SCHEMA = Schema(json.loads((ROOT / "include/assay/protocol.schema.json").read_text(encoding="utf-8")))

# Stands before the real program, prints the request (stdout is kept as evidence) and hands it on.
TEE = """#!/usr/bin/python3
import os, subprocess, sys
request = sys.stdin.buffer.read()
os.write(1, request + b"\\n")
sys.exit(subprocess.run(%r, input=request, close_fds=False).returncode)
"""


def spelled(text):
    """The examples in a block of the docs: `a|b` stands for a, [...] for a list, "..." for a hash."""
    text = text.replace("[...]", "[]")
    text = re.sub(r'("[a-z_]*sha256": )"\.\.\."', r'\1"%s"' % ("0" * 64), text)
    text = re.sub(r'"([\w-]+)(?:\|[\w-]+)+"', r'"\1"', text).strip()
    while text:
        value, end = json.JSONDecoder().raw_decode(text)
        yield value
        text = text[end:].lstrip()


class Docs(unittest.TestCase):
    """Every example of docs/formats.md that belongs to a protocol."""

    def examples(self):
        section, build = "", {}
        for part in re.split(r"(?m)^(## .*)$", (ROOT / "docs/formats.md").read_text(encoding="utf-8")):
            if part.startswith("## "):
                section = part
            for block in re.findall(r"```json\n(.*?)```", part, re.DOTALL):
                for value in spelled(block):
                    if value.get("action") == "build":
                        build = value
                    if value.pop("...", "") == "as build":
                        value = dict(build, **value)
                    yield section, value

    def test_examples(self):
        seen = {}
        for section, value in self.examples():
            side = "worker" if "Worker" in section else "builder"
            name = (side + "_event" if "event" in value else side + "_request" if "action" in value else
                    "manifest" if "files" in value else None)
            if name:  # the data set folder is no protocol
                seen[name] = seen.get(name, 0) + 1
                self.assertEqual(SCHEMA.errors(value, name), [], value)
        self.assertGreaterEqual(seen.pop("builder_event"), 7)
        self.assertGreaterEqual(seen.pop("worker_event"), 11)
        self.assertEqual(seen, {"builder_request": 3, "worker_request": 1, "manifest": 1})

    def test_each_broken_example_is_refused(self):
        """Without any one required key, and with a wrong type in any place, an example no longer fits."""
        for section, value in self.examples():
            side = "worker" if "Worker" in section else "builder"
            if "event" not in value:
                continue
            self.assertTrue(SCHEMA.errors({k: v for k, v in value.items() if k != "event"}, side + "_event"))
            self.assertTrue(SCHEMA.errors(dict(value, event="nothing known"), side + "_event"))
        for path in ("/etc/passwd", "../x", "a/../../x"):
            bad = {"path": path, "role": "artifact", "bytes": 1, "sha256": "0" * 64}
            self.assertTrue(any("path" in e for e in SCHEMA.errors({"files": [bad]}, "manifest")), path)
        self.assertTrue(SCHEMA.errors({"event": "error", "kind": "failed", "message": "two\nlines"}, "builder_event"))
        self.assertTrue(SCHEMA.errors({"event": "progress", "done": True, "total": 1, "unit": ""}, "builder_event"))


class Traffic(assay.AssayTest):
    """What assay, the builder and the worker really say to each other."""

    def setUp(self):
        super().setUp()
        self.bin = self.folder / "build" / "bin"
        share = self.folder / "share"
        self.bin.mkdir(parents=True)
        for name in ("assay", "assay-sandbox"):
            shutil.copy2(assay.BUILD / "bin" / name, self.bin / name)
        (self.folder / "build" / "lib").symlink_to(assay.BUILD.resolve() / "lib")
        self.tee(self.bin / "assay-worker", [str(assay.BUILD.resolve() / "bin" / "assay-worker")])
        for name in ("null", "common"):
            shutil.copytree(ROOT / "compilers" / name, share / "compilers" / name)
        (share / "tools" / "models").mkdir(parents=True)
        (share / "tools" / "models" / "catalog.toml").write_text("")
        builder = share / "compilers" / "null" / "build"
        shutil.move(builder, builder.with_name("real_build"))
        self.tee(builder, ["/usr/bin/python3", "-B", str(builder.with_name("real_build"))])
        self.env["ASSAY_SHARE"] = str(share)

    @staticmethod
    def tee(path, command):
        path.write_text(TEE % command)
        path.chmod(0o755)

    def start(self, *args, **kwargs):
        saved, assay.ASSAY = assay.ASSAY, self.bin / "assay"
        try:
            return super().start(*args, **kwargs)
        finally:
            assay.ASSAY = saved

    def texts(self, column, table):
        with sqlite3.connect(self.folder / "run" / "run.db") as db:
            rows = db.execute("SELECT %s FROM %s" % (column, table)).fetchall()
        for (blob,) in rows:
            yield (self.folder / "run" / "blobs" / blob[:2] / blob[2:]).read_text(encoding="utf-8")

    def test_audit(self):
        self.assay("audit", self.model, "--compiler", "null", "--no-reference", "--builds", 2, "--launches", 2,
                   "--samples", 50, "--inputs", 10, "--warm-up", 0, "--out", "run")
        for table, side in (("build", "builder"), ("launch", "worker")):
            requests = [json.loads(t.splitlines()[0]) for t in self.texts("stdout_blob", table)]
            events = [json.loads(line) for t in self.texts("events_blob", table) for line in t.splitlines()]
            self.assertEqual(len(requests), {"build": 2, "launch": 4}[table])
            self.assertGreater(len(events), len(requests))
            for value in requests:
                self.assertEqual(SCHEMA.errors(value, side + "_request"), [])
            for value in events:
                self.assertEqual(SCHEMA.errors(value, side + "_event"), [])
            if side == "worker":  # every event of the protocol but `error` was seen
                self.assertEqual({e["event"] for e in events}, {
                    "hello", "opened", "first_run", "kernel", "output", "check", "environment", "series", "sampler",
                    "platform", "done"})
        for text in self.texts("manifest_blob", "build"):
            self.assertEqual(SCHEMA.errors(json.loads(text), "manifest"), [])
        for text in self.texts("blob", "engine_file WHERE role='kernel_map'"):
            self.assertEqual(SCHEMA.errors(json.loads(text), "kernel_map"), [])


if __name__ == "__main__":
    unittest.main()
