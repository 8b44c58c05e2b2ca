# SPDX-License-Identifier: Apache-2.0
"""Results of checks, and the tags a compiler may set on them.

    [conformance]                        # in compiler.toml, optional
    unsupported = [{check = "outputs/*", reason = "..."}]       # permanent: the check is not made
    expected_failure = [{check = "clean/*", reason = "..."}]    # to be mended: passing is a failure
"""

import dataclasses
import fnmatch

PASS, FAIL, UNSUPPORTED, EXPECTED = "PASS", "FAIL", "UNSUPPORTED", "XFAIL"


class CheckFailed(Exception):
    """A check does not hold; the text tells what was found and what was expected."""


@dataclasses.dataclass
class Outcome:
    compiler: str
    check: str
    result: str
    detail: str

    def line(self):
        return f"{self.result} {self.compiler}/{self.check} {self.detail}".rstrip()


class Recorder:
    """Runs checks of one compiler and keeps their outcomes."""

    def __init__(self, compiler, tags, show=lambda outcome: None):
        self.compiler = compiler
        self.outcomes = []
        self._show = show
        self._tags = {kind: self._read(tags, kind) for kind in ("unsupported", "expected_failure")}
        unknown = set(tags) - set(self._tags)
        if unknown:
            raise ValueError(f"{compiler}: [conformance] has {', '.join(sorted(unknown))}; "
                             f"it may have {', '.join(self._tags)}")

    def _read(self, tags, kind):
        entries = []
        for entry in tags.get(kind, []):
            good = isinstance(entry, dict) and all(
                isinstance(entry.get(key), str) and entry[key] for key in ("check", "reason"))
            if not good:
                raise ValueError(f"{self.compiler}: [conformance] {kind} needs check and reason, both a text")
            entries.append((entry["check"], entry["reason"]))
        return entries

    def _tag(self, kind, check):
        for pattern, reason in self._tags[kind]:
            if fnmatch.fnmatchcase(check, pattern):
                return reason
        return None

    def is_unsupported(self, check):
        return self._tag("unsupported", check) is not None

    def run(self, check, function):
        """Makes one check: `function` returns a detail, or raises CheckFailed.  True when it holds."""
        reason = self._tag("unsupported", check)
        if reason is not None:
            self._add(check, UNSUPPORTED, reason)
            return False
        expected = self._tag("expected_failure", check)
        try:
            detail = function() or ""
        except CheckFailed as failure:
            if expected is not None:
                self._add(check, EXPECTED, f"{expected} ({failure})")
            else:
                self._add(check, FAIL, str(failure))
            return False
        if expected is not None:
            self._add(check, FAIL, f"passed, but compiler.toml expects a failure ({expected}): remove the tag")
            return False
        self._add(check, PASS, detail)
        return True

    def skip(self, check, reason):
        """A check that cannot be made because an earlier one failed: a failure itself."""
        if self._tag("unsupported", check) is not None:
            self.run(check, lambda: "")
            return

        def cannot():
            raise CheckFailed(reason)
        self.run(check, cannot)

    def _add(self, check, result, detail):
        outcome = Outcome(self.compiler, check, result, " ".join(detail.split()))
        self.outcomes.append(outcome)
        self._show(outcome)


def counts(outcomes):
    """{result: number} over all four results."""
    table = {PASS: 0, FAIL: 0, UNSUPPORTED: 0, EXPECTED: 0}
    for outcome in outcomes:
        table[outcome.result] += 1
    return table
