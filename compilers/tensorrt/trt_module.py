# SPDX-License-Identifier: Apache-2.0
"""The TensorRT module, what it offers, and the device it works on.

What a TensorRT can do is asked of the module itself, never derived from its version number.
"""

import collections
import ctypes
import importlib
import re

import assay_builder as ab

MODULES = ("tensorrt", "tensorrt_bindings")  # front end, and the bindings alone
NEEDS = (
    "TensorRT needs an NVIDIA GPU with its driver, and its environment: ./assay-up compilers tensorrt"
)


def load():
    """The TensorRT module.  BuildError `missing` with what each name answered."""
    said = []
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except (ImportError, OSError) as error:  # OSError: a library that is not there
            said.append("%s: %s" % (name, error))
            continue
        if hasattr(module, "Builder") and hasattr(module, "OnnxParser"):
            return module
        said.append("%s: has no Builder and OnnxParser" % name)
    raise ab.BuildError(
        "missing", "TensorRT cannot be imported (%s). %s" % ("; ".join(said), NEEDS)
    )


def offers_timing_cache(trt):
    """True when decisions can be recorded and replayed by the editable timing cache."""
    flags = ("EDITABLE_TIMING_CACHE", "DISABLE_COMPILATION_CACHE", "ERROR_ON_TIMING_CACHE_MISS")
    cache = getattr(trt, "ITimingCache", None)
    return all(hasattr(trt.BuilderFlag, f) for f in flags) and all(
        hasattr(cache, m) for m in ("queryKeys", "query", "update")
    )


def offers_selector(trt):
    return hasattr(trt, "IAlgorithmSelector") and hasattr(trt.IBuilderConfig, "algorithm_selector")


def strategy(trt, wanted):
    """ "timing_cache", "selector" or "off" for the option `lock`.  BuildError `unsupported`."""
    offered = [
        name
        for name, there in (
            ("timing_cache", offers_timing_cache(trt)),
            ("selector", offers_selector(trt)),
        )
        if there
    ]
    if wanted == "auto":
        return offered[0] if offered else "off"
    if wanted != "off" and wanted not in offered:
        raise ab.BuildError(
            "unsupported",
            "option lock=%s: TensorRT %s offers %s"
            % (wanted, trt.__version__, " and ".join(offered) or "neither lock"),
        )
    return wanted


def _library(*names):
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            pass
    return None


def _call(library, function, *arguments):
    code = getattr(library, function)(*arguments)
    if code != 0:
        raise ab.BuildError(
            "missing", "no usable GPU: %s gave error %d. %s" % (function, code, NEEDS)
        )


def _driver_version(cuda):
    """Version of the driver with the CUDA version that it carries: "550.54.15, CUDA 12.4"."""
    number = ctypes.c_int()
    _call(cuda, "cuDriverGetVersion", ctypes.byref(number))
    release = ""
    nvml = _library("libnvidia-ml.so.1")
    if nvml is not None and nvml.nvmlInit_v2() == 0:
        text = ctypes.create_string_buffer(96)
        if nvml.nvmlSystemGetDriverVersion(text, 96) == 0:
            release = text.value.decode("ascii", "replace")
        nvml.nvmlShutdown()
    if not release:  # boards without NVML
        try:
            with open("/sys/module/nvidia/version", encoding="ascii", errors="replace") as handle:
                release = handle.read(96)
        except OSError:
            release = "release unknown"
    return ab.one_line(
        "%s, CUDA %d.%d" % (release.strip(), number.value // 1000, number.value % 1000 // 10)
    )


def _runtime_version():
    """Version of the CUDA runtime library that this process has mapped; TensorRT may hold its own
    inside.
    """
    for path, _ in ab.loaded_files():
        if re.search(r"/libcudart\.so[0-9.]*$", path):
            number = ctypes.c_int()
            _call(ctypes.CDLL(path), "cudaRuntimeGetVersion", ctypes.byref(number))
            return "%d.%d" % (number.value // 1000, number.value % 1000 // 10)
    return "inside TensorRT"


def contract(trt):
    """{name: text} of what must be the same for a lock to hold.  BuildError `missing` without a
    GPU.

    Device 0 of those that the process may see is the one TensorRT uses.  Called after a Builder was
    made, so that TensorRT's own libraries are mapped.
    """
    cuda = _library("libcuda.so.1")
    if cuda is None:
        raise ab.BuildError("missing", "no NVIDIA driver here (libcuda.so.1). " + NEEDS)
    _call(cuda, "cuInit", 0)
    device = ctypes.c_int()
    _call(cuda, "cuDeviceGet", ctypes.byref(device), 0)
    name = ctypes.create_string_buffer(256)
    _call(cuda, "cuDeviceGetName", name, 256, device)
    capability = []
    for attribute in (75, 76):  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR
        number = ctypes.c_int()
        _call(cuda, "cuDeviceGetAttribute", ctypes.byref(number), attribute, device)
        capability.append(number.value)
    return collections.OrderedDict(
        [
            ("gpu", ab.one_line(name.value.decode("utf-8", "replace"))),
            ("sm", "%d.%d" % tuple(capability)),
            ("tensorrt", str(trt.__version__)),
            ("cuda_runtime", _runtime_version()),
            ("driver", _driver_version(cuda)),
        ]
    )


def check_contract(recorded, here):
    """BuildError `invalid` that names every difference between two contracts."""
    names = sorted(set(recorded) | set(here))
    wrong = [
        "%s %s, here %s" % (n, recorded.get(n, "not told"), here.get(n, "not told"))
        for n in names
        if recorded.get(n) != here.get(n)
    ]
    if wrong:
        raise ab.BuildError(
            "invalid",
            "the decisions were recorded elsewhere and do not hold here: %s: rebuild on "
            "the device and with the versions of the lock, or record a new one" % "; ".join(wrong),
        )
