# SPDX-License-Identifier: Apache-2.0
"""Candidates in TensorRT's verbose log: the only place where the tactics that lost are told.

Three families of lines are known (`0x..` are hashes, times in ms, an average of avg_timing runs):

A, 7.x and 8.x    --------------- Timing Runner: LAYER (CaskConvolution)
                  LAYER Set Tactic Name: KERNEL Tactic: 0x..
                  Tactic: 0x.. Time: 0.0231            (7.x: decimal hash, `time`, no colon)
                  >>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x..
B, 10.x           =============== Computing costs for LAYER
                  --------------- Timing Runner: LAYER (CaskConvolution[0x80000009])
                  Tactic Name: KERNEL Tactic: 0x.. Time: 0.00557795
C, Myelin, 10.8+  Autotuning op LAYER(key: 0x<32 digits>): [ONNX Layer: ..]
                  tactic_id, cost(in ms), cost/fastest_cost, prediction_correlation, ...
                     4, 0.0126784, 1.00000, 0.84378, KERNEL, 0x..,
                  The selected tactic is (tactic hash, cost(in ms)):0x.., 0.0126784

The log is untrusted: a model chooses its layers' names and can put whole lines into it. What is
read here is evidence about the search and decides nothing. Lines of other shapes are passed over.
"""

import collections
import decimal
import os
import re

MAX_LINE = 1 << 16  # bytes; the rest of a longer line is dropped
MAX_TEXT = 1000  # characters of a name
MAX_CANDIDATES = 100000  # events; further ones are counted only
MAX_MS = decimal.Decimal(10) ** 9

Candidate = collections.namedtuple("Candidate", "layer text time_ns error")
Candidate.__doc__ = (
    """One timed tactic: `time_ns` int, or None when it did not run, with `error` saying why."""
)

# [date] [TRT] [V] text / [date] [V] [TRT] text / [TensorRT] VERBOSE: text
_PREFIX = re.compile(
    r"(?:\[(?:TRT|TensorRT|[VIWEF]|[0-9/:.\-]{1,40})\] *){1,4}(?:(?:VERBOSE|INFO|WARNING|ERROR): )?"
)
_RUNNER = re.compile(r"-{10,20} Timing Runner: (.+) \(([^()\[\]]+)(?:\[0x[0-9a-fA-F]+\])?\)")
_FORMAT = re.compile(r"\*{10,20} Autotuning (?:format combination|Reformat): (.*?)(?: \*{10,20})?")
_SET_NAME = re.compile(r"(.*) Set Tactic Name: (\S+)(?: Tactic: (0x[0-9a-fA-F]{1,16}|-?\d{1,20}))?")
_TIMED = re.compile(
    r"(?:Tactic Name: (\S+) )?Tactic: (0x[0-9a-fA-F]{1,16}|-?\d{1,20}) [Tt]ime:? (\S+)"
)
_SKIPPED = re.compile(
    r"(?:Tactic: (0x[0-9a-fA-F]{1,16}|-?\d{1,20}) skipped\.?|"
    r"Skipping tactic (0x[0-9a-fA-F]{1,16}|-?\d{1,20}) due to) *(.*)"
)
_CHOSE = re.compile(r">{10,20} Chose Runner Type: \S+ Tactic: \S+")
_COSTS = re.compile(r"={10,20} Computing costs for(?: (.*))?")
_OP_WITH_KEY = re.compile(
    r"(?:\([^()]*\) *)?Autotuning op (.+)\(key: (0x[0-9a-fA-F]{32})\):(?: .*)?"
)
_OP = re.compile(r"(?:\([^()]*\) *)?Autotuning op (.+?):(?: .*)?")
_HEADER = (
    "tactic_id, cost(in ms), cost/fastest_cost, prediction_correlation, kernel_name, tactic_hash"
)
_ROW = re.compile(r" *\d{1,9}, ([^ ,]+), [^ ,]+, [^ ,]+, (.+?), (0x[0-9a-fA-F]{1,16})(?:,.*)?")
_SELECTED = re.compile(
    r"The selected tactic is \(tactic hash, cost\(in ms\)\): *(0x[0-9a-fA-F]{1,16}), .*"
)


def clean(text):
    """`text` on one line, printable, at most MAX_TEXT characters."""
    line = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 3] + "..."


def strip_counter(name):
    """A layer's name without Myelin's counter of graphs: `a_myl3_2` -> `a_myl_2`."""
    return re.sub(r"_myl\d+(?![A-Za-z0-9])", "_myl", name)


def tactic_text(text):
    """A tactic as 0x and 16 digits, from hexadecimal or signed decimal digits."""
    number = int(text, 16 if text.startswith("0x") else 10)
    return "0x%016x" % (number & (1 << 64) - 1)


def to_ns(ms):
    """Whole ns, rounded half up, of a time in ms; None when that is no time of 1 ns or more."""
    try:
        value = decimal.Decimal(ms)
    except decimal.InvalidOperation:
        return None
    if not value.is_finite() or not 0 < value <= MAX_MS:
        return None
    return int((value * 1000000).to_integral_value(decimal.ROUND_HALF_UP)) or None


def lines_of(descriptor, copy):
    """Lines read from a descriptor, as text cut to MAX_LINE; every byte goes on to `copy`."""
    pending, cut = b"", False
    while True:
        block = os.read(descriptor, 1 << 16)
        if not block:
            break
        copy.write(block)
        parts = (pending + block).split(b"\n")
        for part in parts[:-1]:
            if not cut:
                yield part[:MAX_LINE].decode("utf-8", "replace").rstrip("\r")
            cut = False
        pending = parts[-1]
        if len(pending) > MAX_LINE:  # what was kept is delivered now, the rest is dropped
            if not cut:
                yield pending[:MAX_LINE].decode("utf-8", "replace")
            pending, cut = b"", True
    if pending and not cut:
        yield pending.decode("utf-8", "replace")


class LogParser:
    """Reads a log line by line; gives each candidate to `emit`.

    emitted, failed    candidates given to `emit`, and those of them that did not run
    dropped            candidates beyond MAX_CANDIDATES
    layers             {layer: number of candidates}
    keys               {cache key: layer} of family C; a key that two layers share names both
    without_key        layers of family C that had no key
    selected           {layer: tactic} of family C; the others choose for each pair of formats
    """

    def __init__(self, emit):
        self._emit = emit
        self.emitted = self.failed = self.dropped = 0
        self.layers = collections.OrderedDict()
        self.keys = {}
        self.without_key = []
        self.selected = {}
        self._layer = self._kind = self._format = self._named = None
        self._outer = (None, None)  # (layer, kind) whose timing an operator of family C interrupts
        self._table = False

    def feed(self, line):
        """One line as text, without its end."""
        match = _PREFIX.match(line)
        line = line[match.end() :] if match else line
        if self._op(line) or (self._table and self._row(line)):
            return
        self._table = False  # a table ends with the first line that is no row of it
        self._runner(line.strip())

    # -- family C
    def _op(self, line):
        text = line.strip()
        match = _OP_WITH_KEY.fullmatch(text) or _OP.fullmatch(text)
        if not match:
            return False
        if self._kind != "op":
            self._outer = (self._layer, self._kind)
        self._layer = strip_counter(clean(match.group(1)))
        self._kind, self._table = "op", False  # the table comes with its header
        if match.re is _OP_WITH_KEY:
            key, known = match.group(2).lower(), self.keys.get(match.group(2).lower())
            if known is None:
                self.keys[key] = self._layer
            elif self._layer not in known.split(" + "):
                self.keys[key] = clean(known + " + " + self._layer)
        elif self._layer not in self.without_key:
            self.without_key.append(self._layer)
        return True

    def _row(self, line):
        match = _ROW.fullmatch(line.rstrip())
        if match:
            self._add(match.group(2), match.group(3), match.group(1))
        return bool(match)

    # -- families A and B, and the lines around a table
    def _runner(self, line):
        if self._kind == "op":
            match = _SELECTED.fullmatch(line)
            if match:
                self.selected[self._layer] = tactic_text(match.group(1))
                self._layer, self._kind = self._outer
                return
            if line.startswith(_HEADER):
                self._table = True
                return
        match = _RUNNER.fullmatch(line)
        if match:
            self._layer, self._kind = strip_counter(clean(match.group(1))), clean(match.group(2))
            self._named = None
            return
        match = _FORMAT.fullmatch(line)
        if match or _COSTS.fullmatch(line):
            self._format = clean(match.group(1)) if match else None
            self._layer = self._kind = None
            return
        if self._kind == "op":
            if self._outer[0] is None or not (_CHOSE.fullmatch(line) or _TIMED.fullmatch(line)):
                return
            self._layer, self._kind = self._outer  # an operator that told no selected tactic
        if self._layer is None:
            return
        if _CHOSE.fullmatch(line):
            self._layer = self._kind = None
            return
        self._tactic(line)

    def _tactic(self, line):
        match = _TIMED.fullmatch(line)
        if match:
            name, tactic, ms = match.groups()
            self._add(name or self._name_of(tactic), tactic, ms)
            return
        match = _SKIPPED.fullmatch(line)
        if match:
            tactic = match.group(1) or match.group(2)
            self._add(self._name_of(tactic), tactic, None, clean("skipped: " + match.group(3)))
            return
        match = _SET_NAME.fullmatch(line)
        if match:
            self._named = (match.group(3), match.group(2))

    def _name_of(self, tactic):
        """The kernel that was named just before; 7.x names it without its tactic."""
        named, self._named = self._named, None
        return named[1] if named and named[0] in (None, tactic) else ""

    def _add(self, kernel, tactic, ms, error=""):
        if self.emitted >= MAX_CANDIDATES:
            self.dropped += 1
            return
        time_ns = None if ms is None else to_ns(ms)
        if time_ns is None:
            error = error or clean("time %s" % ms)
            self.failed += 1
        self.emitted += 1
        self.layers[self._layer] = self.layers.get(self._layer, 0) + 1
        parts = [
            "" if self._kind == "op" else self._kind,
            clean(kernel),
            tactic_text(tactic),
            "(%s)" % self._format if self._format and self._kind != "op" else "",
        ]
        self._emit(Candidate(self._layer, " ".join(p for p in parts if p), time_ns, error))
