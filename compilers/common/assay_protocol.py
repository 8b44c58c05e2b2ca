# SPDX-License-Identifier: Apache-2.0
"""The builder protocol: the checked request, the events, the errors (docs/formats.md).

Python 3.8+, standard library only.  Builders import assay_builder.py, which offers all of this.
"""

import collections
import hashlib
import json
import os
import re
import sys
import threading

PROTOCOL = 1
MAX_RANK = 8
MAX_REQUEST_BYTES = 16 << 20
MAX_ROUNDS = 1000000  # of one `measure`
ERROR_KINDS = ("unsupported", "invalid", "missing", "failed", "miss")
ACTIONS = ("hello", "build", "rebuild", "measure")

# ONNX TensorProto.DataType -> the spelling of manifest.json.
ONNX_DTYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    16: "bfloat16",
}
DTYPES = frozenset(ONNX_DTYPES.values())


class BuildError(Exception):
    """An expected failure: `kind` of ERROR_KINDS, `message` one line (what, where, how to fix)."""

    def __init__(self, kind, message):
        if kind not in ERROR_KINDS:
            raise ValueError("error kind %r is not one of %s" % (kind, ", ".join(ERROR_KINDS)))
        super().__init__(message)
        self.kind = kind
        self.message = message


Request = collections.namedtuple(
    "Request",
    "action compiler model engine_dir precision threads cpus seed shapes options scratch inputs"
    " outputs decisions candidates rounds build_index device",
    defaults=(None, None, None, (), 0, 0, "cpu"),
)
# What a lock decided: `files` {relative path: absolute path} as the locked engine named them in
# rebuild.decisions; `choices` {layer: candidate number} and `override` {layer: files of another
# engine} replace the decisions of those layers; no layer is in both.
Decisions = collections.namedtuple("Decisions", "files choices override")
Request.__doc__ = """The checked build request.

Texts; `threads` >= 1; `cpus` list of int; `seed` int; `build_index` >= 0; `shapes` {input name:
[static extents]};
`options` {name: value}; paths are absolute; `inputs` and `outputs` are lists of {"name", "dtype",
"shape"} where the caller knows them, else []; `decisions` is a Decisions for the actions rebuild
and measure, else None; `candidates` [(layer, number)], none twice, and `rounds` >= 1 are for
measure, else () and 0; `device` "cpu" or "cuda:N".  For the action `hello` everything but `action` and `compiler` may be
None."""


# ---------------------------------------------------------------- small helpers
def one_line(text, limit=2000):
    """`text` with every run of white space replaced by one space, cut to `limit` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def sha256_file(path):
    """Lower-case hex SHA-256 of the bytes of the file at `path`."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def sha256_text(text):
    """Lower-case hex SHA-256 of `text` in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def package_versions(names):
    """{name: version} of the installed packages, in the order given.

    Raises BuildError `missing` for the first package that is not installed.
    """
    from importlib import metadata

    found = collections.OrderedDict()
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            raise BuildError(
                "missing",
                "package %s is not in %s: install the compiler with `./assay-up compilers`"
                % (name, sys.prefix),
            )
    return found


def tensor(name, dtype, shape):
    """A manifest entry for one input or output: `dtype` of DTYPES, `shape` static extents >= 0.

    Raises BuildError `unsupported` for another type, a dynamic extent or a rank above MAX_RANK.
    """
    if dtype not in DTYPES:
        raise BuildError(
            "unsupported", "tensor %s: element type %s is not supported" % (name, dtype)
        )
    extents = []
    for extent in shape:
        if isinstance(extent, bool) or not isinstance(extent, int) or extent < 0:
            raise BuildError(
                "unsupported",
                "tensor %s: shape %s is not static: give every extent with --shapes"
                % (name, list(shape)),
            )
        extents.append(int(extent))
    if len(extents) > MAX_RANK:
        raise BuildError(
            "unsupported", "tensor %s: rank %d is above %d" % (name, len(extents), MAX_RANK)
        )
    return {"name": name, "dtype": dtype, "shape": extents}


# ---------------------------------------------------------------- events
class Events:
    """Writes events, one JSON object a line, to a descriptor.  Threads may share it."""

    def __init__(self, descriptor):
        self._fd = descriptor
        self._lock = threading.Lock()

    @staticmethod
    def from_environment():
        """The descriptor named by ASSAY_EVENT_FD (3 when unset); OSError when it is not open.

        It is made non-inheritable: tools started by a builder cannot write to it.
        """
        text = os.environ.get("ASSAY_EVENT_FD", "3")
        if not text.isdigit():
            raise OSError("ASSAY_EVENT_FD is %r, expected a descriptor number" % text)
        descriptor = int(text)
        os.fstat(descriptor)
        os.set_inheritable(descriptor, False)
        return Events(descriptor)

    def emit(self, event, **members):
        """Sends one event.  NaN and infinities are refused (ValueError): JSON has none."""
        record = {"event": event}
        record.update(members)
        data = (json.dumps(record, allow_nan=False, ensure_ascii=True) + "\n").encode("ascii")
        with self._lock:
            while data:
                data = data[os.write(self._fd, data) :]


# ---------------------------------------------------------------- the request
def _need(condition, message):
    if not condition:
        raise BuildError("invalid", "request: " + message)


def _is_int(value, low, high):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _check_shapes(shapes):
    _need(isinstance(shapes, dict), "`shapes` must be an object of input name: extents")
    for name, extents in shapes.items():
        good = isinstance(extents, list) and len(extents) <= MAX_RANK
        good = good and all(_is_int(e, 0, 1 << 40) for e in extents)
        _need(
            good, "`shapes` of %s must be at most %d extents >= 0" % (one_line(name, 80), MAX_RANK)
        )


def _tensors(raw, key):
    """The request's `inputs` or `outputs` as checked tensors, [] when it does not carry them."""
    entries = raw.get(key) or []
    _need(
        isinstance(entries, list) and all(isinstance(e, dict) for e in entries),
        "`%s` must be a list of {name, dtype, shape}" % key,
    )
    for entry in entries:
        _need(
            isinstance(entry.get("name"), str)
            and isinstance(entry.get("dtype"), str)
            and isinstance(entry.get("shape"), list),
            "`%s`: an entry lacks name, dtype or shape" % key,
        )
    return [tensor(e["name"], e["dtype"], e["shape"]) for e in entries]


def _decision_files(raw, where):
    """{relative: absolute} of the existing regular files that `raw` (dir, files) names."""
    folder, names = raw.get("dir"), raw.get("files")
    _need(isinstance(folder, str) and os.path.isabs(folder), "`%s.dir` must be absolute" % where)
    _need(isinstance(names, list), "`%s.files` must be a list" % where)
    real = os.path.realpath(folder) if "\0" not in folder else folder
    files = {}
    for name in names:
        plain = isinstance(name, str) and not any(p in ("", ".", "..") for p in name.split("/"))
        plain = plain and name.isprintable()
        _need(plain, "`%s.files`: %r is not a plain relative path" % (where, name))
        full = os.path.join(folder, name)
        # A link on the way would lead out of the folder, or to a file that nobody hashed.
        if not os.path.isfile(full) or os.path.realpath(full) != os.path.join(real, name):
            raise BuildError(
                "missing", "decision file %s: no such regular file, or behind a link" % full
            )
        files[name] = full
    return files


def _choices(raw, where):
    """[(layer, number)] of a list of {layer, number}; absent: []."""
    entries = [] if raw is None else raw
    _need(
        isinstance(entries, list)
        and all(
            isinstance(e, dict)
            and isinstance(e.get("layer"), str)
            and _is_int(e.get("number"), 0, 1 << 40)
            for e in entries
        ),
        "`%s` must be a list of {layer, number}" % where,
    )
    return [(e["layer"], e["number"]) for e in entries]


def _decisions(raw):
    given = raw.get("decisions")
    _need(isinstance(given, dict), "`decisions` must be an object")
    files = _decision_files(given, "decisions")
    choices = _choices(given.get("choices"), "decisions.choices")
    override = {}
    other = given.get("override")
    if other is not None:
        _need(isinstance(other, dict), "`decisions.override` must be an object")
        layers = other.get("layers")
        _need(
            isinstance(layers, list) and all(isinstance(n, str) for n in layers),
            "`decisions.override.layers` must be a list of texts",
        )
        override = dict.fromkeys(layers, _decision_files(other, "decisions.override"))
    chosen = {}
    for layer, number in choices:
        clear = layer not in chosen and layer not in override
        _need(clear, "`decisions`: layer %s is decided twice" % one_line(layer, 80))
        chosen[layer] = number
    return Decisions(files, chosen, override)


def _measurement(raw):
    """(candidates, rounds) of the action measure."""
    candidates, rounds = _choices(raw.get("candidates"), "candidates"), raw.get("rounds")
    _need(candidates, "`candidates` must name at least one {layer, number}")
    _need(len(set(candidates)) == len(candidates), "`candidates` names one twice")
    _need(_is_int(rounds, 1, MAX_ROUNDS), "`rounds` must be from 1 to %d" % MAX_ROUNDS)
    return candidates, rounds


def parse_request(text, compiler):
    """The checked Request in `text` (JSON).  BuildError `invalid`, or `missing`: no such model."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise BuildError("invalid", "request: not JSON: %s" % error)
    _need(isinstance(raw, dict), "must be a JSON object")
    _need(
        raw.get("protocol") == PROTOCOL,
        "protocol %r, expected %d: builder and assay do not fit" % (raw.get("protocol"), PROTOCOL),
    )
    action = raw.get("action")
    _need(action in ACTIONS, "action %r, expected one of %s" % (action, ", ".join(ACTIONS)))
    named = raw.get("compiler", compiler)
    _need(named == compiler, "compiler %r sent to the builder of %s" % (named, compiler))
    if action == "hello":
        return Request(action, compiler, *[None] * 9)
    for key in ("model", "engine_dir", "precision", "scratch"):
        _need(
            isinstance(raw.get(key), str) and raw[key] and "\0" not in raw[key],
            "`%s` must be a text that is not empty" % key,
        )
    for key in ("model", "engine_dir", "scratch"):
        _need(os.path.isabs(raw[key]), "`%s` must be an absolute path" % key)
    _need(_is_int(raw.get("threads"), 1, 4096), "`threads` must be a whole number from 1 to 4096")
    cpus = raw.get("cpus", [])
    _need(
        isinstance(cpus, list) and all(_is_int(c, 0, 1 << 20) for c in cpus),
        "`cpus` must be a list of CPU numbers",
    )
    _need(_is_int(raw.get("seed", 0), 0, (1 << 64) - 1), "`seed` must be a whole number of 64 bit")
    _need(_is_int(raw.get("build_index", 0), 0, 1 << 40), "`build_index` must be a number >= 0")
    device = raw.get("device", "cpu")
    _need(
        isinstance(device, str) and re.fullmatch(r"cpu|cuda:(0|[1-9][0-9]{0,2})", device),
        "`device` is %r, expected cpu or cuda:N" % (device,),
    )
    _check_shapes(raw.get("shapes", {}))
    _need(isinstance(raw.get("options", {}), dict), "`options` must be an object")
    if not os.path.isfile(raw["model"]):
        raise BuildError("missing", "model %s: no such file" % raw["model"])
    _need(os.path.isdir(raw["engine_dir"]), "engine_dir %s: no such folder" % raw["engine_dir"])
    _need(not os.listdir(raw["engine_dir"]), "engine_dir %s: not empty" % raw["engine_dir"])
    return Request(
        action,
        compiler,
        raw["model"],
        raw["engine_dir"],
        raw["precision"],
        raw["threads"],
        cpus,
        raw.get("seed", 0),
        raw.get("shapes", {}),
        raw.get("options", {}),
        raw["scratch"],
        _tensors(raw, "inputs"),
        _tensors(raw, "outputs"),
        None if action == "build" else _decisions(raw),
        *(_measurement(raw) if action == "measure" else ((), 0)),
        raw.get("build_index", 0),
        device,
    )
