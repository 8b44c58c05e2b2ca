# SPDX-License-Identifier: Apache-2.0
"""What a null engine is made from: a seed and a kernel variant for each layer, and a scripted search.

A build decides, a rebuild reads the decisions again: `decisions.json` has the seed, and the variants
where nothing was searched; `tuning.log` has a candidate a line, and the fastest of a layer counts.

The search is a script, for tests of selection.  Candidates of a layer are its variants 1 .. n.  Their
true times belong to the code and never change; what is measured is noise on top of it, by the seed.
"""

import collections
import json
import random

import assay_builder as ab

SOURCE = "y[c] = sum over k of x[pick(k)] * weight[(k + 257 c) mod 4096]\n"
DECISIONS = "decisions.json"
LOG = "tuning.log"
FORMAT = 1
REPEATS = 3  # times of a candidate that a build measures
MAX_VARIANT = 1 << 20
MAX_BYTES = 16 << 20  # of a decision file

# `seed` of the script; `variants` {layer: variant}; `log`: the Candidates that are kept, [] without a
# search; `slower_ns`: how much longer than base_ns the chosen candidates take.
Decided = collections.namedtuple("Decided", "seed variants log slower_ns")
# `number`: line of the log.
Candidate = collections.namedtuple("Candidate", "layer variant number time_ns")


def option(options, name, default, low, high):
    """The whole number given for the option `name`, in [low, high]."""
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ab.BuildError("invalid", "option %s is %r, expected a whole number from %d to %d"
                            % (name, value, low, high))
    return value


class Search:
    """The script: true and measured times of candidates."""

    def __init__(self, options):
        self.count = option(options, "candidates", 0, 0, 10000)
        self._near = option(options, "near_ties", 0, 0, 10000)
        self._noise = option(options, "search_noise_ns", 2000, 0, 1 << 40)
        self._base = option(options, "base_ns", 100000, 0, 1 << 53)
        self._places = {}

    def check(self, candidate):
        """BuildError `miss` for a candidate that this search does not have."""
        if not 1 <= candidate.variant <= self.count:
            raise ab.BuildError("miss", "layer %s: %s is none of its %d candidates"
                                % (ab.one_line(candidate.layer, 80), text_of(candidate.variant),
                                   self.count))

    def slower_ns(self, layer, variant):
        """How much longer than base_ns it takes: near ties lie 0.1 % apart, the others 5 %."""
        if layer not in self._places:
            order = sorted(range(1, self.count + 1), key=lambda v: _draw(layer, v))
            self._places[layer] = {v: place for place, v in enumerate(order)}
        place = self._places[layer][variant]
        far = max(place - self._near, 0)
        return (place - far) * self._base // 1000 + far * self._base // 20

    def measured_ns(self, layer, variant, seed, time):
        """What one measurement says: `time` counts those of one seed."""
        noise = _draw(layer, variant, seed, time) % (self._noise + 1)
        return max(self._base + self.slower_ns(layer, variant) + noise, 1)


def _draw(*what):
    """A number of 52 bits, the same for the same words on every machine."""
    return int(ab.sha256_text(json.dumps(what))[:13], 16)


def _decided(seed, variants, log, search):
    slower = sum(search.slower_ns(c.layer, c.variant) for c in log)
    return Decided(seed, variants, log, slower)


def decide(b, layers):
    """The Decided of a build: variant 0 of everything, or what a search of every layer finds."""
    search, seed = Search(b.request.options), b.request.seed
    if search.count == 0:
        return _decided(seed, dict.fromkeys(layers, 0), [], search)
    log, variants = [], {}
    for layer in layers:
        for variant in range(1, search.count + 1):
            times = [search.measured_ns(layer, variant, seed, i) for i in range(REPEATS)]
            log.append(Candidate(layer, variant, len(log), times))
            _tell(b, log[-1], times)
        variants[layer] = _fastest(log, layer).variant
    b.trials(search.count, len(log), len(log), 0, len(layers))
    # All candidates are kept: `choices` of a rebuild and `measure` find them by their line.
    chosen = [_fastest(log, layer) for layer in layers]
    return _decided(seed, variants, chosen, search)._replace(log=log)


def again(b, layers):
    """The Decided of a rebuild; BuildError `miss` for what the decisions do not say."""
    given, search = b.request.decisions, Search(b.request.options)
    for layer in list(given.choices) + list(given.override):
        if layer not in layers:
            raise ab.BuildError("invalid", "layer %s: the model has %s"
                                % (ab.one_line(layer, 80), ", ".join(layers)))
    seed, variants, log = _read(given.files)
    others = {layer: _read(files) for layer, files in given.override.items()}
    kept, decided = [], {}
    for layer in layers:
        _, own_variants, own_log = others.get(layer, (seed, variants, log))
        if layer in given.choices:
            candidate = find(own_log, layer, given.choices[layer])
        elif layer in own_variants:
            candidate = None
        else:
            candidate = _fastest(own_log, layer)
        if candidate is None:
            decided[layer] = own_variants[layer]
        else:
            search.check(candidate)
            decided[layer] = candidate.variant
            kept.append(candidate._replace(number=len(kept)))
    return _decided(seed, decided, kept, search)


def write(b, decided):
    """Registers the decision files of an engine, and what was chosen in a search."""
    kernels = {} if decided.log else decided.variants
    text = json.dumps({"format": FORMAT, "seed": decided.seed, "kernels": kernels}, sort_keys=True)
    b.write_text(DECISIONS, text + "\n", "decisions")
    b.rebuild_decisions = [DECISIONS]
    if decided.log:
        lines = [json.dumps({"layer": c.layer, "variant": c.variant, "time_ns": c.time_ns},
                            sort_keys=True) for c in decided.log]
        b.write_text(LOG, "\n".join(lines) + "\n", "tuning_log")
        b.rebuild_decisions.append(LOG)
        for layer, variant in decided.variants.items():
            b.choice(layer, text_of(variant))


def measure(b):
    """Action `measure`: the script's times of the candidates asked for."""
    request, search = b.request, Search(b.request.options)
    log = _read(request.decisions.files)[2]
    asked = [find(log, layer, number) for layer, number in request.candidates]
    for candidate in asked:
        search.check(candidate)
    times = {candidate.number: [] for candidate in asked}
    order = random.Random(request.seed)
    for number in range(request.rounds):
        for c in order.sample(asked, len(asked)):
            # Other words than a build's, so that a session of the build's seed says something new.
            time = "round %d" % number
            times[c.number].append(search.measured_ns(c.layer, c.variant, request.seed, time))
    for candidate in asked:
        _tell(b, candidate, times[candidate.number])


def text_of(variant):
    """What a candidate is called."""
    return "variant %d" % variant


def source_of(variant):
    """The kernel's source text."""
    return SOURCE if variant == 0 else "%s%s\n" % (SOURCE, text_of(variant))


def find(log, layer, number):
    """The candidate in line `number` of the log; `miss` when it is not there or of another layer."""
    if number >= len(log) or log[number].layer != layer:
        raise ab.BuildError("miss", "layer %s: no candidate of it in line %d of %s"
                            % (ab.one_line(layer, 80), number, LOG))
    return log[number]


def _tell(b, candidate, times):
    b.candidate(candidate.layer, text_of(candidate.variant), times, number=candidate.number,
                source_sha256=ab.sha256_text(source_of(candidate.variant)))


def _fastest(log, layer):
    mine = [c for c in log if c.layer == layer]
    if not mine:
        raise ab.BuildError("miss", "layer %s: neither %s nor %s decides it"
                            % (ab.one_line(layer, 80), DECISIONS, LOG))
    return min(mine, key=lambda c: (sum(c.time_ns) / len(c.time_ns), c.variant))


def _whole(value, low, high):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _read(files):
    """(seed, {layer: variant}, [Candidate]) of decision files."""
    content = _json(_text(files, DECISIONS), DECISIONS)
    kernels = content.get("kernels")
    if not (content.get("format") == FORMAT and _whole(content.get("seed"), 0, (1 << 64) - 1)
            and isinstance(kernels, dict)
            and all(_whole(v, 0, MAX_VARIANT) for v in kernels.values())):
        raise ab.BuildError("invalid", "%s: expected format %d, a seed and kernels" % (DECISIONS, FORMAT))
    log = []
    for number, line in enumerate(_text(files, LOG).splitlines() if LOG in files else []):
        where = "%s: line %d" % (LOG, number)
        entry = _json(line, where)
        times = entry.get("time_ns")
        if not (isinstance(entry.get("layer"), str) and _whole(entry.get("variant"), 0, MAX_VARIANT)
                and isinstance(times, list) and times and all(_whole(t, 1, 1 << 60) for t in times)):
            raise ab.BuildError("invalid", "%s: expected layer, variant and time_ns" % where)
        log.append(Candidate(entry["layer"], entry["variant"], number, times))
    return content["seed"], kernels, log


def _text(files, name):
    if name not in files:
        raise ab.BuildError("miss", "there is no decision file %s" % name)
    with open(files[name], "rb") as handle:
        data = handle.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ab.BuildError("invalid", "%s: longer than %d bytes" % (name, MAX_BYTES))
    return data.decode("utf-8", "replace")


def _json(text, where):
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ab.BuildError("invalid", "%s: not a JSON object" % where)
    return value
