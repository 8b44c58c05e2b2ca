#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Longer than 400 lines: both builders and their runner share the models and engines that are costly to make.
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
from kernel_source_test import Normalise  # noqa: E402,F401

CACHE = os.environ.get("ASSAY_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "assay"
)
PYTHON = os.path.join(CACHE, "venvs", "tvm-0.14", "bin", "python")
SLOW = "--slow" in sys.argv
CPU = max(os.sched_getaffinity(0))


def argument(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else ""


CHECK, RUNNER = (
    os.path.abspath(a) if a else "" for a in (argument("--check"), argument("--runner"))
)


# ---------------------------------------------------------------- models (inside the family's
# Python)
def make_models(folder):
    import numpy
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = numpy.random.RandomState(5)

    def constant(name, *shape):
        return numpy_helper.from_array(random.randn(*shape).astype("float32") * 0.3, name)

    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    def save(name, nodes, inputs, outputs, constants=(), domain=None):
        graph = helper.make_graph(nodes, "g", inputs, outputs, list(constants))
        opsets = [helper.make_opsetid("", 13)] + (
            [helper.make_opsetid(domain, 1)] if domain else []
        )
        model = helper.make_model(graph, opset_imports=opsets)
        model.ir_version = 8
        onnx.save(model, os.path.join(folder, name))
        return model

    model = save(
        "conv.onnx",
        [
            helper.make_node(
                "Conv", ["input.1", "w", "b"], ["c"], name="Conv_0", pads=[1, 1, 1, 1]
            ),
            helper.make_node("Relu", ["c"], ["r"], name="Relu_1"),
            helper.make_node("Flatten", ["r"], ["f"]),
            helper.make_node("Gemm", ["f", "d", "e"], ["scores:0"], transB=1),
        ],
        [value("input.1", ["N", 1, 8, 8])],
        [value("scores:0", ["N", 10])],
        [constant("w", 16, 1, 3, 3), constant("b", 16), constant("d", 10, 1024), constant("e", 10)],
    )
    # Outputs that are inputs, reshapes, used further, named twice: every path of the runner.
    save(
        "paths.onnx",
        [
            helper.make_node("Relu", ["x"], ["a"]),
            helper.make_node("Flatten", ["a"], ["b"], axis=0),
            helper.make_node("Exp", ["b"], ["c"]),
            helper.make_node("Flatten", ["y"], ["d"], axis=0),
            helper.make_node("Add", ["c", "d"], ["e"]),
            helper.make_node("Identity", ["y"], ["f"]),
            helper.make_node("Identity", ["e"], ["g"]),
        ],
        [value("x", [2, 3, 4]), value("y", [4, 6]), value("unused", [3])],
        [
            value("a", [2, 3, 4]),
            value("b", [1, 24]),
            value("d", [1, 24]),
            value("e", [1, 24]),
            value("f", [4, 6]),
            value("g", [1, 24]),
        ],
    )
    save(
        "custom.onnx",
        [helper.make_node("Mystery", ["x"], ["y"], domain="nowhere")],
        [value("x", [1])],
        [value("y", [1])],
        domain="nowhere",
    )
    save(
        "clash.onnx",
        [helper.make_node("Add", ["p0", "k"], ["y"])],
        [value("p0", [4])],
        [value("y", [4])],
        [constant("k", 4)],
    )
    outside = model.graph.initializer[0]
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="../secret.bin")
    with open(os.path.join(folder, "outside.onnx"), "wb") as handle:
        handle.write(model.SerializeToString())
    with open(os.path.join(folder, "broken.onnx"), "wb") as handle:
        handle.write(b"\x08\x07this is no model")


FOLDER = None


def start(request, environment=None, compiler="tvm-autotvm"):
    """Runs a builder; returns (exit code, events, stderr)."""
    read, write = os.pipe()
    scratch = tempfile.mkdtemp(dir=FOLDER)
    env = dict(
        os.environ,
        ASSAY_EVENT_FD=str(write),
        HOME=scratch,
        TMPDIR=scratch,
        XDG_CACHE_HOME=scratch,
        ASSAY_TVM_TEST=scratch,
        **(environment or {})
    )
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [PYTHON, os.path.join(HERE, "..", compiler, "build")],
            env=env,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=[write],
        )
        os.close(write)
        process.stdin.write(json.dumps(request).encode())
        process.stdin.close()
        with os.fdopen(read) as events:
            found = [json.loads(line) for line in events]
        code = process.wait()
        log.seek(0)
        text = log.read().decode("utf-8", "replace")
    return code, found, text, scratch


def request(compiler="tvm-autotvm", model="conv.onnx", precision="fp32", shapes=None, **options):
    engine = tempfile.mkdtemp(dir=FOLDER, prefix="engine-")
    return {
        "protocol": 1,
        "action": "build",
        "compiler": compiler,
        "model": os.path.join(FOLDER, model),
        "engine_dir": engine,
        "precision": precision,
        "threads": 1,
        "cpus": [CPU],
        "seed": 12345678901,
        "shapes": {"input.1": [1, 1, 8, 8]} if shapes is None else shapes,
        "options": options,
        "scratch": tempfile.mkdtemp(dir=FOLDER),
    }


def processes_with(marker):
    """Live processes that inherited `marker` in their environment."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as handle:
                if marker.encode() in handle.read():
                    with open("/proc/%s/stat" % pid) as state:
                        if state.read().rsplit(")", 1)[1].split()[0] != "Z":
                            found.append(pid)
        except OSError:
            continue
    return found


class Builders(unittest.TestCase):
    def refused(self, kind, words, **named):
        code, events, text, _ = start(
            request(**named), compiler=named.get("compiler", "tvm-autotvm")
        )
        self.assertEqual(code, 1, text)
        self.assertEqual(events[-1]["event"], "error", text)
        self.assertEqual(events[-1]["kind"], kind, events[-1])
        self.assertNotIn("\n", events[-1]["message"])
        for word in words:
            self.assertIn(word, events[-1]["message"])

    def built(self, compiler="tvm-autotvm", environment=None, **named):
        asked = request(compiler=compiler, **named)
        code, events, text, scratch = start(asked, environment, compiler)
        self.assertEqual(
            (code, events[-1]["event"] if events else None),
            (0, "done"),
            "%s\n%s" % (events[-1:], text[-3000:]),
        )
        self.assertEqual(processes_with(scratch), [], "processes left behind")
        with open(os.path.join(asked["engine_dir"], "manifest.json")) as handle:
            manifest = json.load(handle)
        with open(os.path.join(asked["engine_dir"], "kernels.json")) as handle:
            kernels = json.load(handle)["kernels"]
        return asked["engine_dir"], events, manifest, kernels

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
        self.assertEqual(
            manifest["rebuild"],
            {
                "env": {"TOPHUB_LOCATION": "NONE", "TVM_BIND_THREADS": "0", "TVM_NUM_THREADS": "1"},
                "decisions": ["tuning.log"],
            },
        )
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
        engine, events, manifest, kernels = self.built(trials=2, number=1, repeat=1)
        self.checked(events, manifest, kernels, 2)
        self.rebuilt(engine, manifest, kernels)
        if CHECK:
            self.same_as_python(engine, manifest, kernels, slots=4)
            self.damaged_engines(engine)

    def test_autoscheduler_and_runner(self):
        engine, events, manifest, kernels = self.built(
            "tvm-autoscheduler",
            trials=4,
            policy="sketch.random",
            population=16,
            iterations=1,
            min_repeat_ms=1,
        )
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

    def rebuilt(self, engine, manifest, kernels):
        """A second relay.build from the tuning log, in this process, must give the same sources."""
        import tvm_common as common
        from tvm import autotvm

        asked = request()
        checked = common.ab.parse_request(json.dumps(asked), "tvm-autotvm")
        with open(os.devnull, "wb") as sink:
            job = common.ab.Build(checked, common.ab.Events(sink.fileno()))
            mod, params = common.load_model(job)
            with autotvm.apply_history_best(os.path.join(engine, "tuning.log")):
                library = common.compile_model(mod, params, common.make_target(manifest["target"]))
            common.export(job, library)
            job.finish({"tvm": "0.14.0"}, "build")
        with open(os.path.join(asked["engine_dir"], "kernels.json")) as handle:
            self.assertEqual(json.load(handle)["kernels"], kernels)

    # -- the runner against TVM's Python executor
    def run_check(self, engine, slots, inputs, outputs, *more):
        import tvm

        library = os.path.join(os.path.dirname(tvm.__file__), "libtvm_runtime.so")
        return subprocess.run(
            [CHECK, RUNNER, library, engine, "1", str(slots), inputs, outputs, *more],
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
        layer = kernels[-1]["layer"]
        result = self.run_check(
            engine, slots, inputs, outputs, "--tensor", layer, outputs + ".tensor"
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
        for node in range(names.index(layer) + 1):
            debug._execute_node(node)
        with open(outputs + ".tensor", "rb") as handle:
            self.assertEqual(
                handle.read(), debug._get_node_output(names.index(layer), 0).numpy().tobytes()
            )

    def damaged_engines(self, engine):
        def status(change):
            folder = tempfile.mkdtemp(dir=FOLDER)
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
    global FOLDER
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
    with tempfile.TemporaryDirectory(prefix="assay-tvm-") as FOLDER:
        os.chdir(FOLDER)  # TVM makes a folder in the current one when it is imported
        make_models(FOLDER)
        unittest.main(argv=[sys.argv[0], "-v"] + names)


if __name__ == "__main__":
    main()
