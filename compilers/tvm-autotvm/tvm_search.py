# SPDX-License-Identifier: Apache-2.0
"""Counts the candidates of a search, reports each, and holds the reports against the log."""

import tvm_common as common
import tvm_decisions as decisions

ab = common.ab


class Search:
    """Reports candidates in the order of the log: `measured` includes the failed ones.

    TVM hands a batch of candidates first to its log and to our report; both go through it in the
    same order, so the n-th report is line n of the log.  `check` proves that after the search.
    """

    def __init__(self, job, total):
        self._job = job
        self._total = total
        self._best = {}  # layer -> ns
        self._reported = []  # (layer, text, worked) by line of the log
        self.failed = 0

    @property
    def measured(self):
        return len(self._reported)

    def candidate(self, layer, text, costs_s, error, where):
        """One candidate: `costs_s` in seconds (empty when it failed), `error` text or ""."""
        number = len(self._reported)
        times = [] if error else [round(cost * 1e9) for cost in costs_s]
        ok = bool(times)
        self._reported.append((layer, text, ok))
        if ok:
            mean = sum(costs_s) / len(costs_s) * 1e9
            self._best[layer] = min(mean, self._best.get(layer, mean))
        else:
            self.failed += 1
        self._job.candidate(
            layer, text, times, ok, error or ("" if ok else "no time was measured"), number
        )
        best = self._best.get(layer)
        self._job.progress(
            self.measured, self._total, "trials", where, None if best is None else round(best)
        )

    def finish(self, per_task, requested, layers):
        """Sends `trials`.  Nothing that ran is a failed build: the engine would be untuned."""
        self._job.trials(per_task, requested, self.measured, self.failed, len(layers))
        if layers and self.measured == self.failed:
            raise ab.BuildError(
                "failed",
                "tuning: all %d candidates of %d tasks failed, see the candidate "
                "records and the tuning log" % (self.measured, len(layers)),
            )
        for layer in layers:
            if layer not in self._best:
                self._job.progress(
                    self.measured,
                    self._total,
                    "trials",
                    "no candidate of %s worked: TVM's default schedule is used" % layer,
                )

    def check(self, records):
        """BuildError `failed` unless candidate n that was reported is line n of the log."""
        logged = [(record.layer, record.text, not record.error) for record in records]
        if logged != self._reported:
            line = next(
                (i for i, pair in enumerate(zip(logged, self._reported)) if pair[0] != pair[1]),
                min(len(logged), len(self._reported)),
            )
            raise ab.BuildError(
                "failed",
                "tuning log: line %d is not candidate %d as it was reported (%d lines, %d "
                "candidates)" % (line + 1, line, len(logged), len(self._reported)),
            )


def without(job, tasks):
    """The Search of a build that measures nothing (`trials=0`): an empty log, TVM's own schedules."""
    job.write_text(decisions.LOG, "", "tuning_log")
    job.trials(0, 0, 0, 0, tasks)
    return Search(job, 0)
