# SPDX-License-Identifier: Apache-2.0
"""What a lock of TensorRT keeps: contract.json, and timing.cache or selector.json.

contract.json: {"format": 1, "strategy": "timing_cache", "file": "timing.cache",
 "sha256": of that file,
 "device": {gpu, sm, tensorrt, cuda_runtime, driver},
 "recipe": {model_sha256, precision, shapes, options},
 "applied": [flags and properties of the configuration],
 "entries": {key or layer: tactic},
 "not_covered": [layers],
 "choices": [[layer, text]]}
The hash finds damage; who wants to know who wrote a lock signs it.
"""

import collections
import json

import assay_builder as ab

FORMAT = 1
CONTRACT = "contract.json"
FILES = {"timing_cache": "timing.cache", "selector": "selector.json"}
MAX_BYTES = 256 << 20
MAX_NAMED = 5  # keys in one message

Recorded = collections.namedtuple("Recorded", "data entries problem not_covered")
Recorded.__doc__ = """What a build decided: `data` the bytes of the decision file; `entries` {key
or layer: tactic
text}; `problem` why a rebuild from it would not be whole, or ""; `not_covered` list of layers."""


def differences(recorded, now):
    """One line naming what differs between two {name: tactic}, "" when they are equal."""
    parts = []
    for what, names in (
        ("added", set(now) - set(recorded)),
        ("removed", set(recorded) - set(now)),
        ("changed", {n for n in set(now) & set(recorded) if now[n] != recorded[n]}),
    ):
        named = [
            "%s (%s, now %s)" % (n, recorded[n], now[n]) if what == "changed" else n
            for n in sorted(names)[:MAX_NAMED]
        ]
        if named:
            more = "" if len(names) <= MAX_NAMED else " and %d more" % (len(names) - MAX_NAMED)
            parts.append("%s: %s%s" % (what, ", ".join(named), more))
    return "; ".join(parts)


def recipe(request):
    """What a rebuild's request must have in common with that of the recorded build."""
    return {
        "model_sha256": ab.sha256_file(request.model),
        "precision": request.precision,
        "shapes": request.shapes,
        "options": request.options,
    }


def write(b, strategy, device, applied, recorded, choices, not_covered):
    """Registers the decision file (already in the engine folder) and contract.json as decisions."""
    name = FILES[strategy]
    told = {
        "format": FORMAT,
        "strategy": strategy,
        "file": name,
        "sha256": ab.sha256_file(b.path(name)),
        "device": device,
        "recipe": recipe(b.request),
        "applied": applied,
        "entries": recorded,
        "not_covered": not_covered,
        "choices": choices,
    }
    b.file(name, "tuning_log")
    b.write_text(
        CONTRACT, json.dumps(told, indent=1, sort_keys=True, allow_nan=False) + "\n", "tuning_log"
    )
    b.rebuild_decisions = [CONTRACT, name]


def _need(condition, what):
    if not condition:
        raise ab.BuildError("miss", "contract.json: %s" % what)


def _texts(value):
    return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())


def _check_form(told):
    _need(isinstance(told, dict) and told.get("format") == FORMAT, "not of format %d" % FORMAT)
    strategy = told.get("strategy")
    _need(
        isinstance(strategy, str) and strategy in FILES and told.get("file") == FILES[strategy],
        "strategy %r with file %r" % (strategy, told.get("file")),
    )
    for key in ("device", "entries"):
        _need(_texts(told.get(key)), "`%s` is no object of texts" % key)
    _need(told["entries"], "`entries` is empty")
    _need(isinstance(told.get("recipe"), dict), "`recipe` is no object")
    choices, listed = told.get("choices"), told.get("not_covered")
    _need(
        isinstance(choices, list)
        and all(
            isinstance(c, list) and len(c) == 2 and all(isinstance(t, str) for t in c)
            for c in choices
        ),
        "`choices` is no list of pairs of texts",
    )
    _need(
        isinstance(listed, list) and all(isinstance(n, str) for n in listed),
        "`not_covered` is no list of texts",
    )


def read(request):
    """The checked contents of contract.json among a request's decisions.  BuildError `miss`,
    `invalid`.
    """
    decisions = request.decisions
    if decisions.choices or decisions.override:
        raise ab.BuildError(
            "unsupported", "tensorrt: the decisions of single layers cannot be replaced"
        )
    _need(CONTRACT in decisions.files, "not among the decisions")
    with open(decisions.files[CONTRACT], "rb") as handle:
        data = handle.read(MAX_BYTES + 1)
    _need(len(data) <= MAX_BYTES, "longer than %d bytes" % MAX_BYTES)
    try:
        told = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ab.BuildError("miss", "contract.json: not JSON (%s)" % error)
    _check_form(told)
    path = decisions.files.get(told["file"])
    _need(path, "%s is not among the decisions" % told["file"])
    found = ab.sha256_file(path)
    if found != told.get("sha256"):
        raise ab.BuildError(
            "miss",
            "%s: its SHA-256 is %s, contract.json says %s: it was changed"
            % (told["file"], found, told.get("sha256")),
        )
    here = json.loads(json.dumps(recipe(request)))
    wrong = sorted(
        k for k in set(here) | set(told["recipe"]) if here.get(k) != told["recipe"].get(k)
    )
    if wrong:
        raise ab.BuildError(
            "invalid",
            "the decisions belong to another recipe: %s"
            % "; ".join(
                "%s %s, asked for %s" % (k, told["recipe"].get(k), here.get(k)) for k in wrong
            ),
        )
    return told
