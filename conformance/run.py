#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Conformance: what every compiler of assay must do, checked over its real protocol.

    conformance/run.py openvino               one compiler, all cases
    conformance/run.py --all --format json    all that are installed
    conformance/run.py tvm-autotvm --case conv_relu

Exit codes: 0 all checks hold; 1 a check failed; 2 bad usage; 3 a compiler (or the worker) is not installed,
but with --all not for one that ./assay-up compilers --all does not install (`manual`, or no device cpu).
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from suite import cases, checks, children, negative, outcome, registry  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("compilers", nargs="*", metavar="COMPILER")
    parser.add_argument("--all", action="store_true", help="every compiler folder; the absent ones are listed")
    parser.add_argument("--build", type=pathlib.Path, default=registry.ROOT / "build" / "release", metavar="DIR",
                        help="where bin/assay-worker and lib/ lie (default: build/release)")
    parser.add_argument("--device", default="", metavar="DEVICE",
                        help="cpu, cuda:0, ... (default: the compiler's first)")
    parser.add_argument("--case", action="append", metavar="NAME", help="only this case; may be repeated")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="keep engines and outputs below this folder")
    args = parser.parse_args()
    if bool(args.compilers) == args.all:
        parser.error("name at least one compiler, or give --all")
    return args


def check_compiler(name, args, show):
    """All checks of one compiler; raises Missing or ValueError."""
    compiler = registry.load(name, args.build.resolve(), args.device)
    worker = args.build.resolve() / "bin" / "assay-worker"
    if not worker.exists():
        raise registry.Missing(f"{worker} is not built: cmake --preset release && cmake --build --preset release")
    recorder = outcome.Recorder(name, compiler.conformance, show)
    work = tempfile.mkdtemp(prefix="assay-conformance.", dir=args.keep)
    try:
        cpu = max(os.sched_getaffinity(0))
        loaded = cases.load(cases.models_folder(), args.case)
        checks.Suite(compiler, recorder, worker, work, cpu).run(loaded)
        negative.run(compiler, recorder, worker, work, cpu, loaded)
    finally:
        if args.keep is None:
            shutil.rmtree(work, ignore_errors=True)
    return recorder.outcomes


def main():
    args = arguments()
    show = (lambda o: print(o.line(), flush=True)) if args.format == "text" else (lambda o: None)
    if args.keep:
        args.keep = args.keep.resolve()
        args.keep.mkdir(parents=True, exist_ok=True)
    children.take_descriptors()
    outcomes, missing = [], []
    for name in args.compilers or registry.names():
        try:
            outcomes += check_compiler(name, args, show)
        except registry.Missing as error:
            # One that nobody can install by a command is named, and held against no one who asked for all.
            if not (args.all and registry.load(name, args.build).optional):
                missing.append(str(error))
            print(f"conformance: {error}", file=sys.stderr, flush=True)
        except ValueError as error:
            print(f"conformance: {error}", file=sys.stderr)
            return 2
    counts = outcome.counts(outcomes)
    if args.format == "json":
        print(json.dumps({"format": 1, "checks": [vars(o) for o in outcomes], "counts": counts,
                          "missing": missing}, indent=1))
    else:
        print(f"conformance: {len(outcomes)} checks: " +
              ", ".join(f"{number} {word}" for word, number in counts.items()) +
              (f"; {len(missing)} compilers not checked" if missing else ""))
    return 1 if counts[outcome.FAIL] else 3 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
