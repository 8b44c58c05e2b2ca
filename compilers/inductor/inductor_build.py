# SPDX-License-Identifier: Apache-2.0
"""One build: the module, its export, the compilation, and what the engine folder holds of it."""

import os
import shutil
import zipfile

import torch
import torch._inductor
import torch._inductor.config as inductor_config

import assay_builder as ab
import inductor_kernels
import inductor_search
import onnx_module

PACKAGE, LIBRARY = "model.pt2", "model.so"  # the artifact on a GPU, on a CPU
DTYPES = {"fp32": torch.float32, "fp16": torch.float16}


def set_tf32(allowed):
    """For cuBLAS, cuDNN and Triton's own products; torch itself lets cuDNN use TF32."""
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def _device(request):
    if request.device == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ab.BuildError("missing", "device %s: torch sees no GPU" % request.device)
    return torch.device("cuda", 0)  # the only one that this process sees


def _target(device, options):
    parts = ["torch %s" % torch.__version__]
    if device.type == "cuda":
        told = torch.cuda.get_device_properties(0)
        parts[:0] = [told.name, "sm_%d%d" % (told.major, told.minor)]
        parts += ["CUDA %s" % torch.version.cuda, "cuDNN %s" % torch.backends.cudnn.version()]
    else:
        parts[:0] = [torch.backends.cpu.get_cpu_capability()]
    return "; ".join(parts + ["%s=%s" % (n, str(v).lower()) for n, v in sorted(options.items())])


def _configuration(options):
    """Settings of Inductor.  BuildError `unsupported` for a mode that this torch does not have."""
    wanted = {"max_autotune": options["max_autotune"], "compile_threads": 1}
    if options["deterministic"]:
        if not hasattr(inductor_config, "deterministic"):
            raise ab.BuildError(
                "unsupported", "torch %s has no deterministic mode" % torch.__version__
            )
        wanted["deterministic"] = True
    return wanted


def _outputs(b, module, tensors):
    names = {torch.float32: "float32", torch.int64: "int64", torch.int32: "int32",
             torch.bool: "bool", torch.float64: "float64"}
    for name, tensor in zip(module.outputs, tensors):
        dtype = names.get(tensor.dtype, str(tensor.dtype))
        b.outputs.append(ab.tensor(name, dtype, list(tensor.shape)))


def build(b):
    request, options = b.request, b.request.options
    device = _device(request)
    torch.manual_seed(request.seed & ((1 << 63) - 1))
    torch.set_num_threads(request.threads)
    set_tf32(options["tf32"])
    b.progress(0, 4, "steps", "import")
    module = onnx_module.Model(request.model, request.shapes, DTYPES[request.precision])
    module = module.eval().to(device)
    example = module.example(request.seed, device)
    with torch.no_grad():
        try:
            tensors = module(*example)
        except (RuntimeError, IndexError, ValueError) as error:
            raise ab.BuildError("invalid", "the model does not run with these shapes: %s" % error)
        b.inputs = [ab.tensor(name, dtype.name, list(s)) for name, dtype, s in module.inputs]
        _outputs(b, module, tensors)
        b.progress(1, 4, "steps", "export")
        exported = torch.export.export(module, example)
        b.progress(2, 4, "steps", "compile")
        search = inductor_search.Search(b)
        package = os.path.join(request.scratch, PACKAGE)
        metadata = inductor_kernels.Metadata()
        with metadata.recorded():
            torch._inductor.aoti_compile_and_package(
                exported,
                package_path=package,
                inductor_configs=_configuration(options),
            )
    b.progress(3, 4, "steps", "read the package")
    search.finish()
    origins = inductor_kernels.origins(exported.graph, module.node_names)
    with zipfile.ZipFile(package) as archive:
        kernels = inductor_kernels.read(archive, metadata, origins)
        if device.type == "cpu":
            _extract(archive, b.path(LIBRARY))
    for kernel in kernels:
        b.kernel(precision=request.precision, **kernel)
    if device.type == "cuda":
        shutil.move(package, b.path(PACKAGE))
    b.file(PACKAGE if device.type == "cuda" else LIBRARY, "artifact")
    b.target = _target(device, options)
    b.program("g++")


def _extract(archive, target):
    """The one library of a package for a CPU: weights and kernels are in it."""
    names = [name for name in archive.namelist() if name.endswith(".so")]
    if len(names) != 1:
        raise ab.BuildError("failed", "the package holds %d libraries, expected 1" % len(names))
    with archive.open(names[0]) as source, open(target, "wb") as made:
        shutil.copyfileobj(source, made)
    os.chmod(target, 0o755)
