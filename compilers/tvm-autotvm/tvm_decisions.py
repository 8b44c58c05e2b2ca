# SPDX-License-Identifier: Apache-2.0
"""What a tuning log decides, for building, rebuilding and measuring.

A log line is a candidate; its number is the line's, from 0.  Of a layer's lines that worked TVM
takes the one with the lowest mean cost, the first of equals.  A layer without such a line gets
TVM's default schedule.  TVM does that silently, so a lock must say it: `undecided.json` lists the
layers that the original build left to the default schedule, and nothing else may be undecided.

Layers are named as in `candidate` events.  Each compiler brings the function that reads its
records.
"""

import collections
import json

import tvm_common as common

ab = common.ab

LOG = "tuning.log"
UNDECIDED = "undecided.json"
DEFAULT_SCHEDULE = "default schedule"
MAX_LINE_BYTES = 1 << 20
MAX_LINES = 1 << 22
FORMAT = 1

# `parse(line)` gives a Parsed or raises ValueError: the task's key (what TVM looks up), the text of
# the target, the costs in seconds, "" or why it failed, a text that tells the candidate from
# others, and TVM's own (input, result).
Parsed = collections.namedtuple("Parsed", "key target costs error text pair")
Record = collections.namedtuple("Record", "number layer cost error text pair line")


def read_log(path, layers, target, parse):
    """[Record] of every line of the log at `path`, in its order.

    layers  {task key: layer} of the model's tasks.
    target  text of the target that the log must have been made for.
    Raises BuildError `miss` for a line that is no record, of another target or of no task.
    """
    import numpy

    records = []
    with open(path, "rb") as handle:
        while True:
            data = handle.readline(MAX_LINE_BYTES + 1)
            if not data:
                return records
            where = "%s line %d" % (LOG, len(records) + 1)
            if len(data) > MAX_LINE_BYTES or len(records) >= MAX_LINES:
                raise ab.BuildError(
                    "miss",
                    "%s: too long: expected at most %d lines of %d bytes"
                    % (where, MAX_LINES, MAX_LINE_BYTES),
                )
            try:
                line = data.decode("utf-8").rstrip("\n")
                found = parse(line)
            except (ValueError, RecursionError) as error:  # UnicodeDecodeError is the first
                raise ab.BuildError(
                    "miss", "%s: is no record of this TVM: %s" % (where, ab.one_line(error, 300))
                )
            if found.target != target:
                raise ab.BuildError(
                    "miss",
                    "%s: was measured for target %s, this build is for %s: set the option target, "
                    "or rebuild on the machine type that made the lock"
                    % (where, ab.one_line(found.target, 200), target),
                )
            if found.key not in layers:
                raise ab.BuildError(
                    "miss",
                    "%s: task %s is none of this model: the log belongs to another model, shape or "
                    "TVM" % (where, ab.one_line(found.key, 300)),
                )
            cost = None if found.error else float(numpy.mean(found.costs))
            records.append(
                Record(
                    len(records),
                    layers[found.key],
                    cost,
                    found.error,
                    found.text,
                    found.pair,
                    line,
                )
            )


def best(records):
    """{layer: Record} by TVM's own rule: lowest mean cost, the first line of equals."""
    found = {}
    for record in records:
        if not record.error and (
            record.layer not in found or found[record.layer].cost > record.cost
        ):
            found[record.layer] = record
    return found


def _read_undecided(files):
    """The layers that `undecided.json` lists; none where there is no such file."""
    if UNDECIDED not in files:
        return []
    with open(files[UNDECIDED], "rb") as handle:
        text = handle.read(MAX_LINE_BYTES + 1)
    try:
        raw = json.loads(text.decode("utf-8")) if len(text) <= MAX_LINE_BYTES else None
    except (ValueError, RecursionError):
        raw = None
    listed = raw.get("layers") if isinstance(raw, dict) and raw.get("format") == FORMAT else None
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise ab.BuildError(
            "invalid",
            '%s: expected {"format": %d, "layers": [texts]} of at most %d bytes'
            % (UNDECIDED, FORMAT, MAX_LINE_BYTES),
        )
    return listed


def log_path(files):
    """Path of the log among decision files {relative: absolute}; BuildError `miss`."""
    if LOG not in files:
        raise ab.BuildError("miss", "decisions: there is no %s among the files" % LOG)
    return files[LOG]


class _Source:
    """The decision files of one engine: every record, the best ones, and what is undecided."""

    def __init__(self, files, layers, target, parse):
        self.records = read_log(log_path(files), layers, target, parse)
        self.best = best(self.records)
        self.undecided = set(_read_undecided(files))
        for layer in layers.values():
            if layer in self.best and layer in self.undecided:
                raise ab.BuildError(
                    "invalid",
                    "layer %s: %s says that it has the default schedule, but %s has a candidate "
                    "that worked" % (layer, UNDECIDED, LOG),
                )

    def decision(self, layer):
        """The best Record, None for the default schedule; BuildError `miss` for neither."""
        if layer in self.best:
            return self.best[layer]
        if layer in self.undecided:
            return None
        raise ab.BuildError(
            "miss",
            "task %s: %s has no candidate of it that worked, and %s does not say that it had the "
            "default schedule" % (layer, LOG, UNDECIDED),
        )


def pick(records, layer, number):
    """Record `number` of the log, which must be one of `layer`; BuildError `invalid`."""
    if number >= len(records):
        raise ab.BuildError(
            "invalid",
            "layer %s: candidate %d does not exist: %s has %d" % (layer, number, LOG, len(records)),
        )
    if records[number].layer != layer:
        raise ab.BuildError(
            "invalid",
            "layer %s: candidate %d is one of layer %s" % (layer, number, records[number].layer),
        )
    return records[number]


class Decided:
    """What each layer gets: `records` {layer: Record or None = default schedule}, in task order.

    `undecided` is every name that may be missing from the log; the names of workloads that
    relay.build looks up but that are no tasks stand in it too.
    """

    def __init__(self, records, undecided):
        self.records = records
        self.undecided = set(undecided) | {
            layer for layer, record in records.items() if record is None
        }


def decide(request, layers, target, parse):
    """The Decided of a `rebuild`: the log's best lines, but `choices` and `override` first.

    Raises BuildError `miss` for a task that nothing decides, `invalid` for a layer or a candidate
    that does not exist.
    """
    asked = request.decisions
    names = list(layers.values())
    for layer in list(asked.choices) + list(asked.override):
        if layer not in names:
            raise ab.BuildError(
                "invalid",
                "layer %s: the model has no such task; it has %s"
                % (layer, "; ".join(names) or "none"),
            )
    source = _Source(asked.files, layers, target, parse)
    # All layers of an override share the files of one other engine.
    other = None
    if asked.override:
        other = _Source(next(iter(asked.override.values())), layers, target, parse)
    records = collections.OrderedDict()
    for layer in names:
        if layer in asked.choices and layer in asked.override:
            raise ab.BuildError("invalid", "layer %s: is in both choices and override" % layer)
        if layer in asked.choices:
            record = pick(source.records, layer, asked.choices[layer])
            if record.error:
                raise ab.BuildError(
                    "invalid",
                    "layer %s: candidate %d failed when it was measured: %s"
                    % (layer, record.number, record.error),
                )
            records[layer] = record
        else:
            records[layer] = (other if layer in asked.override else source).decision(layer)
    extra = source.undecided | (other.undecided if other else set())
    return Decided(records, extra.difference(names))


def of_search(job, layers, parse, search):
    """The Decided of the log that a build has just written and `search` has reported."""
    try:
        records = read_log(job.path(LOG), layers, job.target, parse)
    except ab.BuildError as error:  # nobody's lock, so no `miss`
        raise ab.BuildError("failed", error.message)
    search.check(records)
    taken = best(records)
    return Decided(collections.OrderedDict((l, taken.get(l)) for l in layers.values()), [])


def write_log(job, decided):
    """Writes the pruned log: one line for each task that has one, in the order of the tasks."""
    lines = [record.line + "\n" for record in decided.records.values() if record]
    job.write_text(LOG, "".join(lines), "tuning_log")


def record_decisions(job, decided, missed):
    """Registers the decision files and tells what was decided.

    missed  names that relay.build looked up in vain, as `decided.undecided` spells them.
    """
    job.rebuild_decisions = [LOG]
    default = {layer for layer, record in decided.records.items() if record is None}
    open_names = sorted(default.union(missed))
    if open_names:
        text = json.dumps({"format": FORMAT, "layers": open_names}, indent=1) + "\n"
        job.write_text(UNDECIDED, text, "decisions")
        job.rebuild_decisions.append(UNDECIDED)
    for layer, record in decided.records.items():
        job.choice(layer, record.text if record else DEFAULT_SCHEDULE)


def check_lookups(decided, missed):
    """BuildError `miss` for a lookup of relay.build that nothing answers and nothing excuses."""
    for name in missed:
        if name not in decided.undecided:
            raise ab.BuildError(
                "miss",
                "task %s: TVM looked it up and %s does not decide it"
                % (ab.one_line(name, 300), LOG),
            )
