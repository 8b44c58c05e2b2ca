# SPDX-License-Identifier: Apache-2.0
"""The rest of the fake `tensorrt`: builder, engine, inspector, and the names of one flavour."""

import enum
import json
import os
import random
import signal

import fake_run
import fake_trt as f

fake_run.use_libraries()

FLAGS = ("FP16", "INT8", "TF32", "DISABLE_TIMING_CACHE", "REJECT_EMPTY_ALGORITHMS")
EDITABLE_FLAGS = (
    "EDITABLE_TIMING_CACHE",
    "DISABLE_COMPILATION_CACHE",
    "ERROR_ON_TIMING_CACHE_MISS",
    "DISTRIBUTIVE_INDEPENDENCE",
)
DataType = enum.Enum("DataType", "FLOAT HALF INT64")
TensorIOMode = enum.Enum("TensorIOMode", "INPUT OUTPUT")
LayerInformationFormat = enum.Enum("LayerInformationFormat", "ONELINE JSON")
ProfilingVerbosity = enum.Enum("ProfilingVerbosity", "LAYER_NAMES_ONLY NONE DETAILED")
MemoryPoolType = enum.Enum("MemoryPoolType", "WORKSPACE")


def plan(network, config, chosen, myelin):
    """The bytes of an engine: what the other classes here read again, and an address that no two
    builds share.
    """
    layers, counter = [], random.SystemRandom().randrange(9)
    half = "FP16" in config.flags
    for number, (layer, tactic) in enumerate(chosen):
        told = {
            "Name": layer.name,
            "LayerType": "CaskConvolution",
            "TacticName": tactic.kernel,
            "TacticValue": "0x%016x" % tactic.hash,
            "Metadata": "[ONNX Layer: %s]" % layer.name,
            "Outputs": [
                {
                    "Name": "t",
                    "Format/Datatype": (
                        "Row major linear FP16 format" if half else "Row major linear FP32"
                    ),
                }
            ],
        }
        if myelin and layer.op != "Conv":
            del told["TacticValue"]
            told.update(
                Name="%s_myl%d_%d" % (layer.name, counter, number),
                LayerType="gemm",
                Outputs=[{"Name": "t", "Format/Datatype": "Half" if half else "Float"}],
            )
        layers.append(told)
    shapes = dict(s for p in config.profiles for s in p.shapes.items())
    tensors = [["INPUT", t.name, t.dtype, list(t.shape)] for t in network.inputs]
    tensors += [["OUTPUT", t.name, t.dtype, list(t.shape)] for t in network.outputs]
    return json.dumps(
        {
            "layers": layers,
            "tensors": tensors,
            "shapes": shapes,
            "nodes": [n._asdict() for n in network.nodes],
            "weights": {n: [list(e), raw.hex()] for n, (e, raw) in network.weights.items()},
            "detailed": config.profiling_verbosity is ProfilingVerbosity.DETAILED,
            "address": os.urandom(8).hex(),
        }
    ).encode()


class Context:
    profiler = None

    def __init__(self, told):
        self._told, self._batch, self._places = told, None, {}
        self._weights = fake_run.weights_of(told["weights"])

    def set_input_shape(self, name, shape):
        assert self._told["shapes"][name] == list(shape)
        self._batch = shape[0]
        return True

    def get_tensor_shape(self, name):
        shape = next(t[3] for t in self._told["tensors"] if t[1] == name)
        return tuple(self._batch if e == -1 and self._batch is not None else e for e in shape)

    def set_tensor_address(self, name, address):
        self._places[name] = address
        return True

    def execute_async_v3(self, stream):
        if f.FAKE.get("enqueue"):
            return False
        sides = {"INPUT": {}, "OUTPUT": {}}
        for mode, name, _, _ in self._told["tensors"]:
            sides[mode][name] = (list(self.get_tensor_shape(name)), self._places[name])
        if self.profiler is not None:
            for number, layer in enumerate(self._told["layers"]):
                self.profiler.report_layer_time(layer["Name"], 0.001 * (number + 1))
        told = self._told
        return fake_run.launch(
            stream, told["nodes"], self._weights, sides["INPUT"], sides["OUTPUT"]
        )


class Profiler:
    def __init__(self):
        self.made = True


class Inspector:
    execution_context = None

    def __init__(self, told):
        self._told = told

    def get_engine_information(self, form):
        assert form is LayerInformationFormat.JSON
        layers = self._told["layers"]
        return json.dumps(
            {
                "Layers": layers if self._told["detailed"] else [la["Name"] for la in layers],
                "Bindings": [t[1] for t in self._told["tensors"]],
            }
        )


class Engine:
    def __init__(self, told):
        self._told = told

    num_io_tensors = property(lambda self: len(self._told["tensors"]))

    def get_tensor_name(self, index):
        return self._told["tensors"][index][1]

    def _tensor(self, name):
        return next(t for t in self._told["tensors"] if t[1] == name)

    def get_tensor_shape(self, name):
        return tuple(self._tensor(name)[3])

    def get_tensor_mode(self, name):
        return TensorIOMode[self._tensor(name)[0]]

    def get_tensor_dtype(self, name):
        return DataType[self._tensor(name)[2]]

    def create_execution_context(self):
        return Context(self._told)

    def create_engine_inspector(self):
        return Inspector(self._told)


class Runtime:
    def __init__(self, logger):
        pass

    def deserialize_cuda_engine(self, data):
        try:
            return Engine(json.loads(bytes(data).decode()))
        except ValueError:
            return None


def module(version, selector, editable, strong):
    """{name: value} of the module.  `selector`, `editable`, `strong`: which of these mechanisms it
    offers.
    """
    without = f.FAKE.get("without", [])
    selector = selector and "IAlgorithmSelector" not in without
    flags = [n for n in FLAGS + (EDITABLE_FLAGS if editable else ()) if n not in without]
    stamp = "%s %s" % (version, os.environ.get("FAKE_GPU", ""))
    cache_class = f.EditableTimingCache if editable else f.TimingCache

    class Config(f.BuilderConfig):
        pass

    Config.editable = editable
    if selector:
        Config.algorithm_selector = None
    if editable:
        Config.max_num_tactics = -1

    class Builder:
        platform_has_fast_fp16 = True
        max_threads = 0

        def __init__(self, logger):
            self._log = logger

        def create_network(self, bits=0):
            return f.Network(bits)

        def create_optimization_profile(self):
            return f.Profile()

        def create_builder_config(self):
            return Config(stamp, cache_class)

        def build_serialized_network(self, network, config):
            if f.FAKE.get("noise"):
                f.noise()
            if f.FAKE.get("crash"):
                self._log.error("about to crash")
                os.kill(os.getpid(), signal.SIGSEGV)
            if f.FAKE.get("fail"):
                self._log.error("Error Code 10: Could not find any implementation for node")
                return None
            run, chooser = f.Run(network, config, self._log), getattr(
                config, "algorithm_selector", None
            )
            chosen = run.by_selector(chooser) if chooser else run.by_cache()
            return None if chosen is None else plan(network, config, chosen, editable)

    creation = enum.IntEnum(
        "NetworkDefinitionCreationFlag",
        ["EXPLICIT_BATCH"] + (["STRONGLY_TYPED"] if strong else []),
        start=0,
    )
    names = {
        "__version__": version,
        "Logger": f.Logger,
        "Builder": Builder,
        "OnnxParser": f.OnnxParser,
        "Runtime": Runtime,
        "IBuilderConfig": Config,
        "ITimingCache": cache_class,
        "BuilderFlag": enum.IntEnum("BuilderFlag", flags, start=0),
        "NetworkDefinitionCreationFlag": creation,
        "DataType": DataType,
        "TensorIOMode": TensorIOMode,
        "LayerInformationFormat": LayerInformationFormat,
        "ProfilingVerbosity": ProfilingVerbosity,
        "MemoryPoolType": MemoryPoolType,
        "IProfiler": Profiler,
    }
    if selector:
        names["IAlgorithmSelector"] = f.AlgorithmSelector
    return names
