# SPDX-License-Identifier: Apache-2.0
"""The candidates of max_autotune: products and convolutions, ATen against templates.

Seen is what Inductor's algorithm selection measured.  Not seen: the block sizes of Triton's
pointwise and reduction kernels, which are tuned when each kernel is compiled; the kernel map
shows the ones that were taken.
"""

import json
import math

from torch._inductor import select_algorithm

DECISIONS = "autotune.json"


def describe(choice):
    """One line for a candidate: its name, and the configuration of a template."""
    name = str(getattr(choice, "name", choice))
    text = getattr(choice, "description", "") or ""
    return " ".join(("%s %s" % (name, text)).split())[:400]


class Search:
    """Listens to one build; `finish` sends `trials` and writes the decision file."""

    def __init__(self, b):
        self._b = b
        self._layers = []  # {"layer", "candidates": [{"candidate", "time_ns"}], "choice"}
        self._seen = {}
        self._failed = self._measured = 0
        select_algorithm.clear_feedback_savers()
        select_algorithm.add_feedback_saver(self._take)

    def _take(self, timings, name, input_nodes, choices, *_unused):
        sizes = "; ".join("x".join(str(e) for e in node.get_size()) for node in input_nodes)
        layer = "%s(%s)" % (name, sizes)
        count = self._seen[layer] = self._seen.get(layer, 0) + 1
        layer += "" if count == 1 else " #%d" % count
        told = []
        for choice in choices:
            if choice not in timings:
                continue
            ms = float(timings[choice])
            good = math.isfinite(ms) and ms > 0
            text, ns = describe(choice), max(1, int(round(ms * 1e6))) if good else 0
            self._b.candidate(
                layer, text, [ns] if good else [], good, "" if good else "not measured", len(told)
            )
            self._measured += 1
            self._failed += 0 if good else 1
            told.append({"candidate": text, "time_ns": ns if good else None})
        good = [t for t in told if t["time_ns"] is not None]
        if good:
            best = min(good, key=lambda t: t["time_ns"])
            self._b.choice(layer, best["candidate"])
            self._layers.append({"layer": layer, "candidates": told, "choice": best["candidate"]})
            self._b.progress(2, 4, "steps", "measured " + layer, best["time_ns"])

    def finish(self):
        tasks = len(self._layers)
        most = max((len(entry["candidates"]) for entry in self._layers), default=0)
        self._b.trials(most, self._measured, self._measured, self._failed, tasks)
        if not tasks:
            return
        text = json.dumps({"format": 1, "layers": self._layers}, indent=1, sort_keys=True) + "\n"
        self._b.write_text(DECISIONS, text, "tuning_log")
        self._b.rebuild_decisions = [DECISIONS]
