# SPDX-License-Identifier: Apache-2.0
"""MetaSchedule's database: what it decides for each layer, and a pruned one that decides the same.

Two files of JSON lines: workloads ([hash, base64 of the module]) and tuning records ([number of the
workload, [trace, run seconds, target, arguments]]).  A record is a candidate; its number is the
line's, from 0.  TVM ranks by mean time, first of equals; a candidate that failed has 1e10 s.
"""

import base64
import collections
import json

import tvm_common as common

ab = common.ab

WORKLOADS = "database_workload.json"
RECORDS = "database_tuning_record.json"
FAILED_S = 1e9
MAX_FILE_BYTES = 1 << 30

Record = collections.namedtuple("Record", "number layer times_s text line")


def _lines(path, name):
    with open(path, "rb") as handle:
        data = handle.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ab.BuildError("miss", "%s: longer than %d bytes" % (name, MAX_FILE_BYTES))
    lines = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines()):
        try:
            lines.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise ab.BuildError("miss", "%s line %d: not JSON: %s" % (name, number + 1, error))
    return lines


def _module(entry, number):
    import tvm

    try:
        # TVM writes the text's length in 8 bytes before it.
        data = base64.b64decode(entry[1], validate=True)
        if int.from_bytes(data[:8], "little") != len(data) - 8:
            raise ValueError("its length is not the one it states")
        return tvm.ir.load_json(data[8:].decode("utf-8"))
    except (ValueError, TypeError, IndexError, KeyError, tvm.TVMError) as error:
        raise ab.BuildError(
            "miss",
            "%s line %d: is no workload of this TVM: %s"
            % (WORKLOADS, number + 1, common.last_line(error)),
        )


class Database:
    """The files of one engine, read and held against the tasks of the model.

    files  {relative: absolute} with both names.
    tasks  {layer: module} of the model.
    Raises BuildError `miss` for a missing file and for lines that are none of this model or TVM.
    """

    def __init__(self, files, tasks):
        import tvm

        for name in (WORKLOADS, RECORDS):
            if name not in files:
                raise ab.BuildError("miss", "decisions: there is no %s among the files" % name)
        self.workloads = _lines(files[WORKLOADS], WORKLOADS)
        layers = []
        for number, entry in enumerate(self.workloads):
            module = _module(entry, number)
            equal = [n for n, task in tasks.items() if tvm.ir.structural_equal(task, module)]
            if not equal:
                raise ab.BuildError(
                    "miss",
                    "%s line %d: is no task of this model: the database belongs to another model, "
                    "shape or TVM" % (WORKLOADS, number + 1),
                )
            layers.append(equal[0])
        self.number_of = {layer: number for number, layer in enumerate(layers)}
        self.records = [
            self._record(number, line, layers)
            for number, line in enumerate(_lines(files[RECORDS], RECORDS))
        ]

    @staticmethod
    def _record(number, line, layers):
        try:
            workload, (trace, seconds) = line[0], line[1][:2]
            layer = layers[workload] if workload >= 0 else None
            times = [float(s) for s in seconds]
            text = "trace " + ab.sha256_text(json.dumps(trace, separators=(",", ":")))[:16]
        except (TypeError, ValueError, IndexError, KeyError):
            layer = None
        if layer is None:
            raise ab.BuildError(
                "miss", "%s line %d: is no record of this TVM" % (RECORDS, number + 1)
            )
        return Record(number, layer, times, text, line)

    def best(self, layer):
        """The record that TVM takes; BuildError `miss` when none of the layer's worked."""
        found = None
        for record in self.records:
            if record.layer == layer and worked(record):
                if found is None or _mean(record) < _mean(found):
                    found = record
        if found is None:
            raise ab.BuildError(
                "miss", "task %s: %s has no candidate of it that worked" % (layer, RECORDS)
            )
        return found

    def pick(self, layer, number):
        """Record `number`, which must be a good one of `layer`; BuildError `invalid`."""
        if number >= len(self.records) or self.records[number].layer != layer:
            raise ab.BuildError(
                "invalid", "layer %s: candidate %d is none of it" % (layer, number)
            )
        if not worked(self.records[number]):
            raise ab.BuildError("invalid", "layer %s: candidate %d failed" % (layer, number))
        return self.records[number]


def worked(record):
    return bool(record.times_s) and all(0 <= s < FAILED_S for s in record.times_s)


def _mean(record):
    return sum(record.times_s) / len(record.times_s)


def decide(request, tasks):
    """{layer: Record}, and the Database whose workloads they number, for a rebuild."""
    asked = request.decisions
    for layer in list(asked.choices) + list(asked.override):
        if layer not in tasks:
            raise ab.BuildError(
                "invalid",
                "layer %s: the model has no such task; it has %s"
                % (ab.one_line(layer, 200), "; ".join(tasks) or "none"),
            )
    database = Database(asked.files, tasks)
    other = Database(next(iter(asked.override.values())), tasks) if asked.override else None
    decided = collections.OrderedDict()
    for layer in tasks:
        if layer in asked.choices:
            decided[layer] = database.pick(layer, asked.choices[layer])
        else:
            decided[layer] = (other if layer in asked.override else database).best(layer)
    return decided, database


def write(job, decided, database):
    """Writes the pruned database, one record a layer, and registers it with what was decided."""
    lines = []
    for layer, record in decided.items():
        if layer not in database.number_of:
            raise ab.BuildError("miss", "task %s: %s lacks it" % (layer, WORKLOADS))
        lines.append([database.number_of[layer]] + record.line[1:])
    for name, entries in ((WORKLOADS, database.workloads), (RECORDS, lines)):
        text = "".join(json.dumps(e, separators=(",", ":")) + "\n" for e in entries)
        job.write_text(name, text, "tuning_log")
    register(job, decided)


def register(job, decided):
    job.rebuild_decisions = [WORKLOADS, RECORDS]
    for layer, record in decided.items():
        job.choice(layer, record.text)
