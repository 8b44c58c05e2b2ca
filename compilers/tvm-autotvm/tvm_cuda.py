# SPDX-License-Identifier: Apache-2.0
"""CUDA for the TVM 0.14 builders: the driver or its stub, the architecture, NVRTC as the compiler.

TVM compiles a CUDA module by the callback `tvm_callback_cuda_compile`, which its Python package
fills with nvcc.  Here it is NVRTC of the pinned wheel, called for one real architecture, so that
the engine holds machine code and nothing is compiled when it is loaded.
"""

import ctypes
import os
import re
import subprocess
import sys
import sysconfig

import cuda_source
import tvm_common as common

ab = common.ab

ENVIRONMENT = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
INSTALL = "./assay-up compilers tvm-autotvm-cuda"
ARCH = re.compile(r"sm_[1-9][0-9]{1,2}a?")
# Limits that every GPU from sm_50 on has at least, and that code without an opt-in can use.  Given
# instead of asked for, so that a search and a build without a GPU start from the same numbers.
LIMITS = {
    "max_shared_memory_per_block": 49152,
    "max_threads_per_block": 1024,
    "warp_size": 32,
}
_COMPUTE_MAJOR, _COMPUTE_MINOR = 75, 76  # CUdevice_attribute


def _site():
    return sysconfig.get_path("purelib")


def load_driver():
    """True when libcuda.so.1 is a driver; without one its stub is loaded, so that TVM can be.

    A stub that is loaded first answers for the name; where there is a driver it is never touched.
    """
    try:
        ctypes.CDLL("libcuda.so.1", mode=ctypes.RTLD_GLOBAL)
        return True
    except OSError:
        stub = os.path.join(_site(), "tvm", "no_driver", "libcuda.so.1")
        if not os.path.exists(stub):
            raise ab.BuildError("missing", "%s is not there: run %s" % (stub, INSTALL))
        ctypes.CDLL(stub, mode=ctypes.RTLD_GLOBAL)
        return False


def gpu(number):
    """(name, "sm_XX") of GPU `number`, by the driver; BuildError `missing` with the reason.

    Asked in a process of its own (not a fork: a driver that this process has started refuses to
    start again in one), so that this one has no CUDA context when TVM starts its helpers.
    """
    asked = subprocess.run(
        [sys.executable, "-B", os.path.abspath(__file__), str(number)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=False,
    )
    told = asked.stdout.decode("utf-8", "replace")
    kind, _, text = told.partition(" ")
    if kind != "ok":
        raise ab.BuildError("missing", "GPU %d: %s" % (number, text or "the driver ended the call"))
    arch, _, name = text.partition(" ")
    return name, arch


def _ask_driver(number):
    """ "ok sm_XX NAME" or "no REASON"."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return "no %s" % error
    device, value = ctypes.c_int(), ctypes.c_int()
    status = cuda.cuInit(0)
    if status:
        return "no the driver's cuInit gives error %d" % status
    if cuda.cuDeviceGet(ctypes.byref(device), number):
        cuda.cuDeviceGetCount(ctypes.byref(value))
        return "no there are %d" % value.value
    numbers = []
    for attribute in (_COMPUTE_MAJOR, _COMPUTE_MINOR):
        if cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device):
            return "no the driver does not tell its compute capability"
        numbers.append(value.value)
    name = ctypes.create_string_buffer(256)
    cuda.cuDeviceGetName(name, 256, device)
    return "ok sm_%d%d %s" % (*numbers, name.value.decode("utf-8", "replace"))


def prepare(job):
    """Before TVM is loaded: environment and driver.  Returns True when there is a driver."""
    number = job.request.device.split(":")[1]
    # TVM knows the GPU as its device 0, also in the processes that measure.
    os.environ.update(ENVIRONMENT, CUDA_VISIBLE_DEVICES=number)
    os.environ["CUDA_CACHE_PATH"] = os.path.join(job.request.scratch, "cuda-cache")
    job.rebuild_env.update(ENVIRONMENT)
    # The helper processes import this module; they inherit the folders of this one.
    os.environ["PYTHONPATH"] = os.pathsep.join([common.HERE, common.COMMON])
    return load_driver()


def make_target(job, options, has_driver):
    """The TVM target of the option `target` (sm_90, or in TVM's words), else that of the GPU."""
    import tvm

    text = options.text("target")
    if not text and not has_driver:
        raise ab.BuildError(
            "missing",
            "no NVIDIA driver is here to ask for the architecture: build on the machine with the "
            "GPU, or name it with the options target=sm_90 and trials=0",
        )
    text = text or gpu(0)[1]  # the only visible one
    if ARCH.fullmatch(text):
        text = "cuda -arch=%s" % text
    try:
        target = tvm.target.Target(text, host=common.host_target())
    except Exception as error:  # TVM's parser raises several kinds
        raise ab.BuildError("invalid", "option target: %s: %s" % (text, common.last_line(error)))
    if target.kind.name != "cuda" or not ARCH.fullmatch(str(target.arch)):
        raise ab.BuildError(
            "unsupported",
            "option target: %s: on device %s it must be `cuda -arch=sm_XX`"
            % (text, job.request.device),
        )
    if target.libs:
        raise ab.BuildError(
            "unsupported", "option target: %s: libraries (-libs) are only stubs here" % text
        )
    if not tvm.runtime.enabled("cuda"):
        raise ab.BuildError("missing", "this TVM was built without CUDA: run %s" % INSTALL)
    register_compiler()
    return target


def need_gpu(job, has_driver):
    """BuildError `missing` unless candidates can be measured here."""
    if not has_driver:
        raise ab.BuildError(
            "missing",
            "tuning measures candidates on the GPU %s, and no NVIDIA driver is here: build on that "
            "machine, rebuild from a lock made there, or take TVM's default schedules with the "
            "option trials=0" % job.request.device,
        )
    gpu(0)


# ---------------------------------------------------------------- NVRTC
def register_compiler():
    """Makes NVRTC TVM's compiler of CUDA source in this process."""
    import tvm

    tvm.register_func("tvm_callback_cuda_compile", _compile, override=True)


def start_helper(after, *arguments):
    """Initializer of a process that builds candidates: what TVM wants there, and NVRTC."""
    after(*arguments)
    register_compiler()


def helper_pool(pool):
    """TVM's class of process pools `pool`, with `start_helper` before each initializer."""

    def make(*arguments, **named):
        inner = named.pop("initializer", None) or (lambda *a: None)
        return pool(
            *arguments,
            initializer=start_helper,
            initargs=(inner, *named.pop("initargs", ())),
            **named,
        )

    return make


def _compile(code, target):
    return bytearray(compile_source(cuda_source.in_order(code), str(target.arch)))


def compile_source(code, arch):
    """Machine code (cubin) of CUDA source for `arch` ("sm_90"); RuntimeError with NVRTC's log."""
    nvrtc = ctypes.CDLL(os.path.join(_site(), "tvm", "libnvrtc.so.12"))
    program, size = ctypes.c_void_p(), ctypes.c_size_t()

    def check(status, what):
        if status:
            raise RuntimeError("NVRTC: %s gives error %d" % (what, status))

    def text(function):
        check(getattr(nvrtc, function + "Size")(program, ctypes.byref(size)), function)
        buffer = ctypes.create_string_buffer(size.value)
        check(getattr(nvrtc, function)(program, buffer), function)
        return buffer.raw[: size.value]

    check(
        nvrtc.nvrtcCreateProgram(ctypes.byref(program), code.encode(), b"kernels.cu", 0, None, None),
        "nvrtcCreateProgram",
    )
    include = os.path.join(_site(), "nvidia", "cuda_runtime", "include")
    options = [b"--gpu-architecture=" + arch.encode(), b"-I" + include.encode()]
    try:
        status = nvrtc.nvrtcCompileProgram(
            program, len(options), (ctypes.c_char_p * len(options))(*options)
        )
        if status:
            log = text("nvrtcGetProgramLog").rstrip(b"\0").decode("utf-8", "replace")
            raise RuntimeError("NVRTC: error %d: %s" % (status, ab.one_line(log, 400)))
        return text("nvrtcGetCUBIN")
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


if __name__ == "__main__":
    sys.stdout.write(_ask_driver(int(sys.argv[1])))
