# SPDX-License-Identifier: Apache-2.0
"""Times candidates of a tuning log against each other, in this process, on its CPU set.

A search times each candidate once, minutes apart from its rivals.  Here every round times all of
them in a new random order, so that a drift of the machine falls on all alike.
"""

import collections
import math
import os
import random

import kernel_source
import tvm_common as common
import tvm_decisions as decisions

ab = common.ab

ENTRY = "default_function"  # what TVM calls a function that is built by itself
LEAST_TIME_S = 0.002
MAX_RUNS = 1 << 30

Candidate = collections.namedtuple("Candidate", "record sha256 run error")


class _Buffers:
    """One allocation for each argument of a task; every candidate sees it in its own shape.

    Schedules change layouts, so shapes differ; the memory and what is in it do not.
    """

    def __init__(self, seed):
        self._seed = seed
        self._arrays = {}  # (layer, position, dtype) -> NDArray

    def arguments(self, layer, tensors):
        """NDArrays for [(shape, dtype)]."""
        import numpy
        import tvm

        found = []
        for position, (shape, dtype) in enumerate(tensors):
            size = int(numpy.prod(shape, dtype=numpy.int64))
            key = (layer, position, dtype)
            array = self._arrays.get(key)
            if array is None or array.shape[0] < size:
                values = numpy.zeros(size, dtype)  # zero is a safe index where a kernel wants one
                if numpy.issubdtype(values.dtype, numpy.floating):
                    source = numpy.random.RandomState((self._seed + position) % (1 << 32))
                    values = source.standard_normal(size).astype(dtype)
                array = self._arrays[key] = tvm.nd.array(values)
            found.append(array._create_view(shape) if shape else array._create_view(()))
        return found


def _build(record, compile_candidate, folder):
    """(loaded function, normalised source, [(shape, dtype)]) of one candidate."""
    import tvm

    module, tensors = compile_candidate(record)
    source = kernel_source.Module(module.get_source("ll")).kernel_text(ENTRY)
    if not source:
        raise RuntimeError("its module has no function %s" % ENTRY)
    path = os.path.join(folder, "candidate_%s_%d.so" % (os.getpid(), record.number))
    module.export_library(path)  # linked, as the kernels of an engine are
    loaded = tvm.runtime.load_module(path)
    os.remove(path)
    return loaded, source, tensors


def _timer(loaded, arguments, least_s):
    """A function without arguments that gives the seconds of one run, as the mean of many."""
    import tvm

    runs = 1
    while True:
        evaluate = loaded.time_evaluator(loaded.entry_name, tvm.cpu(), number=runs, repeat=1)
        seconds = evaluate(*arguments).results[0]
        if seconds * runs >= least_s or runs >= MAX_RUNS:
            # Kept for all rounds; some more runs than needed, for a faster moment.
            evaluate = loaded.time_evaluator(
                loaded.entry_name, tvm.cpu(), number=math.ceil(runs * 1.1), repeat=1
            )
            return lambda: evaluate(*arguments).results[0]
        wanted = math.ceil(1.05 * least_s / seconds) if seconds > 0 else runs * 1000
        runs = min(MAX_RUNS, max(runs * 2, min(wanted, runs * 1000)))


def measure(job, records, compile_candidate, min_repeat_ms):
    """Answers every candidate of the request with a `candidate` event of `rounds` times.

    records            [Record] of the log.
    compile_candidate  function of a Record: (TVM module, [(shape, dtype)] of its arguments).
    min_repeat_ms      least duration of one time; 2 ms at least.
    """
    request = job.request
    if request.rounds < 1 or not request.candidates:
        raise ab.BuildError("invalid", "request: `candidates` and `rounds` must not be empty")
    asked = [decisions.pick(records, layer, number) for layer, number in request.candidates]
    least_s = max(LEAST_TIME_S, min_repeat_ms / 1e3)
    buffers = _Buffers(request.seed)
    candidates = []
    for index, record in enumerate(asked):
        try:
            loaded, source, tensors = _build(record, compile_candidate, request.scratch)
            sha256 = ab.sha256_text(source)
            run = _timer(loaded, buffers.arguments(record.layer, tensors), least_s)
            candidates.append(Candidate(record, sha256, run, ""))
        except Exception as error:  # pylint: disable=broad-except  (TVM raises many kinds)
            text = "%s: %s" % (type(error).__name__, common.last_line(error))
            candidates.append(Candidate(record, "", None, text))
        job.progress(index + 1, len(asked), "candidates", "build %s" % record.layer)
    times = _rounds(job, candidates)
    for index, candidate in enumerate(candidates):
        job.candidate(
            candidate.record.layer,
            candidate.record.text,
            times[index],
            not candidate.error,
            candidate.error,
            candidate.record.number,
            candidate.sha256,
        )


def _rounds(job, candidates):
    """[times in ns] of each candidate, one a round; the order of a round is drawn from the seed."""
    request = job.request
    working = [index for index, candidate in enumerate(candidates) if candidate.run]
    times = [[] for _ in candidates]
    order = random.Random(request.seed)
    for done in range(request.rounds):
        for index in order.sample(working, len(working)):
            # Fractions of a nanosecond: kernels take less than a microsecond.
            times[index].append(round(candidates[index].run() * 1e9, 3))
        job.progress(done + 1, request.rounds, "rounds", "%d candidates" % len(working))
    return times
