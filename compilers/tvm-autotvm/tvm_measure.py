# SPDX-License-Identifier: Apache-2.0
"""Times candidates of a tuning log against each other, in this process, on its CPU set.

A search times each candidate once, minutes apart from its rivals.  Here every round times all of
them in a new random order, so that a drift of the machine falls on all alike.
"""

import collections
import math
import os
import random

import tvm_common as common
import tvm_decisions as decisions

ab = common.ab

ENTRY = "default_function"  # what TVM calls a function that is built by itself
LEAST_TIME_S = 0.002
MAX_RUNS = 1 << 30

# `tensors`: [(shape, dtype)] of the kernel's arguments; `loaded` is None where `error` says why.
Candidate = collections.namedtuple("Candidate", "record sha256 loaded tensors error")


def _device(job):
    import tvm

    return tvm.cuda(0) if common.on_cuda(job) else tvm.cpu()


def _allocate(candidates, seed, device):
    """{(layer, position, dtype): flat NDArray}, one allocation for each argument of a task.

    Schedules change layouts, so each candidate sees the memory in its own shape; where it lies and
    what is in it are the same for all of them.
    """
    import numpy
    import tvm

    sizes = {}
    for candidate in candidates:
        for position, (shape, dtype) in enumerate(candidate.tensors):
            key = (candidate.record.layer, position, dtype)
            size = int(numpy.prod(shape, dtype=numpy.int64))
            sizes[key] = max(size, sizes.get(key, 1))
    buffers = {}
    for index, (key, size) in enumerate(sizes.items()):
        values = numpy.zeros(size, key[2])  # zero is a safe index where a kernel wants one
        if numpy.issubdtype(values.dtype, numpy.floating):
            source = numpy.random.RandomState((seed + index) % (1 << 32))
            values = source.standard_normal(size).astype(key[2])
        buffers[key] = tvm.nd.array(values, device)
    return buffers


def _build(record, compile_candidate, folder):
    """The Candidate of one record; one that cannot be built says why."""
    if record.error:  # not tried again: it may have killed the process that built it
        return Candidate(record, "", None, [], "failed in the search: %s" % record.error)
    try:
        return _link(record, compile_candidate, folder)
    except Exception as error:  # pylint: disable=broad-except  (TVM raises many kinds)
        return Candidate(record, "", None, [], _error_text(error))


def _error_text(error):
    return "%s: %s" % (type(error).__name__, common.last_line(error))


def _link(record, compile_candidate, folder):
    import tvm

    module, tensors = compile_candidate(record)
    source = common.Sources(module).text(ENTRY)
    if not source:
        raise RuntimeError("its module has no function %s" % ENTRY)
    path = os.path.join(folder, "candidate_%s_%d.so" % (os.getpid(), record.number))
    module.export_library(path)  # linked, as the kernels of an engine are
    loaded = tvm.runtime.load_module(path)
    os.remove(path)
    return Candidate(record, ab.sha256_text(source), loaded, tensors, "")


def _timer(loaded, arguments, least_s, device):
    """A function without arguments that gives the seconds of one run, as the mean of many."""
    import tvm

    runs = 1
    while True:
        evaluate = loaded.time_evaluator(loaded.entry_name, device, number=runs, repeat=3)
        # The fastest: one slow moment must not settle for too few runs.
        seconds = min(evaluate(*arguments).results)
        if seconds * runs >= least_s or runs >= MAX_RUNS:
            # Kept for all rounds; some more runs than needed, for a moment that is faster still.
            evaluate = loaded.time_evaluator(
                loaded.entry_name, device, number=math.ceil(runs * 1.1), repeat=1
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
    candidates = []
    for index, record in enumerate(asked):
        candidates.append(_build(record, compile_candidate, request.scratch))
        job.progress(index + 1, len(asked), "candidates", "build %s" % record.layer)
    device = _device(job)
    buffers = _allocate(candidates, request.seed, device)
    least_s = max(LEAST_TIME_S, min_repeat_ms / 1e3)
    timers = []
    for index, candidate in enumerate(candidates):
        layer = candidate.record.layer
        try:
            arguments = [
                buffers[layer, position, dtype]._create_view(shape)
                for position, (shape, dtype) in enumerate(candidate.tensors)
            ]
            timers.append(
                _timer(candidate.loaded, arguments, least_s, device) if candidate.loaded else None
            )
        except Exception as error:  # pylint: disable=broad-except
            timers.append(None)
            candidates[index] = candidate._replace(error=_error_text(error))
        job.progress(index + 1, len(candidates), "candidates", "try %s" % layer)
    times = _rounds(job, timers)
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


def _rounds(job, timers):
    """[times in ns] of each candidate, one a round; the order of a round is drawn from the seed."""
    request = job.request
    working = [index for index, timer in enumerate(timers) if timer]
    times = [[] for _ in timers]
    order = random.Random(request.seed)
    for done in range(request.rounds):
        for index in order.sample(working, len(working)):
            # Fractions of a nanosecond: kernels take less than a microsecond.
            times[index].append(round(timers[index]() * 1e9, 3))
        job.progress(done + 1, request.rounds, "rounds", "%d candidates" % len(working))
    return times
