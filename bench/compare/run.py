#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All-pairs comparison against chunked NumPy: `run.py [--n 5000] [--builds 10] [--rounds 3] [--program PATH]`.

Writes the outputs of `builds` made-up engines (all different) to a temporary folder, runs both programs in turn on one
thread each, checks that they agree, and prints rival, ours, ratio and budget. Exit code 0 PASS, 1 FAIL.
Needs a Python with NumPy (`--python`); --n 50000 needs 2 GB of disk.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BUDGET = 10.0
ITEM = 1000
MAKE = """
import sys, numpy as np
n, item, builds, folder = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
files = [open(f"{folder}/{b}.bin", "wb") for b in range(builds)]
for begin in range(0, n, 1000):
    base = np.random.default_rng((1, begin)).normal(0, 3, (min(1000, n - begin), item)).astype(np.float32)
    for b, f in enumerate(files):
        change = np.random.default_rng((2, begin, b)).normal(0, 1e-3, base.shape).astype(np.float32)
        (base + change).tofile(f)
"""


def find_python(wanted):
    """The interpreter asked for, this one, or one of assay's own environments: the first that has NumPy."""
    cache = os.environ.get("ASSAY_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "assay")
    found = sorted(pathlib.Path(cache, "venvs").glob("*/bin/python"))
    for python in [wanted] if wanted else [sys.executable, *map(str, found)]:
        if subprocess.run([python, "-c", "import numpy"], capture_output=True).returncode == 0:
            return python
    sys.exit("run.py: no Python with NumPy found\n  fix: --python PATH, or ./assay-up compilers onnxruntime")


def find_program():
    found = sorted(HERE.parents[1].glob("build/*/bin/bench_compare"), key=lambda p: p.stat().st_mtime)
    if not found:
        sys.exit("run.py: bench_compare is not built\n  fix: cmake --build --preset release, or --program PATH")
    return found[-1]


def one_thread():
    env = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
    return dict(env, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")


def run(argv, cpu):
    return json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE, env=one_thread(),
                                     preexec_fn=lambda: os.sched_setaffinity(0, {cpu})).stdout)


def disagreement(ours, rival):
    for index, (a, b) in enumerate(zip(ours["pairs"], rival["pairs"], strict=True)):
        for key, want in b.items():
            got = a[key]
            close = got == want
            if isinstance(want, float):  # single against double precision arithmetic, and another order of sums
                close = abs(got - want) <= max(1e-6 * abs(want), 1e-6 if key == "probability_all" else 1e-9)
            if not close:
                return f"pair {index}: {key}: ours {got}, rival {want}"
    return ""


def read_bandwidth(files):
    """Bytes a second of plain reads of the cached files: what the memory gives one thread."""
    best = 0.0
    buffer = bytearray(1 << 20)
    for _ in range(3):
        start, total = time.perf_counter(), 0
        for name in files:
            with open(name, "rb", buffering=0) as f:
                while count := f.readinto(buffer):
                    total += count
        best = max(best, total / (time.perf_counter() - start))
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=5000, help="inputs (50000: the budget's size)")
    parser.add_argument("--builds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", help="interpreter with NumPy")
    parser.add_argument("--program", help="bench_compare")
    parser.add_argument("--tmp", help="folder for the files")
    options = parser.parse_args()
    python, program = find_python(options.python), options.program or find_program()
    size = options.n * options.builds * ITEM * 4
    if shutil.disk_usage(options.tmp or tempfile.gettempdir()).free < 1.2 * size:
        sys.exit(f"run.py: {size / 1e9:.1f} GB needed in the temporary folder\n  fix: --tmp FOLDER or a smaller --n")
    cpu = max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(dir=options.tmp) as folder:
        sizes = [str(options.n), str(ITEM)]
        subprocess.run([python, "-c", MAKE, *sizes, str(options.builds), folder], check=True, env=one_thread())
        files = [f"{folder}/{b}.bin" for b in range(options.builds)]
        bandwidth = read_bandwidth(files)  # also brings every file into the page cache
        ours, rival = [], []
        for _ in range(options.rounds):
            ours.append(run([str(program), *sizes, "1", *files], cpu))
            rival.append(run([python, str(HERE / "numpy_rival.py"), *sizes, *files], cpu))
            if problem := disagreement(ours[-1], rival[-1]):
                sys.exit(f"run.py: the programs disagree: {problem}")
    mine = statistics.median(r["seconds"] for r in ours)
    theirs = statistics.median(r["seconds"] for r in rival)
    anonymous = max(r["anonymous_bytes"] for r in ours)
    pairs = options.builds * (options.builds - 1) // 2
    passed = theirs / mine >= BUDGET and 0 <= anonymous < 1e9
    print(f"{options.builds} builds x {options.n} inputs x {ITEM} classes, {pairs} pairs, 1 thread, "
          f"median of {options.rounds}, results agree")
    print(f"rival  NumPy {rival[0]['numpy']}  {theirs:.3f} s")
    print(f"ours   {mine:.3f} s, {mine / (pairs * options.n * ITEM) * 1e9:.3f} ns an element and pair")
    print(f"ratio  {theirs / mine:.1f}  budget >= {BUDGET:.0f}")
    print(f"anonymous memory {anonymous / 1e6:.0f} MB  budget < 1000 MB")
    print(f"files are read at {size / mine / 1e9:.2f} GB/s (plain reads: {bandwidth / 1e9:.2f} GB/s); pairs at "
          f"{2 * size / options.builds * pairs / mine / 1e9:.1f} GB/s of operands")
    print("PASS" if passed else "FAIL")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
