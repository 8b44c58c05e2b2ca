#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the two TVM builders for CUDA that need no GPU: engines built, their sources compared.

    cuda_test.py [--assay build/dev/bin/assay] [TEST ...]

Exit code 77, with the reason, when tvm-0.14-cuda is not installed.  Tests that say how a machine
without a driver is refused are skipped where there is one.
"""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import test_support as support  # noqa: E402
from test_support import BuilderCase  # noqa: E402

FAMILY = os.path.join(support.CACHE, "venvs", "tvm-0.14-cuda")
support.PYTHON = os.path.join(FAMILY, "bin", "python")
ASSAY = os.path.abspath(sys.argv[sys.argv.index("--assay") + 1]) if "--assay" in sys.argv else ""
COMPILERS = ("tvm-autotvm", "tvm-autoscheduler")
NONE = {"trials": 0, "target": "sm_90"}


def has_driver():
    try:
        ctypes.CDLL("libcuda.so.1")
        return True
    except OSError:
        return False


DRIVER = has_driver()  # before a stub answers for it in this process


def tasks_log(number):
    """A tuning log for conv.onnx as a search would leave it, with configuration `number` of each
    task as its only candidate; made, not measured.  Inside the family's Python."""
    import tvm_cuda

    tvm_cuda.load_driver()
    import onnx
    import tvm
    import tvm_common as common
    from tvm import autotvm, relay

    model = onnx.load(os.path.join(support.FOLDER, "conv.onnx"))
    mod, params = relay.frontend.from_onnx(
        model, shape={"input.1": [1, 1, 8, 8]}, freeze_params=True
    )
    target = tvm.target.Target("cuda -arch=sm_90", host=common.host_target())
    tasks = autotvm.task.extract_from_program(
        relay.transform.InferType()(mod)["main"], target=target, params=params
    )
    lines = []
    for task in tasks:
        config = task.config_space.get(number % len(task.config_space))
        made = autotvm.measure.MeasureInput(task.target, task, config)
        result = autotvm.measure.MeasureResult([1e-5], 0, 0.1, 1e9)
        lines.append(autotvm.record.encode(made, result) + "\n")
    return "".join(lines)


class Cuda(BuilderCase):
    _built = {}

    def asked(self, compiler, again=False, **options):
        """`built` without trials, once for each options but `again`."""
        named = dict(NONE, **options)
        key = (compiler, json.dumps(named, sort_keys=True))
        if again or key not in self._built:
            self._built[key] = self.built(compiler, more={"device": "cuda:0"}, **named)
        return self._built[key]

    def sources(self, engine, kernels):
        found = {}
        for kernel in kernels:
            with open(os.path.join(engine, kernel["source"])) as handle:
                found[kernel["layer"]] = handle.read()
        return found

    def test_two_builds_have_equal_sources(self):
        for compiler in COMPILERS:
            engine, events, manifest, kernels = self.asked(compiler)
            self.assertEqual(manifest["device"], "cuda:0")
            self.assertIn("-arch=sm_90", manifest["target"])
            self.assertEqual(manifest["rebuild"]["env"]["CUDA_DEVICE_ORDER"], "PCI_BUS_ID")
            told = [e for e in events if e["event"] == "trials"]
            self.assertEqual([(e["measured"], e["failed"]) for e in told], [(0, 0)])
            self.assertGreaterEqual(told[0]["tasks"], 2)
            for layer, text in self.sources(engine, kernels).items():
                self.assertIn("__global__ void", text, layer)
                self.assertIn("blockIdx", text, layer)
                self.assertIn("// launched by\ndefine", text, layer)
                self.assertNotIn("tvmgen", text.split("// launched by")[0], layer)
            self.assertTrue(all(k["source"].endswith(".cu") for k in kernels))
            with open(os.path.join(engine, "model.so"), "rb") as handle:
                self.assertIn(b"cubin", handle.read())
            _, _, _, again = self.asked(compiler, again=True)
            self.assertEqual(kernels, again)

    def test_other_decisions_give_other_sources(self):
        _, _, _, untuned = self.asked("tvm-autotvm")
        maps = [untuned]
        for number in (3, 5):
            folder = tempfile.mkdtemp(dir=support.FOLDER)
            with open(os.path.join(folder, "tuning.log"), "w") as handle:
                handle.write(tasks_log(number))
            more = {
                "device": "cuda:0",
                "decisions": {"dir": folder, "files": ["tuning.log"]},
            }
            engines = [
                self.built("tvm-autotvm", action="rebuild", more=more, **NONE) for _ in range(2)
            ]
            self.assertEqual(engines[0][3], engines[1][3])
            self.assertEqual(len(engines[0][2]["rebuild"]["choices"]), len(tasks_log(0).split("\n")) - 1)
            maps.append(engines[0][3])
        convolutions = {m[0]["source_sha256"] for m in maps}
        self.assertEqual(len(convolutions), 3, [m[0] for m in maps])

    def test_an_architecture_decides_the_machine_code(self):
        engine, _, _, kernels = self.asked("tvm-autotvm")
        other, _, manifest, kernels_80 = self.asked("tvm-autotvm", target="cuda -arch=sm_80")
        self.assertIn("-arch=sm_80", manifest["target"])
        self.assertEqual(len(kernels), len(kernels_80))
        parts = []
        for folder in (engine, other):
            with open(os.path.join(folder, "model.so"), "rb") as handle:
                data = handle.read()
            at = data.index(b"\x7fELF", 4)  # the cubin inside the shared object
            parts.append(int.from_bytes(data[at + 48 : at + 52], "little"))  # e_flags
        self.assertEqual([p & 0xFF for p in parts], [90, 80])

    def test_refusals(self):
        def refused(kind, words, compiler="tvm-autotvm", **options):
            self.refused(kind, words, compiler=compiler, more={"device": "cuda:0"}, **options)

        refused("unsupported", ["llvm", "cuda -arch"], trials=0, target="llvm")
        refused("unsupported", ["libs"], trials=0, target="cuda -arch=sm_90 -libs=cudnn")
        refused("invalid", ["arch"], trials=0, target="cuda -arch=fast")
        self.refused("invalid", ["device"], more={"device": "cuda:01"}, **NONE)
        if DRIVER:
            self.skipTest("there is a driver: what is refused without one cannot be tried")
        for compiler in COMPILERS:
            refused("missing", ["GPU", "trials=0"], compiler, trials=4, target="sm_90")
            refused("missing", ["driver", "target=sm_90"], compiler, trials=0)

    def test_nvrtc_errors_are_told(self):
        import tvm_cuda

        with self.assertRaisesRegex(RuntimeError, "NVRTC: error 6.*not_a_type"):
            tvm_cuda.compile_source('extern "C" __global__ void f(not_a_type a) {}', "sm_90")
        code = 'extern "C" __global__ void f(float* a) { a[0] = 1; }'
        self.assertEqual(
            tvm_cuda.compile_source(code, "sm_90"), tvm_cuda.compile_source(code, "sm_90")
        )

    def test_a_stub_that_is_called_says_its_name(self):
        import tvm_cuda

        folder = os.path.join(tvm_cuda._site(), "tvm")
        for name, function in (("libcudnn.so.8", "cudnnCreate"), ("libcublas.so.12", "cublasSgemm_v2")):
            done = subprocess.run(
                [sys.executable, "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])[sys.argv[2]]()",
                 os.path.join(folder, name), function],
                stderr=subprocess.PIPE, universal_newlines=True,
            )
            self.assertEqual(done.returncode, -6)
            self.assertIn(function + ": only a stub", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(folder, "libcuda.so.1")), "hides the driver")

    @unittest.skipUnless(ASSAY, "no --assay was given")
    def test_assay_builds_and_compares(self):
        out = os.path.join(support.FOLDER, "run")
        command = [
            ASSAY, "build", os.path.join(support.FOLDER, "conv.onnx"), "--compiler", "tvm-autotvm",
            "--device", "cuda", "--builds", "2", "--shapes", "input.1:1x1x8x8", "--out", out,
            "--option", "tvm-autotvm.target=sm_90", "--trials", "0",
        ]  # fmt: skip
        built = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(built.returncode, 0, built.stderr)
        engines = built.stdout.split()
        self.assertEqual(len(engines), 2, built.stdout)
        diff = subprocess.run(
            [ASSAY, "diff", *engines, "--format", "json"], stdout=subprocess.PIPE, text=True
        )
        self.assertEqual(diff.returncode, 0, diff.stdout)
        told = json.loads(diff.stdout)
        self.assertEqual(set(told["changes"].values()), {0}, told["changes"])


def main():
    names = [
        a for i, a in enumerate(sys.argv[1:], 1)
        if not a.startswith("--") and sys.argv[i - 1] != "--assay"
    ]  # fmt: skip
    if not os.path.exists(os.path.join(FAMILY, ".complete")):
        print("tvm-0.14-cuda is not installed: `./assay-up compilers tvm-autotvm-cuda`")
        sys.exit(77)
    if os.path.realpath(sys.prefix) != os.path.realpath(FAMILY):
        os.execv(support.PYTHON, [support.PYTHON, os.path.abspath(__file__)] + sys.argv[1:])
    os.environ.update({"TOPHUB_LOCATION": "NONE", "TVM_NUM_THREADS": "1", "TVM_BIND_THREADS": "0"})
    with tempfile.TemporaryDirectory(prefix="assay-tvm-cuda-") as folder:
        os.chdir(folder)
        support.FOLDER = folder
        support.make_models(folder)
        unittest.main(argv=[sys.argv[0], "-v"] + names)


if __name__ == "__main__":
    main()
