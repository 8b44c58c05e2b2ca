# SPDX-License-Identifier: Apache-2.0
"""AutoScheduler's side of a tuning log: its records, its lookups, the kernel of one record."""

import hashlib
import json
import math

import tvm_common as common
import tvm_decisions as decisions

VERSION = "v0.6"


def layer_name(index, task):
    """Task number, functions of the model that it stands for, hash of its workload key."""
    return "%d %s %s" % (
        index,
        task.desc,
        hashlib.sha256(task.workload_key.encode()).hexdigest()[:8],
    )


def steps_text(raw):
    """What tells a candidate of a task from the others: a hash of its schedule steps."""
    steps = json.dumps(raw["i"][1][1], separators=(",", ":"))
    return "steps %s" % hashlib.sha256(steps.encode()).hexdigest()[:16]


def parse(line):
    """The Parsed of one line; ValueError when it is no record of AutoScheduler's version 0.6."""
    from tvm.auto_scheduler import measure_record

    raw = json.loads(line)
    if not isinstance(raw, dict) or raw.get("v") != VERSION:
        raise ValueError("expected an object of version %s" % VERSION)
    try:
        key, target = raw["i"][0][:2]
        costs, number = raw["r"][:2]
        good = isinstance(key, str) and isinstance(target, str) and isinstance(number, int)
        good = good and isinstance(costs, list) and costs
        if not good or not all(type(c) in (int, float) for c in costs):
            raise ValueError("i or r are malformed")
        text = steps_text(raw)
        pair = tuple(measure_record.load_record_from_string(line))
    except Exception as error:  # TVM's reader raises whatever a malformed member leads to
        raise ValueError("%s: %s" % (type(error).__name__, common.last_line(error)))
    if not number and not all(math.isfinite(c) and c >= 0 for c in costs):
        raise ValueError("costs %s of a candidate that worked" % costs)
    error = "error %d" % number if number else ""
    return decisions.Parsed(key, target, costs, error, text, pair)


def strict_history(path, layers, has_records):
    """TVM's ApplyHistoryBest of the log at `path` that notes in `missed` what it cannot answer.

    Operators without a reduction are never searched, so they are never in the log: TVM's own rule
    schedules them.  `has_records`: TVM cannot read an empty log.
    """
    from tvm import auto_scheduler

    class StrictHistory(auto_scheduler.ApplyHistoryBest):
        def __init__(self):
            super().__init__(path if has_records else [])
            self.missed = []

        def query(self, target, workload_key, has_complex_op, dag, func_name):
            found = self._query_inside(target, workload_key, func_name)
            if found is not None:
                return found
            name = layers.get(workload_key, workload_key)
            if has_complex_op and name not in self.missed:
                self.missed.append(name)
            return self._old_ctx.query(target, workload_key, has_complex_op, dag, func_name)

    return StrictHistory()


def compile_candidate(record):
    """(module, [(shape, dtype)]) of a Record, by the steps with which TVM's search builds it."""
    import tvm
    from tvm.auto_scheduler import measure

    measured = measure.recover_measure_input(record.pair[0])
    task = measured.task
    schedule, arguments = task.compute_dag.apply_steps_from_state(
        measured.state, layout_rewrite=task.layout_rewrite_option
    )
    module = tvm.build(schedule, arguments, target=task.target)
    return module, [(tuple(int(d) for d in a.shape), a.dtype) for a in arguments]
