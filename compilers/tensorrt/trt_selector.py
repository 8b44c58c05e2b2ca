# SPDX-License-Identifier: Apache-2.0
"""The lock by IAlgorithmSelector (TensorRT up to 10.16; with 8.6 the only one).

Record: every choice is left to TensorRT, which then reports what it took for each layer.
Replay: for each layer the one recorded choice is returned, and nothing else. A layer without a
record, or a choice that is not on offer any more, is a miss; REJECT_EMPTY_ALGORITHMS, where
offered, stops the build there, and without it the build is refused afterwards. The report of the
replay must equal the record. The timing cache is off: with it TensorRT would not ask about every
layer.

A `{ForeignNode[...]}` is one layer with one tactic: what Myelin chooses inside is not covered.
"""

import json

import assay_builder as ab
from trt_decisions import Recorded, differences

FORMAT = 1
MAX_LAYERS = 200000


def _hex(number):
    return "0x%016x" % (int(number) & (1 << 64) - 1)


def _tensor(info):
    """One input or output of an algorithm, by the members that this TensorRT tells."""
    told = {"dtype": info.dtype.name, "strides": [int(s) for s in info.strides]}
    for name in ("vectorized_dim", "components_per_element"):
        if hasattr(info, name):
            told[name] = int(getattr(info, name))
    return told


def describe(context, algorithm):
    """The JSON value that tells one choice: equal values are the same choice."""
    count, variant = context.num_inputs, algorithm.algorithm_variant
    infos = [
        _tensor(algorithm.get_algorithm_io_info(i)) for i in range(count + context.num_outputs)
    ]
    return {
        "implementation": _hex(variant.implementation),
        "tactic": _hex(variant.tactic),
        "inputs": infos[:count],
        "outputs": infos[count:],
    }


def short(choice):
    """A choice in one line."""
    sides = [
        "+".join("%s%s" % (t["dtype"], t["strides"]) for t in choice[side])
        for side in ("inputs", "outputs")
    ]
    return ab.one_line(
        "%s of implementation %s (%s)"
        % (choice["tactic"], choice["implementation"], " -> ".join(sides))
    )


def read(data):
    """{layer: choice} of the bytes of selector.json.  BuildError `miss`."""

    def bad(what):
        return ab.BuildError("miss", "selector.json: %s" % what)

    try:
        told = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise bad("not JSON (%s)" % error)
    layers = told.get("layers") if isinstance(told, dict) and told.get("format") == FORMAT else None
    if not isinstance(layers, dict) or len(layers) > MAX_LAYERS:
        raise bad('no format %d with "layers"' % FORMAT)
    for name, choice in layers.items():
        if not _is_choice(choice):
            raise bad("layer %s has no choice" % ab.one_line(name, 200))
    return layers


def _is_choice(told):
    return (
        isinstance(told, dict)
        and sorted(told) == ["implementation", "inputs", "outputs", "tactic"]
        and all(
            isinstance(told[side], list)
            and all(
                isinstance(t, dict)
                and isinstance(t.get("dtype"), str)
                and isinstance(t.get("strides"), list)
                for t in told[side]
            )
            for side in ("inputs", "outputs")
        )
        and all(isinstance(told[key], str) for key in ("implementation", "tactic"))
    )


class SelectorLock:
    """`recorded`: {layer: choice} when replaying, else None."""

    file = "selector.json"

    def __init__(self, trt, recorded=None, data=b""):
        self._trt = trt
        self._recorded = recorded
        self._data = data
        self._selector = None

    def attach(self, config):
        config.need_flag("DISABLE_TIMING_CACHE", "lock by selector")
        if self._recorded is not None:
            config.flag("REJECT_EMPTY_ALGORITHMS")
        self._selector = _make_selector(self._trt, self._recorded)
        config.raw.algorithm_selector = self._selector

    def failed(self):
        """The first choice that a replay did not find, or ""."""
        misses = self._selector.misses if self._selector else []
        return (
            ab.one_line(misses[0] + ("; and %d more" % (len(misses) - 1) if misses[1:] else ""))
            if misses
            else ""
        )

    def finish(self, _config):
        """As TimingCacheLock.finish."""
        selector = self._selector
        if self._recorded is not None and selector.misses:
            raise ab.BuildError("miss", self.failed())
        entries = {name: short(choice) for name, choice in selector.reported.items()}
        inside = sorted(name for name in selector.reported if "{ForeignNode[" in name)
        if self._recorded is not None:
            told = {name: short(choice) for name, choice in self._recorded.items()}
            wrong = differences(told, entries)
            if not wrong and selector.reported != self._recorded:
                wrong = "other formats"
            if wrong:
                raise ab.BuildError("miss", "the build did not keep to selector.json: %s" % wrong)
            return Recorded(self._data, entries, "", inside)
        problem = ""
        if selector.misses:
            problem = self.failed()
        elif not selector.reported:
            problem = "TensorRT reported no layer, so that nothing can be pinned"
        elif selector.ambiguous:
            problem = (
                "two layers are called %s and were decided differently" % selector.ambiguous[0]
            )
        text = (
            json.dumps({"format": FORMAT, "layers": selector.reported}, indent=1, sort_keys=True)
            + "\n"
        )
        return Recorded(text.encode("utf-8"), entries, problem, inside)


def _make_selector(trt, recorded):
    """A selector object; its base class exists only in the module.

    No exception may leave a method: TensorRT calls them from C++. So `misses` collects what went
    wrong.
    """

    class Selector(trt.IAlgorithmSelector):
        def __init__(self):
            trt.IAlgorithmSelector.__init__(self)
            self.reported, self.ambiguous, self.misses = {}, [], []

        def select_algorithms(self, context, choices):
            try:
                return self._select(context, choices)
            except Exception as error:  # pylint: disable=broad-except
                self.misses.append("the selector failed: %s: %s" % (type(error).__name__, error))
                return []

        def _select(self, context, choices):
            if recorded is None:
                return list(range(len(choices)))
            wanted = recorded.get(context.name)
            if wanted is None:
                self.misses.append("layer %s: no choice is recorded" % context.name)
                return []
            for index, algorithm in enumerate(choices):
                if describe(context, algorithm) == wanted:
                    return [index]
            self.misses.append(
                "layer %s: the recorded choice %s is none of the %d on offer"
                % (context.name, short(wanted), len(choices))
            )
            return []

        def report_algorithms(self, contexts, choices):
            try:
                for context, choice in zip(contexts, choices):
                    told = describe(context, choice)
                    if self.reported.setdefault(context.name, told) != told:
                        self.ambiguous.append(context.name)
            except Exception as error:  # pylint: disable=broad-except
                self.misses.append(
                    "the selector's report failed: %s: %s" % (type(error).__name__, error)
                )

    return Selector()
