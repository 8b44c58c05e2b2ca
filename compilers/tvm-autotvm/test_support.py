# SPDX-License-Identifier: Apache-2.0
"""What the tests of the two TVM builders share: tiny models, runs of a builder, built engines."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.environ.get("ASSAY_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "assay"
)
PYTHON = os.path.join(CACHE, "venvs", "tvm-0.14", "bin", "python")
SLOW = "--slow" in sys.argv
CPU = max(os.sched_getaffinity(0))


# ------------------------------------------------------- models (inside the family's Python)
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


# Options of a search that is short.
FEW = {
    "tvm-autotvm": {"trials": 2, "number": 1, "repeat": 1},
    "tvm-autoscheduler": {
        "trials": 4,
        "policy": "sketch.random",
        "population": 16,
        "iterations": 1,
        "min_repeat_ms": 1,
    },
}
FOLDER = None  # where everything is made; test.py sets it


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


def request(
    compiler="tvm-autotvm",
    model="conv.onnx",
    precision="fp32",
    shapes=None,
    action="build",
    more=None,
    **options
):
    """A request; `more` holds members that only some actions have."""
    engine = tempfile.mkdtemp(dir=FOLDER, prefix="engine-")
    asked = {
        "protocol": 1,
        "action": action,
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
    asked.update(more or {})
    return asked


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


class BuilderCase(unittest.TestCase):
    """Runs of a builder that must fail or must succeed."""

    _engines = {}  # by compiler: what `shared` built

    def refused(self, kind, words, **named):
        """The one line with which the builder refuses; it has every one of `words`."""
        code, events, text, _ = start(
            request(**named), compiler=named.get("compiler", "tvm-autotvm")
        )
        self.assertEqual(code, 1, text)
        self.assertEqual(events[-1]["event"], "error", text)
        self.assertEqual(events[-1]["kind"], kind, events[-1])
        self.assertNotIn("\n", events[-1]["message"])
        for word in words:
            self.assertIn(word, events[-1]["message"])

    def succeeds(self, compiler="tvm-autotvm", environment=None, **named):
        """(engine folder, events) of an action that ends well."""
        asked = request(compiler=compiler, **named)
        code, events, text, scratch = start(asked, environment, compiler)
        self.assertEqual(
            (code, events[-1]["event"] if events else None),
            (0, "done"),
            "%s\n%s" % (events[-1:], text[-3000:]),
        )
        self.assertEqual(processes_with(scratch), [], "processes left behind")
        return asked["engine_dir"], events

    def built(self, compiler="tvm-autotvm", environment=None, **named):
        """(engine folder, events, manifest, kernels) of a build or rebuild."""
        engine, events = self.succeeds(compiler, environment, **named)
        with open(os.path.join(engine, "manifest.json")) as handle:
            manifest = json.load(handle)
        with open(os.path.join(engine, "kernels.json")) as handle:
            kernels = json.load(handle)["kernels"]
        return engine, events, manifest, kernels

    def shared(self, compiler):
        """`built` with few trials, once for all tests: they must not change it."""
        if compiler not in self._engines:
            self._engines[compiler] = self.built(compiler, **FEW[compiler])
        return self._engines[compiler]
