# SPDX-License-Identifier: Apache-2.0
"""What the two TVM 0.14 builders share: environment, options, target, export and kernel map.

TVM itself is imported inside functions, after `prepare`: it reads its environment when it is
loaded.
"""

import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
COMMON = os.path.normpath(os.path.join(HERE, "..", "common"))
sys.path.insert(0, COMMON)
import assay_builder as ab  # noqa: E402
import cuda_source  # noqa: E402
import kernel_source  # noqa: E402

PACKAGES = ["numpy", "onnx", "xgboost", "scipy", "protobuf"]
# Without this relay.build asks a server for tuned schedules, and an online build differs from an
# offline one.
ENVIRONMENT = {"TOPHUB_LOCATION": "NONE", "TVM_BIND_THREADS": "0"}


def versions():
    """{package: version}; TVM comes from a jar without metadata, so its own file is asked."""
    found = {"tvm": _tvm_version()}
    found.update(ab.package_versions(PACKAGES))
    return found


def _tvm_version():
    for folder in sys.path:
        path = os.path.join(folder, "tvm", "_ffi", "libinfo.py")
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as handle:
                for line in handle:
                    if line.startswith("__version__"):
                        return line.split("=")[1].strip().strip("\"'")
    raise ab.BuildError(
        "missing",
        "tvm is not in %s: install it with `./assay-up compilers tvm-autotvm`" % sys.prefix,
    )


# ---------------------------------------------------------------- before TVM is loaded
def on_cuda(job):
    return job.request.device.startswith("cuda")


def prepare(job):
    """Fixes environment, CPU set and seeds, and loads TVM; refuses any precision but fp32.

    Returns False where the device is a GPU and no driver is here, so that nothing can be measured.
    """
    request = job.request
    if request.precision != "fp32":
        raise ab.BuildError(
            "unsupported",
            "precision %s: TVM 0.14 is built here for fp32 only; "
            "ask for --precision fp32" % request.precision,
        )
    os.environ.update(ENVIRONMENT)
    os.environ["TVM_NUM_THREADS"] = str(request.threads)
    os.environ["OMP_NUM_THREADS"] = str(max(1, len(request.cpus)))  # the cost model's threads
    job.rebuild_env = dict(ENVIRONMENT, TVM_NUM_THREADS=str(request.threads))
    # TVM makes a folder in the current one when it is imported, and its helper processes inherit
    # it.
    os.chdir(request.scratch)
    if request.cpus:
        try:
            os.sched_setaffinity(0, request.cpus)  # the processes that build and measure inherit it
        except OSError as error:
            raise ab.BuildError("invalid", "cpus %s: %s" % (request.cpus, error))
    import numpy

    random.seed(request.seed)
    numpy.random.seed(request.seed % (1 << 32))
    usable = _cuda().prepare(job) if on_cuda(job) else True
    import tvm  # noqa: F401  (a missing library shows here)

    return usable


def _cuda():
    import tvm_cuda  # imports this module, so not at its head

    return tvm_cuda


class Options:
    """Checked access to the request's options.  A name that is never declared is `invalid`."""

    def __init__(self, request, defaults):
        for name in request.options:
            if name not in defaults:
                raise ab.BuildError(
                    "invalid",
                    "option %s: unknown; %s has %s"
                    % (name, request.compiler, ", ".join(sorted(defaults))),
                )
        self._values = dict(defaults, **request.options)

    def integer(self, name, low, high):
        value = self._values[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ab.BuildError(
                "invalid",
                "option %s: %r, expected a whole number from %d to %d" % (name, value, low, high),
            )
        return value

    def choice(self, name, choices):
        value = self._values[name]
        if value not in choices:
            raise ab.BuildError(
                "invalid", "option %s: %r, expected one of %s" % (name, value, ", ".join(choices))
            )
        return value

    def text(self, name):
        value = self._values[name]
        if not isinstance(value, str) or len(value) > 1000 or "\n" in value:
            raise ab.BuildError("invalid", "option %s: expected a text of one line" % name)
        return value


# ---------------------------------------------------------------- target
def host_target():
    """`llvm -mcpu=...` for this machine from the flags that the kernel reports.

    The level is chosen by flags and not by the processor's name: a virtual machine may hide
    instructions that the name promises.
    """
    machine = os.uname().machine
    if machine == "x86_64":
        flags = _cpu_flags()
        if {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= flags:
            return "llvm -mcpu=skylake-avx512"
        if {"avx2", "fma", "bmi2"} <= flags:
            return "llvm -mcpu=haswell"
        return "llvm -mcpu=x86-64"
    if machine == "aarch64":
        return "llvm -mtriple=aarch64-linux-gnu -mattr=+neon"
    return "llvm"


def _cpu_flags():
    with open("/proc/cpuinfo", encoding="utf-8") as handle:
        for line in handle:
            if line.startswith("flags"):
                return set(line.split(":", 1)[1].split())
    return set()


def make_target(job, options, usable):
    """TVM target of the options (empty ones: this machine); BuildError when the device has none such.

    usable  what `prepare` gave.
    """
    if on_cuda(job):
        return _cuda().make_target(job, options, usable)
    import tvm

    text = options.text("target")

    try:
        target = tvm.target.Target(text or host_target())
    except Exception as error:  # TVM's parser raises several kinds
        raise ab.BuildError("invalid", "option target: %s: %s" % (text, last_line(error)))
    if target.kind.name != "llvm":
        raise ab.BuildError(
            "unsupported", "option target: %s: the device cpu needs an llvm target" % text
        )
    if not tvm.runtime.enabled("llvm"):
        raise ab.BuildError("missing", "this TVM was built without LLVM")
    return target


def need_device(job, usable):
    """BuildError `missing` unless candidates can be measured on the request's device."""
    if on_cuda(job):
        _cuda().need_gpu(job, usable)


# ---------------------------------------------------------------- build and export
def compile_model(mod, params, target, config=None):
    """relay.build at optimisation level 3; the caller enters the tuning log's context."""
    import tvm
    from tvm import relay

    try:
        with tvm.transform.PassContext(opt_level=3, config=config or {}):
            return relay.build(mod, target=target, params=params)
    except tvm.TVMError as error:
        raise ab.BuildError("failed", "TVM: relay.build: %s" % last_line(error))


def export(job, library):
    """Writes model.so, graph.json, params.bin and the kernel map of a compiled graph."""
    from tvm import runtime
    from tvm.contrib import cc

    kernels = library.get_lib()
    text = library.get_graph_json()
    graph = json.loads(text)
    names = [graph["nodes"][i]["name"] for i in graph["arg_nodes"]]
    constants = library.get_params()
    for tensor in job.inputs:
        if names.count(tensor["name"]) > 1 or tensor["name"] in constants:
            raise ab.BuildError(
                "unsupported",
                "input %s: TVM uses that name for a constant too; rename the "
                "input" % tensor["name"],
            )
    sources = Sources(kernels)
    kernels.export_library(job.path("model.so"))
    for program in (cc.get_cc() or "g++", "ld"):  # what TVM links with, and what that starts
        job.program(program)
    job.file("model.so", "artifact")
    job.write_text("graph.json", text, "artifact")
    with open(job.path("params.bin"), "wb") as handle:
        handle.write(runtime.save_param_dict(constants))
    job.file("params.bin", "artifact")
    texts = {}
    for node in graph["nodes"]:
        if node["op"] != "tvm_op" or node["attrs"]["func_name"] == "__nop":
            continue
        name = node["attrs"]["func_name"]
        if name not in texts:
            texts[name] = sources.text(name)
        job.kernel(
            layer=node["name"],
            kernel=name,
            precision="fp32",
            source_text=texts[name],
            source_ext="cu" if sources.on_gpu(name) else "ll",
        )


class Sources:
    """The normalised sources of a TVM module: LLVM IR, and CUDA before it where there is any.

    The host's part of a GPU function belongs to its text: it holds the grid and the blocks.
    """

    def __init__(self, module):
        self._hosts = [kernel_source.Module(m.get_source("ll")) for m in _modules(module, "llvm")]
        self._devices = [cuda_source.Module(m.get_source()) for m in _modules(module, "cuda")]

    def on_gpu(self, name):
        return any(device.kernel_text(name) for device in self._devices)

    def text(self, name):
        """ "" when no module has a function `name`."""
        host = next((t for t in (m.kernel_text(name) for m in self._hosts) if t), "")
        gpu = next((t for t in (m.kernel_text(name) for m in self._devices) if t), "")
        return gpu + "\n// launched by\n" + host if gpu else host


def _modules(module, kind):
    found = [module] if module.type_key == kind else []
    for inner in module.imported_modules:
        found.extend(_modules(inner, kind))
    return found


# ---------------------------------------------------------------- errors
def first_line(error):
    """The first line of an exception's text that is not empty."""
    return next(
        (line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__
    )


def last_line(error):
    """The line of TVM's error text that says what happened; a back trace stands before it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for line in reversed(lines):
        if "Error:" in line or "Check failed" in line or "not supported" in line:
            return line
    return lines[-1] if lines else type(error).__name__
