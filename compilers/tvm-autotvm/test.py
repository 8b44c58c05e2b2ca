#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the two TVM builders and their runner: real builds of tiny models, few trials.

    test.py --check tvm_runner_check --runner libassay_runner_tvm.so [--slow] [TEST ...]

Exit code 77, with the reason, when the tvm-0.14 family is not installed (the tests of kernel_source
run then too).  --slow adds the other searches, failing candidates and the rival's timer.  Without
--check the runner is not tested.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from decisions_test import Decisions  # noqa: E402,F401
from kernel_source_test import Normalise  # noqa: E402,F401
from lock_test import Locks  # noqa: E402,F401
import test_support as support  # noqa: E402
from test_support import PYTHON, SLOW, BuilderCase, request, start  # noqa: E402


def argument(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else ""


CHECK, RUNNER = (
    os.path.abspath(a) if a else "" for a in (argument("--check"), argument("--runner"))
)


class Builders(BuilderCase):
    def checked(self, events, manifest, kernels, tasks_at_least):
        """What every good search must have left."""
        trials = [e for e in events if e["event"] == "trials"]
        candidates = [e for e in events if e["event"] == "candidate"]
        self.assertEqual(len(trials), 1)
        self.assertGreaterEqual(trials[0]["tasks"], tasks_at_least)
        self.assertEqual(trials[0]["measured"], len(candidates))
        self.assertEqual(trials[0]["failed"], sum(not c["ok"] for c in candidates))
        self.assertLess(trials[0]["failed"], trials[0]["measured"])
        self.assertTrue(all(c["time_ns"] and min(c["time_ns"]) > 0 for c in candidates if c["ok"]))
        self.assertEqual([k for k in kernels if not k["source_sha256"]], [])
        self.assertEqual(
            [k["kernel"] for k in kernels], [e["kernel"] for e in events if e["event"] == "kernel"]
        )
        roles = {f["path"]: f["role"] for f in manifest["files"]}
        self.assertEqual(roles["tuning.log"], "tuning_log")
        rebuild = manifest["rebuild"]
        self.assertEqual(
            rebuild["env"],
            {"TOPHUB_LOCATION": "NONE", "TVM_BIND_THREADS": "0", "TVM_NUM_THREADS": "1"},
        )
        self.assertEqual(rebuild["decisions"], ["tuning.log"])
        self.assertEqual(len(rebuild["choices"]), trials[0]["tasks"])
        self.assertIn("llvm", manifest["target"])

    def test_hello(self):
        code, events, text, _ = start({"protocol": 1, "action": "hello", "compiler": "tvm-autotvm"})
        self.assertEqual((code, [e["event"] for e in events]), (0, ["hello"]), text)
        self.assertEqual(events[0]["packages"]["tvm"], "0.14.0")

    def test_refusals_before_tvm(self):
        self.refused("unsupported", ["fp16"], precision="fp16")
        self.refused("invalid", ["trails", "trials"], trails=3)
        self.refused("unsupported", ["int8"], precision="int8", compiler="tvm-autoscheduler")
        self.refused("invalid", ["tuner"], compiler="tvm-autoscheduler", tuner="ga")
        self.refused("missing", ["absent.onnx"], model="absent.onnx")

    def test_bad_models(self):
        self.refused("invalid", ["broken.onnx"], model="broken.onnx")
        self.refused("unsupported", ["Mystery"], model="custom.onnx", shapes={"x": [1]})
        self.refused("invalid", ["secret.bin", "outside"], model="outside.onnx")
        self.refused("invalid", ["input.1", "shape"], shapes={"input.1": [1, 1, 8]})
        self.refused("invalid", ["input.1", "dynamic"], shapes={})
        self.refused("unsupported", ["p0", "rename"], model="clash.onnx", shapes={})

    def test_autotvm_and_runner(self):
        engine, events, manifest, kernels = self.shared("tvm-autotvm")
        self.checked(events, manifest, kernels, 2)
        if CHECK:
            self.same_as_python(engine, manifest, kernels, slots=4)
            self.damaged_engines(engine)

    def test_autoscheduler_and_runner(self):
        engine, events, manifest, kernels = self.shared("tvm-autoscheduler")
        self.checked(events, manifest, kernels, 2)
        if CHECK:
            self.same_as_python(engine, manifest, kernels, slots=2)

    def test_paths_of_inputs_and_outputs(self):
        engine, events, manifest, kernels = self.built(model="paths.onnx", shapes={})
        self.assertEqual([e["tasks"] for e in events if e["event"] == "trials"], [0])
        if CHECK:
            self.same_as_python(engine, manifest, kernels, slots=3)

    def test_too_few_trials(self):
        self.refused("invalid", ["trials", "1", "2"], compiler="tvm-autoscheduler", trials=1)

    # -- the runner against TVM's Python executor
    def run_check(self, engine, slots, inputs, outputs, *more, device="cpu"):
        import tvm

        library = os.path.join(os.path.dirname(tvm.__file__), "libtvm_runtime.so")
        return subprocess.run(
            [CHECK, RUNNER, library, engine, "1", str(slots), inputs, outputs, *more],
            env=dict(os.environ, TVM_RUNNER_CHECK_DEVICE=device),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
        )

    def same_as_python(self, engine, manifest, kernels, slots):
        import numpy
        import tvm
        from tvm.contrib import graph_executor
        from tvm.contrib.debugger import debug_executor

        def load(create, *more):
            library = tvm.runtime.load_module(os.path.join(engine, "model.so"))
            with open(os.path.join(engine, "graph.json")) as handle:
                executor = create(handle.read(), library, tvm.cpu(), *more)
            with open(os.path.join(engine, "params.bin"), "rb") as handle:
                executor.load_params(handle.read())
            return executor

        executor = load(graph_executor.create)
        random = numpy.random.RandomState(1)
        items, expected = [], []
        for _ in range(slots):
            item = [random.randn(*t["shape"]).astype(t["dtype"]) for t in manifest["inputs"]]
            for tensor, value in zip(manifest["inputs"], item):
                executor.set_input(tensor["name"], value)
            executor.run()
            items.append(item)
            expected.append(
                [executor.get_output(i).numpy() for i in range(len(manifest["outputs"]))]
            )
        inputs, outputs = os.path.join(engine, "inputs"), os.path.join(engine, "outputs")
        with open(inputs, "wb") as handle:
            for item in items:
                for value in item:
                    handle.write(value.tobytes())
        arguments = []
        for kernel in kernels:
            arguments += ["--tensor", kernel["layer"], os.path.join(engine, kernel["layer"])]
        result = self.run_check(
            engine, slots, inputs, outputs, "--layer-times", "3", *arguments
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        want = b"".join(value.tobytes() for item in expected for value in item)
        with open(outputs, "rb") as handle:
            self.assertEqual(handle.read(), want)
        self.assertEqual(
            [
                line.split("\t")[1:]
                for line in result.stdout.splitlines()
                if line.startswith("kernel\t")
            ],
            [[k["layer"], k["kernel"]] for k in kernels],
        )
        debug = load(debug_executor.create, os.path.join(engine, "dump"))
        for tensor, value in zip(manifest["inputs"], items[0]):
            debug.set_input(tensor["name"], value)
        with open(os.path.join(engine, "graph.json")) as handle:
            names = [node["name"] for node in json.load(handle)["nodes"]]
        lines = [line.split("\t") for line in result.stdout.splitlines()]
        self.assertEqual(
            [line[1] for line in lines if line[0] == "layer_time"], [k["layer"] for k in kernels]
        )
        shapes = {l[1]: [int(n) for n in l[2].split(",")] for l in lines if l[0] == "tensor"}
        self.assertEqual(sorted(shapes), sorted(k["layer"] for k in kernels))
        node = 0
        for layer in (k["layer"] for k in kernels):
            while node <= names.index(layer):
                debug._execute_node(node)
                node += 1
            value = debug._get_node_output(names.index(layer), 0).numpy()
            if shapes[layer] != list(value.shape):  # blocks of channels, read in plain order
                n, groups, h, w, block = value.shape
                value = value.transpose(0, 1, 4, 2, 3).reshape(n, groups * block, h, w)
            self.assertEqual(shapes[layer], list(value.shape))
            with open(os.path.join(engine, layer), "rb") as handle:
                self.assertEqual(handle.read(), value.tobytes(), layer)
        self.same_when_staged(engine, slots, inputs, want, arguments)

    def same_when_staged(self, engine, slots, inputs, want, arguments):
        """The CPU as if it had memory of its own: all that CUDA needs but CUDA itself."""
        staged = os.path.join(engine, "staged-outputs")
        moved = [a + ".staged" if os.path.isabs(a) else a for a in arguments]
        result = self.run_check(
            engine, slots, inputs, staged, "--layer-times", "3", *moved, device="cpu-staged"
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(staged, "rb") as handle:
            self.assertEqual(handle.read(), want)
        for plain, other in zip(arguments, moved):
            if plain != other:
                with open(plain, "rb") as one, open(other, "rb") as two:
                    self.assertEqual(one.read(), two.read(), plain)
        refused = self.run_check(engine, slots, inputs, staged, device="cuda:0")
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn("error 3 ", refused.stdout)  # missing: this TVM has no CUDA
        self.assertIn("tvm-autotvm-cuda", refused.stdout)

    def damaged_engines(self, engine):
        def status(change):
            folder = tempfile.mkdtemp(dir=support.FOLDER)
            shutil.rmtree(folder)
            shutil.copytree(engine, folder)
            change(folder)
            result = self.run_check(folder, 1, os.devnull, os.devnull)
            self.assertEqual(result.returncode, 3, result.stderr)
            return result.stdout.strip()

        def cut(name):
            return lambda folder: os.truncate(os.path.join(folder, name), 60)

        def rename_kernel(folder):
            path = os.path.join(folder, "graph.json")
            with open(path) as handle:
                text = handle.read()
            with open(path, "w") as handle:
                handle.write(text.replace('"func_name": "tvmgen', '"func_name": "other'))

        for change, words in (
            (cut("graph.json"), "graph.json"),
            (cut("params.bin"), "params.bin"),
            (cut("model.so"), "model.so"),
            (rename_kernel, "no such function"),
            (lambda folder: os.remove(os.path.join(folder, "manifest.json")), "manifest"),
        ):
            text = status(change)
            self.assertIn(words, text)

    # -- slow
    @unittest.skipUnless(SLOW, "needs --slow: other searches")
    def test_other_searches(self):
        self.checked(*self.built(trials=4, tuner="xgb")[1:], 2)
        self.checked(*self.built(trials=4, tuner="random")[1:], 2)
        self.checked(*self.built("tvm-autoscheduler", trials=4, population=32, iterations=1)[1:], 2)

    @unittest.skipUnless(SLOW, "needs --slow: all candidates fail without a linker on PATH")
    def test_all_candidates_fail(self):
        for compiler, options in (
            ("tvm-autotvm", {"trials": 2}),
            ("tvm-autoscheduler", {"trials": 4, "population": 16, "iterations": 1}),
        ):
            code, events, text, _ = start(
                request(compiler, **options), {"PATH": "/nonexistent", "CXX": ""}, compiler
            )
            self.assertEqual(
                (code, events[-1]["event"], events[-1].get("kind")), (1, "error", "failed"), text
            )
            trials = [e for e in events if e["event"] == "trials"][0]
            self.assertEqual(trials["measured"], trials["failed"])
            self.assertTrue(all(e["error"] for e in events if e["event"] == "candidate"))

    @unittest.skipUnless(SLOW, "needs --slow: the rival's timer")
    def test_rival_timer(self):
        engine = self.built(trials=2)[0]
        output = subprocess.run(
            [PYTHON, os.path.join(HERE, "rival_timer.py"), engine, "25"],
            check=True,
            stdout=subprocess.PIPE,
            universal_newlines=True,
        ).stdout.split()
        self.assertEqual(len(output), 25)
        self.assertTrue(all(int(line) > 0 for line in output))


def main():
    names = [
        a
        for i, a in enumerate(sys.argv[1:], 1)
        if not a.startswith("--") and sys.argv[i - 1] not in ("--check", "--runner")
    ]
    if not os.path.exists(PYTHON):
        pure = unittest.defaultTestLoader.loadTestsFromTestCase(Normalise)
        good = unittest.TextTestRunner().run(pure).wasSuccessful()
        print(
            "tvm-0.14 is not installed (%s): builders and runner not tested; "
            "`./assay-up compilers tvm-autotvm`" % PYTHON
        )
        sys.exit(77 if good else 1)
    if os.path.realpath(sys.prefix) != os.path.realpath(
        os.path.join(os.path.dirname(PYTHON), "..")
    ):
        os.execv(PYTHON, [PYTHON, os.path.abspath(__file__)] + sys.argv[1:])
    os.environ.update({"TOPHUB_LOCATION": "NONE", "TVM_NUM_THREADS": "1", "TVM_BIND_THREADS": "0"})
    with tempfile.TemporaryDirectory(prefix="assay-tvm-") as folder:
        os.chdir(folder)  # TVM makes a folder in the current one when it is imported
        support.FOLDER = folder
        support.make_models(folder)
        unittest.main(argv=[sys.argv[0], "-v"] + names)


if __name__ == "__main__":
    main()
