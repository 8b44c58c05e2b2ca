# SPDX-License-Identifier: Apache-2.0
"""Rebuilds of `reference` and `onnxruntime` from the decisions of a build: see test.py."""

import json
import os
import shutil
import tempfile
import unittest

import onnx

import builders_test
import test_models


class RebuildTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="assay-ort-rebuild-")
        self.addCleanup(shutil.rmtree, self.folder)

    def ask(self, compiler, model, **changes):
        """(error event or None, events, engine folder)"""
        code, events, engine = builders_test.build(compiler, model, self.folder, **changes)
        self.assertEqual(code, 0 if events[-1]["event"] == "done" else 1, events[-1])
        return None if code == 0 else events[-1], events, engine

    def done(self, compiler, model, **changes):
        error, events, engine = self.ask(compiler, model, **changes)
        self.assertIsNone(error)
        return events, engine

    @staticmethod
    def read(engine, name):
        with open(os.path.join(engine, name), "rb") as handle:
            return handle.read()

    def decisions(self, engine, **more):
        manifest = json.loads(self.read(engine, "manifest.json"))
        return dict({"dir": engine, "files": manifest["rebuild"]["decisions"]}, **more)

    def rebuild(self, compiler, model, engine, **changes):
        given = self.decisions(engine)
        return self.done(compiler, model, action="rebuild", decisions=given, seed=99, **changes)

    def test_byte_for_byte(self):
        for compiler, model, options in (
            ("reference", test_models.forks(), {}),
            ("onnxruntime", test_models.forks(), {}),
            ("onnxruntime", test_models.forks(), {"optimization": "extended"}),
            ("onnxruntime", test_models.branch(), {}),
        ):
            _, engine = self.done(compiler, model, options=options)
            events, again = self.rebuild(compiler, model, engine, options=options)
            self.assertEqual(sorted(os.listdir(again)), sorted(os.listdir(engine)))
            for name in set(os.listdir(engine)) - {"manifest.json"}:
                self.assertEqual(self.read(again, name), self.read(engine, name), name)
            files = {f["path"]: f["how"] for e in events for f in e.get("files", [])}
            self.assertEqual(
                [how for path, how in files.items() if "onnxruntime_pybind11_state" in path],
                ["mapped"],  # the builder's own copy; a launch maps libonnxruntime.so
            )
            shared = os.path.join(builders_test.HERE, "ort_build.py")
            self.assertEqual(files[os.path.realpath(shared)], "imported")

    def test_the_order_is_decided_and_not_drawn(self):
        """Another order and other names, written by hand, are what the rebuild has."""
        _, engine = self.done("onnxruntime", test_models.forks())
        decided = json.loads(self.read(engine, "nodes.json"))
        nodes = decided["graphs"][""]
        back = [i for i, (_, name) in enumerate(nodes) if name.startswith("ReorderOutput")]
        if len(back) < 2:
            self.skipTest("this CPU has no blocked layout, so nothing converts back")
        first, second = nodes[back[0]], nodes[back[1]]
        first[1], second[1] = second[1], first[1]
        decided["graphs"][""] = nodes[1:] + nodes[:1]  # ONNX Runtime sorts when it loads
        with open(os.path.join(engine, "nodes.json"), "w", encoding="utf-8") as handle:
            json.dump(decided, handle)
        _, again = self.rebuild("onnxruntime", test_models.forks(), engine)
        graph = onnx.load(os.path.join(again, "model.onnx")).graph
        seen = [[list(node.output), node.name] for node in graph.node]
        self.assertEqual(seen, decided["graphs"][""])
        names = {k["layer"] for k in json.loads(self.read(again, "kernels.json"))["kernels"]}
        self.assertEqual(names, {name for _, name in nodes})

    def test_decisions_that_do_not_fit(self):
        model = test_models.conv(1)
        _, engine = self.done("onnxruntime", model)
        whole = self.read(engine, "nodes.json").decode()
        content = json.loads(whole)
        fewer = dict(content, graphs={"": content["graphs"][""][:-1]})
        renamed = json.loads(whole)
        renamed["graphs"][""][0][0] = ["elsewhere"]
        twice = dict(content, graphs={"": content["graphs"][""] + content["graphs"][""][:1]})
        other = dict(content, graphs=dict(content["graphs"], **{"/y/then_branch/0": []}))
        for text, kind in (
            ("", "invalid"),
            ("[]", "invalid"),
            ("[" * 100000, "invalid"),
            (json.dumps(dict(content, format=2)), "invalid"),
            (json.dumps(dict(content, graphs={"": [[["y"], 3]]})), "invalid"),
            (json.dumps(dict(content, graphs={"": [1]})), "invalid"),
            (json.dumps(fewer), "miss"),
            (json.dumps(renamed), "miss"),
            (json.dumps(twice), "miss"),
            (json.dumps(other), "miss"),
        ):
            with self.subTest(text[:80]):
                with open(os.path.join(engine, "nodes.json"), "w", encoding="utf-8") as handle:
                    handle.write(text)
                given = self.decisions(engine)
                error, _, again = self.ask("onnxruntime", model, action="rebuild", decisions=given)
                self.assertEqual(error["kind"], kind, error)
                self.assertIn("nodes.json", error["message"])
                self.assertNotIn("manifest.json", os.listdir(again))
        none = {"dir": engine, "files": []}
        error, _, _ = self.ask("onnxruntime", model, action="rebuild", decisions=none)
        self.assertEqual(error["kind"], "miss")

    def test_no_layer_can_be_chosen(self):
        for compiler in ("reference", "onnxruntime"):
            _, engine = self.done(compiler, test_models.conv(1))
            override = dict(self.decisions(engine), layers=["conv1"])
            for more in ({"choices": [{"layer": "conv1", "number": 0}]}, {"override": override}):
                given = self.decisions(engine, **more)
                error, _, _ = self.ask(
                    compiler, test_models.conv(1), action="rebuild", decisions=given
                )
                self.assertEqual(error["kind"], "invalid")
                self.assertIn("conv1", error["message"])
            request = {"action": "measure", "decisions": self.decisions(engine), "rounds": 1}
            request["candidates"] = [{"layer": "conv1", "number": 0}]
            error, _, _ = self.ask(compiler, test_models.conv(1), **request)
            self.assertEqual(error["kind"], "unsupported")


if __name__ == "__main__":
    unittest.main()
