# SPDX-License-Identifier: Apache-2.0
"""The Python side of the runner: loads a plan, puts inferences on a stream (assay_host.py)."""

import collections
import json
import os
import time

import assay_builder as ab
import trt_layers
import trt_log
import trt_module
import trt_network

MANIFEST, PLAN = "manifest.json", "engine.plan"


def load():
    return str(trt_module.load().__version__)


def _manifest(folder):
    path = os.path.join(folder, MANIFEST)
    try:
        with open(path, encoding="utf-8") as handle:
            told = json.load(handle)
        sizes = {f["path"]: f["bytes"] for f in told["files"]}
        told["inputs"], told["outputs"], told["precision"], told["options"]  # all there
        size = sizes[PLAN]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ab.BuildError("invalid", "%s: no engine of this compiler: %r" % (path, error))
    plan = os.path.join(folder, PLAN)
    if not os.path.isfile(plan) or os.path.getsize(plan) != size:
        raise ab.BuildError("invalid", "%s: not the %s bytes of its manifest" % (plan, size))
    return told


class Engine:
    """A plan, deserialised; `request` as assay_host.py says."""

    def __init__(self, request):
        self._trt = trt = trt_module.load()
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
        self._log = trt.Logger(trt.Logger.WARNING)
        self._runtime = trt.Runtime(self._log)
        with open(os.path.join(request["engine_dir"], PLAN), "rb") as handle:
            self._engine = self._runtime.deserialize_cuda_engine(handle.read())
        if self._engine is None:
            raise ab.BuildError(
                "invalid",
                "TensorRT %s cannot load %s: its own words are in the log of this launch"
                % (trt.__version__, PLAN),
            )
        self._shapes = {t["name"]: t["shape"] for t in told["inputs"]}
        self._dynamic = False
        self._contexts = []
        first = self._make_context()
        self.inputs = self._tensors(first, told["inputs"], trt.TensorIOMode.INPUT)
        self.outputs = self._tensors(first, told["outputs"], trt.TensorIOMode.OUTPUT)
        self._first = first  # not used up: the first context() is this one
        self._kernels = None

    def _tensors(self, context, told, mode):
        """What the engine itself says, in the manifest's order."""
        names = [t["name"] for t in told]
        return trt_network.tensors(self._trt, self._engine, context, names, mode)

    def _make_context(self):
        context = self._engine.create_execution_context()
        if context is None:
            raise ab.BuildError("failed", "TensorRT makes no execution context of the engine")
        for name, shape in self._shapes.items():
            if -1 in self._engine.get_tensor_shape(name):
                self._dynamic = True
                if not context.set_input_shape(name, shape):
                    raise ab.BuildError("invalid", "input %s: not of shape %s" % (name, shape))
        return context

    def context(self):
        context, self._first = self._first or self._make_context(), None
        self._contexts.append(context)
        return len(self._contexts) - 1

    def _enqueue(self, context, stream, inputs, outputs):
        for tensors, places in ((self.inputs, inputs), (self.outputs, outputs)):
            for tensor, place in zip(tensors, places):
                if not context.set_tensor_address(tensor["name"], place):
                    raise ab.BuildError("failed", "no address for tensor %s" % tensor["name"])
        if not context.execute_async_v3(stream):
            raise ab.BuildError("failed", "TensorRT does not enqueue the inference")

    def enqueue(self, context, stream, inputs, outputs):
        self._enqueue(self._contexts[context], stream, inputs, outputs)

    def _layers(self):
        if self._kernels is None:
            inspector = self._engine.create_engine_inspector()
            if self._dynamic:
                inspector.execution_context = self._contexts[0]
            form = self._trt.LayerInformationFormat.JSON
            self._kernels = trt_layers.read(inspector.get_engine_information(form))
        return self._kernels

    def kernel_map(self):
        return [dict(layer._asdict()) for layer in self._layers()]

    def layer_times(self, stream, inputs, outputs, runs, wait):
        """By TensorRT's profiler, in a context of its own: it disturbs what it measures."""
        taken = []

        class Profiler(self._trt.IProfiler):
            def __init__(self):
                super().__init__()  # the interface asks for it

            def report_layer_time(self, layer_name, ms):
                taken.append((layer_name, ms))

        context, profiler = self._make_context(), Profiler()
        self._enqueue(context, stream, inputs, outputs)  # what runs first allocates and loads
        wait()
        context.profiler = profiler
        told = []
        for _ in range(runs):
            del taken[:]
            begin = time.perf_counter_ns()
            self._enqueue(context, stream, inputs, outputs)
            wait()
            whole = time.perf_counter_ns() - begin
            told.append(self._lines(taken) + [(-1, "", "", whole)])
        return told

    def _lines(self, taken):
        """(ordinal, layer, kernel, ns) of the profiler's reports; the n-th report of a name is the
        n-th layer of that name, one that is in no kernel map is left out.
        """
        places = collections.defaultdict(collections.deque)
        for ordinal, layer in enumerate(self._layers()):
            places[layer.layer].append((ordinal, layer.layer, layer.kernel))
        lines = []
        for name, ms in taken:
            known = places.get(trt_log.strip_counter(trt_log.clean(name)))
            if known:
                lines.append(known.popleft() + (int(round(ms * 1e6)),))
        return lines

    def close(self):
        # In this order: TensorRT wants the children gone first.
        self._contexts, self._first = [], None
        self._engine = None
        self._runtime = None
