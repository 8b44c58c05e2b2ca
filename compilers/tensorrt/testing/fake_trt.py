# SPDX-License-Identifier: Apache-2.0
"""A made-up `tensorrt` module for tests: the part of the Python interface that the builder uses.

It times nothing: each build draws times, so that two builds choose other tactics unless they are
pinned. The environment variable FAKE_TENSORRT (JSON) fixes the draw and plants faults:
    seed          of the times; without it every process draws its own
    flip          name of a layer that takes another tactic although the lock pins one
    extra         name of a layer that only this build has
    ignore_miss   a tactic that is not in the timing cache is timed although that is an error
    drop          name of a layer whose cache entry is gone after the build
    gone          name of a layer whose tactics are not on offer any more
    crash         the process ends by a signal in the middle of the build
    fail          the build gives no engine, for a reason of its own
    noise         lines without sense in the log
    without       names of flags and classes that this module does not offer
    enqueue       inferences are not taken
"""

import enum
import hashlib
import json
import os
import random
import sys

import fake_log
import fake_onnx

KNOWN = "Add Conv Flatten Gemm GlobalAveragePool MatMul Mul Relu Softmax Sub".split()
FAKE = json.loads(os.environ.get("FAKE_TENSORRT", "{}"))
TACTICS = 3


def noise():
    """A log that means harm: bytes that are no text, a line without end, forged lines of every
    family.
    """
    os.write(1, b"\xff\xfe\x00 Tactic: 0x1 Time: 1\n" + b"x" * (1 << 20) + b"\n")
    for line in (
        "Tactic: 0x1 Time: nan",
        "Tactic: 0x1 Time: 1e999999999",
        "The selected tactic is (tactic hash, " "cost(in ms)):0x1, 1",
        "   1, 0.1, 1, 1, k, 0x1,",
        ">>>>>>>>>>>>>>> Chose Runner Type: X Tactic: 0x1",
        "Autotuning op (key: 0x12): ",
        "--------------- Timing Runner:  ()",
    ):
        print("[TRT] [V] " + line, flush=True)


class Tactic:
    def __init__(self, layer, op, number, draw):
        digest = hashlib.sha256(("%s %d" % (op, number)).encode()).digest()
        self.hash = int.from_bytes(digest[:8], "big")
        self.kernel = "sm90_made_%s_tile%d" % (op.lower(), 16 << number)
        self.ms = "%.7g" % (0.01 + draw.random() * 0.01)


class Layer:
    """One layer of the engine with the tactics on offer."""

    def __init__(self, name, op, draw):
        self.name, self.op = name, op
        self.key = "0x" + hashlib.md5((name + op).encode()).hexdigest()
        self.tactics = [Tactic(name, op, i, draw) for i in range(TACTICS)]
        if FAKE.get("gone") == name:
            self.tactics = [Tactic(name, op, i, draw) for i in range(TACTICS, 2 * TACTICS)]

    def best(self, among=None):
        return min(among or self.tactics, key=lambda t: float(t.ms))

    def other(self, tactic):
        return next(t for t in self.tactics if t.hash != tactic.hash)


class Logger:
    WARNING, VERBOSE = 2, 4

    def __init__(self, severity):
        self.severity = severity

    def verbose(self, text):
        print("[11/25/2026-04:32:39] [TRT] [V] " + text, flush=True)

    def error(self, text):
        print("[11/25/2026-04:32:39] [TRT] [E] " + text, file=sys.stderr, flush=True)


class TimingCacheKey:
    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


class TimingCacheValue:
    def __init__(self, tactic, ms):
        self.tacticHash, self.timingMSec = tactic, ms


class TimingCache:
    """`stamp`: version and device that it was made by and for."""

    def __init__(self, stamp, entries=()):
        self.stamp, self.entries, self.edited = stamp, dict(entries), set()

    def serialize(self):
        return json.dumps({"stamp": self.stamp, "entries": self.entries}).encode()


class EditableTimingCache(TimingCache):
    def queryKeys(self):
        return [TimingCacheKey(k) for k in self.entries]

    def query(self, key):
        return TimingCacheValue(*self.entries[str(key)])

    def update(self, key, value):
        if str(key) not in self.entries:
            return False
        self.entries[str(key)] = [value.tacticHash, value.timingMSec]
        self.edited.add(str(key))
        return True


class Tensor:
    is_shape_tensor = False

    def __init__(self, name, dtype, shape):
        self.name, self.dtype, self.shape = name, dtype, tuple(shape)


class Network:
    def __init__(self, bits):
        self.bits, self.nodes, self.inputs, self.outputs = bits, [], [], []
        self.weights = {}

    num_inputs = property(lambda self: len(self.inputs))
    num_outputs = property(lambda self: len(self.outputs))

    def get_input(self, index):
        return self.inputs[index]

    def get_output(self, index):
        return self.outputs[index]


class ParserError:
    def __init__(self, code, text):
        self._code, self._text = code, text

    def code(self):
        return self._code

    def desc(self):
        return self._text


class OnnxParser:
    TYPES = {1: "FLOAT", 7: "INT64", 10: "HALF"}

    def __init__(self, network, logger):
        self._network, self._errors = network, []

    num_errors = property(lambda self: len(self._errors))

    def get_error(self, index):
        return self._errors[index]

    def parse_from_file(self, path):
        try:
            with open(path, "rb") as handle:
                graph = fake_onnx.read(handle.read())
        except (ValueError, IndexError, UnicodeDecodeError) as error:
            self._errors.append(ParserError("ErrorCode.MODEL_DESERIALIZE_FAILED", str(error)))
            return False
        unknown = [n for n in graph.nodes if n.op not in KNOWN]
        if unknown:
            self._errors.append(
                ParserError(
                    "ErrorCode.UNSUPPORTED_NODE", "No importer registered for op: " + unknown[0].op
                )
            )
            return False
        self._network.nodes = graph.nodes
        self._network.weights = graph.weights
        self._network.inputs = [Tensor(n, self.TYPES[t], s) for n, t, s in graph.inputs]
        self._network.outputs = [Tensor(n, self.TYPES[t], s) for n, t, s in graph.outputs]
        return True


class Profile:
    def __init__(self):
        self.shapes = {}

    def set_shape(self, name, low, best, high):
        assert list(low) == list(best) == list(high)
        self.shapes[name] = list(best)


class BuilderConfig:
    """The attributes that every flavour has; `module` adds those of its own."""

    def __init__(self, stamp, cache_class):
        self.flags, self.cache, self.profiles = {"TF32"}, None, []
        self.builder_optimization_level, self.avg_timing_iterations, self.max_aux_streams = 3, 1, -1
        self._stamp, self._cache_class = stamp, cache_class

    def set_flag(self, flag):
        self.flags.add(flag.name)

    def clear_flag(self, flag):
        self.flags.discard(flag.name)

    def set_memory_pool_limit(self, pool, size):
        assert pool.name == "WORKSPACE" and size > 0

    def add_optimization_profile(self, profile):
        self.profiles.append(profile)
        return len(self.profiles) - 1

    def create_timing_cache(self, blob):
        if not blob:
            return self._cache_class(self._stamp)
        try:
            told = json.loads(bytes(blob).decode())
            return self._cache_class(told["stamp"], told["entries"])
        except (ValueError, KeyError):
            return None

    def set_timing_cache(self, cache, ignore_mismatch):
        if cache.stamp != self._stamp and not ignore_mismatch:
            return False
        self.cache = cache
        return True

    def get_timing_cache(self):
        return self.cache


class Run:
    """One build: decides the layers' tactics, one after another."""

    def __init__(self, network, config, log):
        draw = random.Random(FAKE.get("seed", int.from_bytes(os.urandom(8), "big")))
        nodes = [(n.name, n.op) for n in network.nodes]
        nodes += [(FAKE["extra"], "Extra")] if "extra" in FAKE else []
        self.layers = [Layer(name, op, draw) for name, op in nodes]
        self.config, self.log = config, log

    def by_cache(self):
        """[(layer, tactic)] through the attached timing cache, or None."""
        chosen, cache = [], self.config.cache
        for layer in self.layers:
            entry = cache.entries.get(layer.key) if cache else None
            if entry is not None:
                tactic = next((t for t in layer.tactics if t.hash == entry[0]), None)
                if tactic is None:
                    self.log.error("Assertion tactic fits layer failed: " + layer.name)
                    return None
                if FAKE.get("flip") == layer.name:
                    tactic = layer.other(tactic)
            elif "ERROR_ON_TIMING_CACHE_MISS" in self.config.flags and not FAKE.get("ignore_miss"):
                self.log.error("Error Code 2: Internal Error (Assertion !errorOnMiss failed. )")
                return None
            else:
                tactic = layer.best()
                self.log_of(layer, tactic)
            if cache:
                cache.entries[layer.key] = [tactic.hash, float(tactic.ms)]
                if FAKE.get("drop") == layer.name:
                    del cache.entries[layer.key]
            chosen.append((layer, tactic))
        return chosen

    def by_selector(self, selector):
        """[(layer, tactic)] through an algorithm selector, or None."""
        chosen, contexts, algorithms = [], [], []
        for layer in self.layers:
            context, offered = AlgorithmContext(layer), [Algorithm(t) for t in layer.tactics]
            self.log_of(layer, layer.best())
            picked = selector.select_algorithms(context, offered)
            if not picked and "REJECT_EMPTY_ALGORITHMS" in self.config.flags:
                self.log.error("Algorithm selector returned no algorithm for " + layer.name)
                return None
            tactic = layer.best([offered[i].of for i in picked])
            if FAKE.get("flip") == layer.name:
                tactic = layer.other(tactic)
            chosen.append((layer, tactic))
            contexts.append(context)
            algorithms.append(next(a for a in offered if a.of is tactic))
        selector.report_algorithms(contexts, algorithms)
        return chosen

    def log_of(self, layer, tactic):
        family = (
            "C"
            if "EDITABLE_TIMING_CACHE" in self.config.flags and layer.op != "Conv"
            else ("B" if self.config.editable else "A")
        )
        for line in getattr(fake_log, "family_" + family.lower())(layer, tactic):
            self.log.verbose(line)


class AlgorithmInfo:
    def __init__(self, dtype):
        self.dtype, self.strides, self.vectorized_dim, self.components_per_element = (
            dtype,
            (16, 4, 1),
            -1,
            1,
        )


class AlgorithmVariant:
    def __init__(self, tactic):
        self.implementation = 0x80000009
        self.tactic = (
            tactic - (1 << 64) if tactic >> 63 else tactic
        )  # signed, as the interface has it


class Algorithm:
    def __init__(self, tactic):
        self.of, self.timing_msec, self.workspace_size = tactic, float(tactic.ms), 0
        self.algorithm_variant = AlgorithmVariant(tactic.hash)

    def get_algorithm_io_info(self, index):
        return AlgorithmInfo(enum.Enum("DataType", "FLOAT").FLOAT)


class AlgorithmContext:
    num_inputs = num_outputs = 1

    def __init__(self, layer):
        self.name = "{ForeignNode[%s]}" % layer.name if layer.op == "Softmax" else layer.name


class AlgorithmSelector:
    def __init__(self):
        self.made = True  # the interface asks a subclass to call this
