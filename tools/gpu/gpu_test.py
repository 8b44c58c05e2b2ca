#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Pieces, installation and evidence, on made folders: what is whole goes through, what is not is refused."""

import io
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import evidence  # noqa: E402
import pieces  # noqa: E402


def make_part(folder, part, entries, limit=700):
    """Packs [(name, bytes | None = a link to `x`)] as pack.py does; returns the manifest's path."""
    def fill(file):
        with tarfile.open(fileobj=file, mode="w|") as tar:
            for name, content in entries:
                info = tarfile.TarInfo(name)
                if content is None:
                    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                    tar.addfile(info)
                else:
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
    folder.mkdir(parents=True, exist_ok=True)
    stem = part.replace(":", "-")
    splitter = pieces.Splitter(folder, stem, limit)
    pieces.compress(fill, splitter, 0, 1)
    splitter.close(part)
    return folder / f"{stem}.json"


def there(*arguments):
    return subprocess.run([str(HERE / "there.sh"), *map(str, arguments)], capture_output=True, text=True, check=False)


class Case(unittest.TestCase):
    def setUp(self):
        self._scratch = tempfile.TemporaryDirectory(prefix="assay-gpu-test-")
        self.addCleanup(self._scratch.cleanup)
        self.dir = pathlib.Path(self._scratch.name)


class Install(Case):
    def setUp(self):
        super().setUp()
        self.noise = os.urandom(3000)
        self.list = make_part(self.dir / "all", "assay", [("assay/bin/assay", self.noise), ("files/x/a.txt", b"a")])
        self.manifest = pieces.read_manifest(self.list)
        self.home = self.dir / "home"

    def transfer(self, name, files):
        folder = self.dir / name
        folder.mkdir()
        for file in [self.list.name, *files]:
            (folder / file).write_bytes((self.dir / "all" / file).read_bytes())
        return folder

    def test_over_several_transfers(self):
        names = [p["file"] for p in self.manifest["pieces"]]
        self.assertGreater(len(names), 3)
        first = there("install", self.transfer("one", names[2:]), self.home)
        self.assertEqual(first.returncode, 3, first.stderr)
        self.assertIn(f"missing 2 of {len(names)}: {names[0]} {names[1]}", first.stdout)
        self.assertFalse((self.home / "assay").exists())
        second = there("install", self.transfer("two", names[:2]), self.home)
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertEqual((self.home / "assay/bin/assay").read_bytes(), self.noise)
        self.assertEqual(list((self.home / "pieces").glob("assay.0*")), [])
        self.assertIn("is installed", there("install", self.dir / "two", self.home).stdout)

    def test_changed_piece_is_refused(self):
        folder = self.transfer("one", [p["file"] for p in self.manifest["pieces"]])
        victim = folder / self.manifest["pieces"][1]["file"]
        data = bytearray(victim.read_bytes())
        data[5] ^= 1
        victim.write_bytes(data)
        done = there("install", folder, self.home)
        self.assertEqual(done.returncode, 2)
        self.assertIn("another SHA-256", done.stderr)
        self.assertFalse((self.home / "assay").exists())

    def test_paths_that_leave_are_refused(self):
        for number, entries in enumerate(([("../outside", b"x")], [("/abs", b"x")], [("assay/../../outside", b"x")],
                                          [("elsewhere/x", b"x")], [("assay/link", None)])):
            folder = self.dir / f"bad{number}"
            make_part(folder, "assay", entries)
            home = self.dir / f"home{number}"
            done = there("install", folder, home)
            self.assertNotEqual(done.returncode, 0, entries)
            self.assertNotIn("Traceback", done.stderr)
            self.assertFalse((self.dir / "outside").exists())
            self.assertFalse((home / "installed" / "assay.sha256").exists())

    def test_nothing_outside_is_deleted(self):
        victim = self.dir / "victim"
        for number, name in enumerate((str(victim), "assay/../../victim", "../victim")):
            victim.write_text("stays")
            make_part(self.dir / f"evil{number}", "assay", [(name, b"x")])
            self.assertEqual(there("install", self.dir / f"evil{number}", self.dir / f"at{number}").returncode, 2)
            self.assertTrue(victim.is_file(), name)
            self.assertEqual(victim.read_text(), "stays")

    def test_lists_that_lie_are_refused(self):
        good = json.loads(self.list.read_text())
        for change in ({"pieces": []}, {"sha256": "0"}, {"format": 2}, {"bytes": 1},
                       {"pieces": [dict(good["pieces"][0], file="../x")]}):
            (self.dir / "bad.json").write_text(json.dumps({**good, **change}))
            with self.assertRaises(pieces.Broken):
                pieces.read_manifest(self.dir / "bad.json")

    def test_environment_gets_its_interpreter(self):
        make_part(self.dir / "all", "env:e", [("cache/venvs/e-1/lib/python3.11/site-packages/m.py", b""),
                                              ("cache/venvs/e-1/.complete", b"e-1\n")])
        make_part(self.dir / "all", "python:3.11", [("python/bin/python3.11", b"#!/bin/sh\n")])
        self.assertEqual(there("install", self.dir / "all", self.home).returncode, 0)
        venv = self.home.resolve() / "cache/venvs/e-1"
        self.assertEqual((venv / "bin/python").resolve(), self.home.resolve() / "python/bin/python3.11")
        self.assertIn(f"home = {self.home.resolve()}/python/bin\n", (venv / "pyvenv.cfg").read_text())


class Evidence(Case):
    def setUp(self):
        super().setUp()
        self.run_folder = self.dir / "run"
        (self.run_folder / "scratch").mkdir(parents=True)
        (self.run_folder / "scratch/secret").write_text("stays")
        db = sqlite3.connect(self.run_folder / "run.db")
        db.executescript("PRAGMA journal_mode=WAL; CREATE TABLE meta(key TEXT, value TEXT); PRAGMA user_version=4;")
        db.execute("INSERT INTO meta VALUES('run_id', 'r')")
        db.commit()
        self.db = db  # stays open: what is only in the log beside the database must travel too
        self.addCleanup(db.close)
        for content in (b"samples", os.urandom(40000)):
            digest = __import__("hashlib").sha256(content).hexdigest()
            blob = self.run_folder / "blobs" / digest[:2] / digest[2:]
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.write_bytes(content)

    def test_there_and_back_in_pieces(self):
        made = evidence.pack(self.run_folder, self.dir / "e.tar.xz", 0.02)
        self.assertGreater(len(made), 1)
        self.assertTrue(all(p["bytes"] <= 0.02 * (1 << 20) for p in made))
        evidence.unpack(self.dir / "e.tar.xz.json", self.dir / "back")
        blobs = lambda run: {p.relative_to(run): p.read_bytes() for p in run.glob("blobs/*/*")}
        self.assertEqual(blobs(self.dir / "back"), blobs(self.run_folder))
        self.assertEqual(sorted(p.name for p in (self.dir / "back").iterdir()), ["blobs", "run.db"])
        value = sqlite3.connect(self.dir / "back/run.db").execute("SELECT value FROM meta").fetchone()
        self.assertEqual(value, ("r",))

    def test_damaged_blob_does_not_travel(self):
        victim = next(self.run_folder.glob("blobs/*/*"))
        victim.write_bytes(b"other")
        with self.assertRaisesRegex(pieces.Broken, "damaged"):
            evidence.pack(self.run_folder, self.dir / "e.tar.xz", 1)

    def test_missing_piece_is_named(self):
        made = evidence.pack(self.run_folder, self.dir / "e.tar.xz", 0.02)
        (self.dir / made[1]["file"]).unlink()
        with self.assertRaisesRegex(pieces.Broken, made[1]["file"]):
            evidence.unpack(self.dir / "e.tar.xz.json", self.dir / "back")
        self.assertFalse((self.dir / "back").exists())

    def test_foreign_content_is_refused(self):
        wrong_name = "blobs/aa/" + "0" * 62
        for number, entries in enumerate(([("../x", b"")], [("run.db", b""), ("run.db", b"")], [(wrong_name, b"x")],
                                          [("run.db", None)], [("evil.sh", b"x")], [("blobs/aa/../../x", b"")])):
            folder = self.dir / f"p{number}"
            made = make_part(folder, "evidence", entries)
            with self.assertRaises(pieces.Broken):
                evidence.unpack(made, folder / "back")
            self.assertFalse((folder / "back").exists())
            self.assertEqual([p.name for p in folder.glob(".unpacking*")], [])

    def test_no_run_is_refused(self):
        (self.dir / "none").mkdir()
        (self.dir / "text").mkdir()
        (self.dir / "text/run.db").write_text("no database, but long enough to be read as one. " * 40)
        for folder in ("none", "text"):
            with self.assertRaises(pieces.Broken):
                evidence.pack(self.dir / folder, self.dir / "e.tar.xz", 1)


class Pack(Case):
    def test_refusals(self):
        (self.dir / "cache/venvs").mkdir(parents=True)
        env = dict(os.environ, ASSAY_CACHE=str(self.dir / "cache"))
        for parts, code, word in ((["nonsense"], 2, "not a part"), (["model:absent"], 3, "./assay-up models absent"),
                                  (["env:absent"], 3, "./assay-up compilers absent"), (["files:/no/such"], 2, "no folder"),
                                  (["env:"], 2, "not a part")):
            done = subprocess.run([str(HERE / "pack.py"), "--out", str(self.dir / "out"), *parts], env=env,
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(word, done.stderr)
            self.assertFalse((self.dir / "out").exists(), parts)

    def pack_files(self, folder):
        return subprocess.run([str(HERE / "pack.py"), "--out", str(self.dir / "out"), f"files:{folder}"],
                              capture_output=True, text=True, check=False)

    def test_hard_links_are_files_of_their_own(self):
        (self.dir / "mine").mkdir()
        (self.dir / "mine/a").write_bytes(b"once")
        os.link(self.dir / "mine/a", self.dir / "mine/b")
        self.assertEqual(self.pack_files(self.dir / "mine").returncode, 0)
        self.assertEqual(there("install", self.dir / "out/transfer-01", self.dir / "home").returncode, 0)
        for name in "ab":
            self.assertEqual((self.dir / "home/files/mine" / name).read_bytes(), b"once")

    def test_an_error_on_the_way_leaves_nothing(self):
        (self.dir / "mine").mkdir()
        (self.dir / "mine/out").symlink_to("/etc/passwd")
        done = self.pack_files(self.dir / "mine")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertFalse((self.dir / "out").exists())
        (self.dir / "out").mkdir()
        self.assertEqual(self.pack_files(self.dir / "mine").returncode, 2)
        self.assertEqual(list((self.dir / "out").iterdir()), [])

    def test_help_names_the_exit_codes(self):
        for tool in ("pack.py", "evidence.py", "there.sh"):
            done = subprocess.run([str(HERE / tool), "--help"], capture_output=True, text=True, check=False)
            self.assertIn("Exit codes: 0 done;", done.stdout)

    def test_files_and_model_go_through(self):
        folder = self.dir / "cache/models/m-1"
        folder.mkdir(parents=True)
        (folder / ".complete").write_text("m-1\n")
        (folder / "model.onnx").write_bytes(b"onnx")
        (self.dir / "cache/models/m").symlink_to("m-1")
        (self.dir / "mine").mkdir()
        (self.dir / "mine/big").write_bytes(os.urandom(1500000))
        env = dict(os.environ, ASSAY_CACHE=str(self.dir / "cache"))
        done = subprocess.run([str(HERE / "pack.py"), "--out", str(self.dir / "out"), "--piece-mib", "1", "model:m",
                               f"files:{self.dir}/mine"], env=env, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        transfers = sorted((self.dir / "out").glob("transfer-*"))
        self.assertEqual(len(transfers), 2)
        for transfer in transfers:
            self.assertLessEqual(sum(p.stat().st_size for p in transfer.iterdir()), 1 << 20)
        codes = [subprocess.run(["sh", str(t / "there.sh"), "install", str(t), str(self.dir / "home")], check=False,
                                capture_output=True).returncode for t in transfers]
        self.assertEqual(codes, [3, 0])
        self.assertEqual((self.dir / "home/cache/models/m/model.onnx").read_bytes(), b"onnx")
        self.assertEqual((self.dir / "home/files/mine/big").read_bytes(), (self.dir / "mine/big").read_bytes())


class Run(Case):
    def test_steps_are_told_and_evidence_comes_back(self):
        home, tools = self.dir / "home", self.dir / "home/assay/bin"
        tools.mkdir(parents=True)
        (self.dir / "p.toml").write_text("[[model]]\nmodel = 'm'\ncompilers = ['none']\n")
        (tools / "assay").write_text(
            "#!/bin/sh\ncase $1 in doctor) echo '{}'; exit 0;; audit) shift 3; cp -r "
            f"{self.dir}/made \"$1\"; echo audited; exit 1;; esac\n")
        (tools / "assay").chmod(0o755)
        (self.dir / "made").mkdir()
        db = sqlite3.connect(self.dir / "made/run.db")
        db.executescript("CREATE TABLE meta(key TEXT); PRAGMA user_version=4;")
        db.close()
        (home / "runs").mkdir()
        done = there("run", self.dir / "p.toml", self.dir / "out", "--home", home)
        self.assertEqual(done.returncode, 1, done.stderr + done.stdout)
        steps = {s["step"]: s["outcome"] for s in json.loads((self.dir / "out/summary.json").read_text())["steps"]}
        self.assertEqual(steps, {"doctor": "ok", "smoke": "not run", "conformance": "not run", "audit": "exit 1",
                                 "evidence": "ok"})
        self.assertIn("audited", (self.dir / "out/log.txt").read_text())
        self.assertLessEqual(len(list((self.dir / "out").iterdir())), 8)
        evidence.unpack(self.dir / "out/evidence.tar.xz.json", self.dir / "back")

    def test_refusals(self):
        done = there("run", self.dir / "absent.toml", self.dir / "out", "--home", self.dir)
        self.assertEqual(done.returncode, 3)
        self.assertIn("there.sh install", done.stderr)


if __name__ == "__main__":
    unittest.main()
