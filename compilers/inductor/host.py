# SPDX-License-Identifier: Apache-2.0
"""The runner's Python side on a GPU: loads a package, puts inferences on a stream."""

import json
import os

import torch
import torch._inductor

import assay_builder as ab
import inductor_profile

MANIFEST, PACKAGE, KERNELS = "manifest.json", "model.pt2", "kernels.json"
_SPELLED = {
    "float32": "<f4", "float64": "<f8", "float16": "<f2", "int64": "<i8", "int32": "<i4",
    "int16": "<i2", "int8": "|i1", "uint8": "|u1", "bool": "|b1",
}


def load():
    return str(torch.__version__)


def _manifest(folder):
    path = os.path.join(folder, MANIFEST)
    try:
        with open(path, encoding="utf-8") as handle:
            told = json.load(handle)
        files = {f["path"]: f for f in told["files"]}
        told["inputs"], told["outputs"], told["precision"], told["options"]  # all there
        size, digest = files[PACKAGE]["bytes"], files[KERNELS]["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ab.BuildError(
            "invalid", "%s: no engine of this compiler for a GPU: %r" % (path, error)
        )
    package, kernels = os.path.join(folder, PACKAGE), os.path.join(folder, KERNELS)
    if not os.path.isfile(package) or os.path.getsize(package) != size:
        raise ab.BuildError("invalid", "%s: not the %s bytes of its manifest" % (package, size))
    if not os.path.isfile(kernels) or ab.sha256_file(kernels) != digest:
        raise ab.BuildError("invalid", "%s: not the file of its manifest" % kernels)
    with open(kernels, encoding="utf-8") as handle:
        told["kernels"] = json.load(handle)["kernels"]
    return told


class _Place:
    """Device memory of the runner, as torch takes it."""

    def __init__(self, tensor, address):
        self.__cuda_array_interface__ = {
            "shape": tuple(tensor["shape"]),
            "typestr": _SPELLED[tensor["dtype"]],
            "data": (address, False),
            "strides": None,
            "version": 3,
        }


class Engine:
    """A package, loaded; `request` as assay_host.py says."""

    def __init__(self, request):
        told = _manifest(request["engine_dir"])
        if told["precision"] != request["precision"]:
            raise ab.BuildError(
                "invalid",
                "the engine was built for %s, asked to run as %s"
                % (told["precision"], request["precision"]),
            )
        for name in request["options"]:
            if name not in told["options"]:
                raise ab.BuildError("invalid", "unknown option %s" % name)
        if not torch.cuda.is_available():
            raise ab.BuildError("missing", "torch sees no GPU")
        self._device = torch.device("cuda", int(request["device"].partition(":")[2]))
        torch.cuda.set_device(self._device)
        allowed = bool(told["options"].get("tf32", False))
        torch.backends.cuda.matmul.allow_tf32 = allowed  # also of ATen's operators at run time
        torch.backends.cudnn.allow_tf32 = allowed
        self.inputs, self.outputs = told["inputs"], told["outputs"]
        self._kernels = told["kernels"]
        for tensor in self.inputs + self.outputs:
            if tensor["dtype"] not in _SPELLED:
                raise ab.BuildError("unsupported", "element type %s" % tensor["dtype"])
        try:
            # Single threaded: the other way asks events whether a model is free, which no stream
            # that is captured can answer.
            self._model = torch._inductor.aoti_load_package(
                os.path.join(request["engine_dir"], PACKAGE),
                run_single_threaded=True,
                device_index=self._device.index,
            )
        except RuntimeError as error:
            raise ab.BuildError("invalid", "torch cannot load %s: %s" % (PACKAGE, error))
        self._contexts = []
        self._checked = False

    def context(self):
        # What a captured inference uses between its kernels must stay its own: a pool each.
        self._contexts.append({"pool": torch.cuda.MemPool(), "places": {}, "kept": []})
        return len(self._contexts) - 1

    def _places(self, context, inputs, outputs):
        """The buffers as tensors, made once: not while a stream is captured."""
        key = (tuple(inputs), tuple(outputs))
        if key not in context["places"]:
            context["places"][key] = tuple(
                [
                    torch.as_tensor(_Place(tensor, address), device=self._device)
                    for tensor, address in zip(tensors, addresses)
                ]
                for tensors, addresses in ((self.inputs, inputs), (self.outputs, outputs))
            )
        return context["places"][key]

    def _run(self, context, stream, inputs, outputs):
        taken, given = self._places(context, inputs, outputs)
        queue = torch.cuda.ExternalStream(stream, device=self._device)
        with torch.no_grad(), torch.cuda.device(self._device), torch.cuda.stream(queue):
            with torch.cuda.use_mem_pool(context["pool"], self._device):
                made = self._model.loader.run(list(taken))
                if not self._checked:
                    self._check(made)
                for place, tensor in zip(given, made):
                    place.copy_(tensor, non_blocking=True)
        # A graph goes on using this memory: it must not be given to another capture.
        context["kept"].append(made)

    def _check(self, made):
        """The first outputs against the manifest: copy_ would convert and broadcast in silence."""
        if len(made) != len(self.outputs):
            raise ab.BuildError(
                "invalid",
                "%s gives %d outputs, its manifest names %d"
                % (PACKAGE, len(made), len(self.outputs)),
            )
        for told, tensor in zip(self.outputs, made):
            shape, dtype = list(tensor.shape), str(tensor.dtype).rpartition(".")[2]
            if shape != list(told["shape"]) or dtype != told["dtype"]:
                raise ab.BuildError(
                    "invalid",
                    "output %s is %s %s, its manifest says %s %s"
                    % (told["name"], dtype, shape, told["dtype"], list(told["shape"])),
                )
        self._checked = True

    def enqueue(self, context, stream, inputs, outputs):
        self._run(self._contexts[context], stream, inputs, outputs)

    def kernel_map(self):
        names = ("layer", "kernel", "precision", "origin")
        return [{name: line[name] for name in names} for line in self._kernels]

    def layer_times(self, stream, inputs, outputs, runs, wait):
        """By torch's profiler, in memory of its own: it disturbs what it measures."""
        context = self._contexts[self.context()]

        def once():
            self._run(context, stream, inputs, outputs)
            wait()
            context["kept"].clear()

        once()  # what runs first allocates and loads
        return inductor_profile.layer_times(self._kernels, runs, once)

    def close(self):
        self._model = None
        self._contexts = []
