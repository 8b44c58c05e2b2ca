# SPDX-License-Identifier: Apache-2.0
"""AutoTVM's side of a tuning log: its records, its lookups, the kernel of one record."""

import json
import math

import tvm_decisions as decisions


def layer_name(index, task):
    """Task number, template and shapes of the tensors."""
    shapes = [
        argument[1]
        for argument in task.args
        if isinstance(argument, tuple) and len(argument) == 3 and argument[0] == "TENSOR"
    ]
    return "%d %s %s" % (
        index,
        task.name,
        " ".join("x".join(str(extent) for extent in shape) for shape in shapes),
    )


def error_text(number, detail):
    """ "" for a good measurement, else the kind of TVM's error and `detail`."""
    from tvm.autotvm.measure import MeasureErrorNo

    if number == MeasureErrorNo.NO_ERROR:
        return ""
    return "%s: %s" % (MeasureErrorNo(number).name, detail)


def parse(line):
    """The Parsed of one line; ValueError when it is no record of AutoTVM's version 0.2."""
    from tvm.autotvm import record

    raw = json.loads(line)
    if not isinstance(raw, dict) or raw.get("version") != 0.2:
        raise ValueError("expected an object of version 0.2")
    try:
        target = raw["input"][0]
        costs, number = raw["result"][:2]
        good = isinstance(target, str) and isinstance(number, int) and isinstance(costs, list)
        if not good or not costs or not all(type(c) in (int, float) for c in costs):
            raise ValueError("input or result are malformed")
        error = error_text(number, "")
        pair = record.decode(line)
        key = pair[0].task.workload
        text = str(pair[0].config)
    except Exception as error:  # TVM's decoder raises whatever a malformed member leads to
        raise ValueError("%s: %s" % (type(error).__name__, error))
    if not error and not all(math.isfinite(c) and c >= 0 for c in costs):
        raise ValueError("costs %s of a candidate that worked" % costs)
    return decisions.Parsed(key, target, costs, error, text, pair)


def strict_history(path, layers):
    """TVM's ApplyHistoryBest of the log at `path` that notes in `missed` what it cannot answer."""
    from tvm import autotvm

    class StrictHistory(autotvm.task.ApplyHistoryBest):
        def __init__(self):
            super().__init__(path)
            self.missed = []

        def query(self, target, workload):
            found = self._query_inside(target, workload)
            if found is not None:
                return found
            name = layers.get(workload, str(workload))
            if name not in self.missed:
                self.missed.append(name)
            return self._old_ctx.query(target, workload)

    return StrictHistory()


def compile_candidate(record):
    """(module, [(shape, dtype)]) of a Record, by the function with which TVM's search builds it."""
    from tvm import autotvm
    from tvm.autotvm.measure import measure_methods

    autotvm.GLOBAL_SCOPE.in_tuning = True  # layouts as in the search, packing left out
    try:
        module, tensors = measure_methods._build_func_common(record.pair[0])
    finally:
        autotvm.GLOBAL_SCOPE.in_tuning = False
    return module, [(tuple(shape), dtype) for shape, dtype in tensors]
