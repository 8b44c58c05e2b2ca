# SPDX-License-Identifier: Apache-2.0
"""Tests of what locks need of assay_builder.py: decisions, rebuild, measure, files loaded."""

import json
import mmap
import os
import sys
import tempfile
import types
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import assay_builder as ab  # noqa: E402
from builder_case import BuilderCase  # noqa: E402


class RebuildTest(BuilderCase):
    def ask(self, action="rebuild", **decisions):
        """Makes the request one of `action`; (folder, files) of decisions where not replaced."""
        folder = os.path.join(self.folder, "decisions")
        os.makedirs(os.path.join(folder, "deep"), exist_ok=True)
        for name in ("tuning.log", "deep/more.log"):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as handle:
                handle.write(name)
        given = {"dir": folder, "files": ["tuning.log", "deep/more.log"]}
        given.update(decisions)
        self.request.update(action=action, decisions=given)
        return folder

    def parse(self):
        return ab.parse_request(json.dumps(self.request), "made-up")

    def refused(self, kind, part=""):
        with self.assertRaises(ab.BuildError) as caught:
            self.parse()
        self.assertEqual(caught.exception.kind, kind, caught.exception.message)
        self.assertIn(part, caught.exception.message)

    def test_decisions(self):
        folder = self.ask(
            choices=[{"layer": "0 conv", "number": 17}],
            override={"dir": self.folder, "files": ["model.onnx"], "layers": ["1 dense", "2 x"]},
        )
        request = self.parse()
        files = {name: os.path.join(folder, name) for name in ("tuning.log", "deep/more.log")}
        self.assertEqual(request.decisions.files, files)
        self.assertEqual(request.decisions.choices, {"0 conv": 17})
        other = {"model.onnx": self.model}
        self.assertEqual(request.decisions.override, {"1 dense": other, "2 x": other})
        self.assertEqual((request.candidates, request.rounds), ((), 0))
        self.ask(files=[])
        self.assertEqual(self.parse().decisions, ({}, {}, {}))
        self.request["action"] = "build"
        self.assertIsNone(self.parse().decisions)

    def test_bad_decisions(self):
        other = {"dir": self.folder, "files": [], "layers": ["a"]}
        for changes in (
            {"dir": "relative"},
            {"dir": 3},
            {"files": "tuning.log"},
            {"files": [3]},
            {"files": ["../model.onnx"]},
            {"files": ["deep/../../model.onnx"]},
            {"files": [self.model]},
            {"files": [""]},
            {"files": ["deep//more.log"]},
            {"files": ["tuning.log\0"]},
            {"files": ["a\nb"]},
            {"choices": {"a": 1}},
            {"choices": 0},
            {"choices": [{"layer": "a"}]},
            {"choices": [{"layer": 1, "number": 1}]},
            {"choices": [{"layer": "a", "number": -1}]},
            {"choices": [{"layer": "a", "number": True}]},
            {"choices": [{"layer": "a", "number": 1}, {"layer": "a", "number": 2}]},
            {"choices": [{"layer": "a", "number": 1}], "override": other},
            {"override": []},
            {"override": dict(other, layers="a")},
            {"override": dict(other, layers=[1])},
            {"override": dict(other, dir="x")},
            {"override": dict(other, files=["../x"])},
        ):
            with self.subTest(changes):
                self.ask(**changes)
                self.refused("invalid", "decisions")
        self.ask()
        for value in (None, [], "x"):
            self.request["decisions"] = value
            self.refused("invalid", "`decisions`")
        del self.request["decisions"]
        self.refused("invalid", "`decisions`")

    def test_absent_and_linked_decision_files(self):
        folder = self.ask()
        os.symlink(self.model, os.path.join(folder, "link.log"))
        os.symlink(self.folder, os.path.join(folder, "door"))
        os.mkfifo(os.path.join(folder, "pipe"))
        for name in ("absent.log", "deep", "link.log", "door/model.onnx", "pipe"):
            with self.subTest(name):
                self.ask(files=[name])
                self.refused("missing", name)
                other = {"dir": folder, "files": [name], "layers": ["a"]}
                self.ask(files=[], override=other)
                self.refused("missing", name)
        self.ask(dir="/no/such")
        self.refused("missing", "/no/such")
        # The folder itself may be reached through a link: assay chose it.
        os.symlink(folder, os.path.join(self.folder, "linked"))
        self.ask(dir=os.path.join(self.folder, "linked"))
        self.assertEqual(len(self.parse().decisions.files), 2)

    def test_measurements(self):
        self.ask("measure")
        one, two = {"layer": "a", "number": 1}, {"layer": "a", "number": 2}
        self.request.update(candidates=[one, two], rounds=5)
        request = self.parse()
        self.assertEqual((request.candidates, request.rounds), ([("a", 1), ("a", 2)], 5))
        for key, value in (
            ("rounds", 0),
            ("rounds", True),
            ("rounds", 1.5),
            ("rounds", 1 << 40),
            ("rounds", None),
            ("candidates", []),
            ("candidates", None),
            ("candidates", {}),
            ("candidates", [one, one]),
            ("candidates", [{"layer": "a", "number": "1"}]),
        ):
            with self.subTest(key=key, value=value):
                saved = self.request[key]
                self.request[key] = value
                self.refused("invalid", key)
                self.request[key] = saved

    def test_rebuild_and_measure(self):
        self.ask()
        code, events = self.run_builder("open('/dev/null').close()", more="rebuild=build")
        self.assertEqual((code, events[-1]["event"]), (0, "done"))
        self.assertEqual(self.manifest()["seed"], 5)
        files = {f["path"]: f["how"] for e in events for f in e.get("files", [])}
        self.assertEqual(files[os.path.realpath(ab.__file__)], "imported")
        self.assertIn("mapped", files.values())
        self.ask("measure")
        os.rename(self.engine, self.engine + ".rebuilt")
        os.mkdir(self.engine)
        self.request.update(candidates=[{"layer": "a", "number": 1}], rounds=1)
        measure = "measure=lambda b: b.candidate('a', 'c', [7], number=1, source_sha256='0' * 64)"
        code, events = self.run_builder(more=measure)
        self.assertEqual((code, [e["event"] for e in events]), (0, ["hello", "candidate", "done"]))
        self.assertEqual((events[1]["number"], events[1]["source_sha256"]), (1, "0" * 64))
        self.assertEqual(os.listdir(self.engine), [])

    def test_a_builder_without_them_is_unsupported(self):
        for action in ("rebuild", "measure"):
            self.ask(action)
            self.request.update(candidates=[{"layer": "a", "number": 1}], rounds=1)
            code, events = self.run_builder()
            self.assertEqual((code, events[-1]["kind"]), (1, "unsupported"))
            self.assertIn(action, events[-1]["message"])

    def test_a_miss(self):
        self.ask()
        code, events = self.run_builder("raise ab.BuildError('miss', 'none')", more="rebuild=build")
        self.assertEqual((code, events[-1]["kind"]), (1, "miss"))
        self.assertEqual([e for e in events if e["event"] in ("loaded", "done")], [])

    def test_choices_and_roles_stand_in_the_manifest(self):
        code, _ = self.run_builder(
            "b.write_text('d.log', 'x', 'tuning_log')\n"
            "    b.rebuild_decisions = ['d.log']\n"
            "    b.choice('l', 'two\\n lines')"
        )
        self.assertEqual(code, 0)
        rebuild = self.manifest()["rebuild"]
        self.assertEqual(rebuild["decisions"], ["d.log"])
        self.assertEqual(rebuild["choices"], [{"layer": "l", "choice": "two lines"}])

    def test_loaded_files_come_in_pieces(self):
        body = (
            "import types\n"
            "    for i in range(3 * ab.LOADED_PER_EVENT):\n"
            "        path = os.path.join(%r, 'm%%d.py' %% i)\n"
            "        open(path, 'w').close()\n"
            "        sys.modules['m%%d' %% i] = types.ModuleType('m')\n"
            "        sys.modules['m%%d' %% i].__file__ = path" % (self.folder + "/modules")
        )
        os.mkdir(self.folder + "/modules")
        self.request["scratch"] = self.folder + "/mod"  # a prefix of that name, but another folder
        self.ask()
        _, events = self.run_builder(body, more="rebuild=build")
        pieces = [e["files"] for e in events if e["event"] == "loaded"]
        self.assertGreaterEqual(len(pieces), 4)
        self.assertTrue(all(0 < len(p) <= ab.LOADED_PER_EVENT for p in pieces))
        paths = [f["path"] for p in pieces for f in p]
        self.assertEqual(len(paths), len(set(paths)))
        made = [p for p in paths if p.startswith(self.folder + "/modules/")]
        self.assertEqual(len(made), 3 * ab.LOADED_PER_EVENT)

    def test_what_belongs_to_the_build_is_not_loaded(self):
        scratch, folder = os.path.join(self.folder, "scratch"), self.ask()
        os.mkdir(scratch)
        self.request["scratch"] = scratch
        body = (
            "import mmap\n"
            "    open(os.path.join(b.request.scratch, 'own.py'), 'w').close()\n"
            "    sys.path.insert(0, b.request.scratch)\n"
            "    import own\n"
            "    names = [b.request.model, b.path('model.txt')]\n"
            "    names += b.request.decisions.files.values()\n"
            "    b.files = [open(p) for p in names]\n"
            "    b.maps = [mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) for f in b.files]\n"
            "    b.program('sh')\n"
            "    b.program('no-such-program')"
        )
        _, events = self.run_builder(body, more="rebuild=build")
        self.assertEqual(events[-1]["event"], "done", events[-1])
        files = {f["path"]: f["how"] for e in events for f in e.get("files", [])}
        self.assertEqual([p for p in files if p.startswith(self.folder)], [])
        self.assertEqual([how for how in files.values() if how == "program"], ["program"])
        self.assertTrue(os.path.isdir(folder))


class LoadedTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="assay-loaded-test-")
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)

    def module(self, name, path):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__file__ = path
        self.addCleanup(sys.modules.pop, name)

    def write(self, name, data=b"x"):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as handle:
            handle.write(data)
        return path

    def test_modules(self):
        plain, archive, odd = self.write("a.py"), self.write("b.zip"), self.write("c\n.py")
        os.symlink(plain, os.path.join(self.folder, "link.py"))
        self.module("made_up_a", os.path.join(self.folder, "link.py"))
        self.module("made_up_b", os.path.join(archive, "inner", "b.py"))
        self.module("made_up_c", odd)
        self.module("made_up_d", os.path.join(self.folder, "absent.py"))
        self.module("made_up_e", "relative.py")
        self.module("made_up_f", 3)
        found = [f for f in ab.loaded_files() if f[0].startswith(self.folder)]
        self.assertEqual(found, [(plain, "imported"), (archive, "imported")])
        self.assertEqual(
            [f for f in ab.loaded_files(private=[archive]) if f[0].startswith(self.folder)],
            [(plain, "imported")],
        )
        self.assertEqual(
            [f for f in ab.loaded_files(private=[self.folder]) if f[0].startswith(self.folder)], []
        )

    def test_maps(self):
        for name in ("lib (1)", "gone.so"):
            path = self.write(name, b"0" * 4096)
            with open(path, "rb") as handle:
                self.addCleanup(mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ).close)
        os.remove(path)
        found = dict(ab.loaded_files())
        mine = [f for f in found if f.startswith(self.folder)]
        self.assertEqual(mine, [os.path.join(self.folder, "lib (1)")])
        self.assertEqual(found[mine[0]], "mapped")
        self.assertEqual(found[os.path.realpath("/proc/self/exe")], "mapped")


if __name__ == "__main__":
    unittest.main()
