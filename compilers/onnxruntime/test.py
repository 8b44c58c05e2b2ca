#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the compilers `reference` and `onnxruntime`: builders, runner, rival timer in one go.

    test.py --runner libassay_runner_onnxruntime.so --runner-test onnxruntime_runner_test \
            --timer ort_rival_timer

Runs builders_test.py and rebuild_test.py in the family's virtual environment.  Exit code 77
(skipped), with the reason on stdout, when that environment is not installed; ASSAY_TEST_PYTHON
names another interpreter.
"""

import argparse
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def cache_folder():
    """Where ./assay-up keeps virtual environments (docs/formats.md)."""
    if os.environ.get("ASSAY_CACHE"):
        return os.environ["ASSAY_CACHE"]
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "assay")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--runner", "--runner-test", "--timer"):
        parser.add_argument(name, required=True)
    arguments, rest = parser.parse_known_args()
    python = os.environ.get("ASSAY_TEST_PYTHON") or os.path.join(
        cache_folder(), "venvs", "onnxruntime", "bin", "python"
    )
    if not os.access(python, os.X_OK):
        print("skipped: no interpreter %s: run `./assay-up compilers onnxruntime` first" % python)
        return 77
    environment = dict(
        os.environ,
        ASSAY_TEST_RUNNER=os.path.abspath(arguments.runner),
        ASSAY_TEST_PROGRAM=os.path.abspath(arguments.runner_test),
        ASSAY_TEST_TIMER=os.path.abspath(arguments.timer),
        PYTHONDONTWRITEBYTECODE="1",
    )
    command = [python, "-m", "unittest"] + (rest or ["builders_test", "rebuild_test"])
    return subprocess.run(command, env=environment, cwd=HERE, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
