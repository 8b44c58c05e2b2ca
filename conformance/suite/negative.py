# SPDX-License-Identifier: Apache-2.0
"""Negative controls: modes of a compiler that lies or crashes on purpose must fail the named check.

negative.toml holds them; `timeout_s` and `samples` may replace those of the case.  A mode that passes all checks is a failure of the suite, not of the compiler.
"""

import dataclasses
import fnmatch
import tomllib

from suite import checks, outcome
from suite.cases import HERE


def load(compiler_name):
    """Entries of negative.toml for one compiler: name, case, options, fails (patterns of checks)."""
    table = tomllib.loads((HERE / "negative.toml").read_text())
    for entry in table.get("control", []):
        for key, kind in (("compiler", str), ("name", str), ("case", str), ("options", dict), ("fails", list)):
            if not isinstance(entry.get(key), kind):
                raise ValueError(f"negative.toml: {key} is {entry.get(key)!r}, expected {kind.__name__}")
    return [e for e in table.get("control", []) if e["compiler"] == compiler_name]


def run(compiler, recorder, worker, work, cpu, cases):
    """One check `negative/<name>` for each entry of the compiler whose case is in `cases`."""
    loaded = {case.name: case for case in cases}
    for entry in load(compiler.name):
        if entry["case"] in loaded:
            recorder.run(f"negative/{entry['name']}",
                         lambda e=entry: _control(e, compiler, worker, work, cpu, loaded[e["case"]]))


def _control(entry, compiler, worker, work, cpu, case):
    # The compiler's own tags are left out: a control must be seen for what it is.
    hidden = outcome.Recorder(compiler.name, {})
    options = dict(case.options.get(compiler.name, {}), **entry["options"])
    changed = dataclasses.replace(case, options={compiler.name: options}, clean=False,
                                  samples=entry.get("samples", case.samples),
                                  build_timeout_s=entry.get("timeout_s", case.build_timeout_s))
    suite = checks.Suite(compiler, hidden, worker, work, cpu)
    suite.launch_timeout_s = entry.get("timeout_s", suite.launch_timeout_s)
    suite.run_case(changed)
    failed = [o for o in hidden.outcomes if o.result == outcome.FAIL]
    for pattern in entry["fails"]:
        if not any(fnmatch.fnmatchcase(o.check, pattern) for o in failed):
            seen = ", ".join(f"{o.check} {o.result}" for o in hidden.outcomes)
            raise outcome.CheckFailed(f"{entry['name']}: {pattern} must fail, but: {seen}")
    first = next(o for o in failed if fnmatch.fnmatchcase(o.check, entry["fails"][0]))
    return f"{first.check}: {first.detail[:120]}"
