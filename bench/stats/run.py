#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Statistics of one series against SciPy and R: `run.py [--n 1000000] [--replicates 20] [--rounds 3] [--program PATH]`.

Gate, quantile bounds, peaks over threshold (ten thresholds, each judged by a bootstrap of 499 that fits every replicate
again) and pWCET of the same made-up latencies, by bench_stats, rival.py and rival.R, each pinned to one CPU and given
one thread. Checks that the numbers agree, and prints a row a step, ratio and budget. Times are CPU seconds of the
process, start and reading excluded. The rivals run the bootstrap with fewer replicates, scaled linearly to 499. The
faster program of the two is the rival that counts. Exit code 0 PASS, 1 FAIL.
Needs what tools/setup/debian-slow.txt lists.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BUDGET = 20.0
MEMORY = 3.0  # times the samples, these included
REPLICATES = 499
PYTHON = "/usr/bin/python3"
MAKE = """
import sys, numpy as np
n, path = int(sys.argv[1]), sys.argv[2]
latency = 1e6 + 2e4 * np.random.default_rng(1).gamma(2, size=n)
latency.astype(np.int64).tofile(path)
"""
# How far a rival's number may lie from ours: relative, or absolute below 1. Ranks and counts are the same; optimisers
# end a little apart.
ALLOWED = {"quantile_lower": 0, "quantile_upper": 0, "warm_up": 0, "k": 0, "pettitt": 0, "xi": 2e-3, "sigma": 1e-3,
           "a2": 5e-3, "profile_upper": 1e-4, "exponential_upper": 1e-9, "block_maxima_xi": 1e-3}


def find_program():
    found = sorted(HERE.parents[1].glob("build/*/bin/bench_stats"), key=lambda p: p.stat().st_mtime)
    if not found:
        sys.exit("run.py: bench_stats is not built\n  fix: cmake --build --preset release, or --program PATH")
    return str(found[-1])


def one_thread():
    env = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
    return dict(env, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")


def run(argv, cpu):
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, env=one_thread(), check=False,
                              preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    except FileNotFoundError:
        done = None
    if done is None or done.returncode != 0:
        packages = " ".join(line for line in (HERE.parents[1] / "tools/setup/debian-slow.txt").read_text().splitlines()
                            if not line.startswith("#"))
        sys.exit(f"run.py: {argv[0]} failed\n  fix, if a package is missing: apt-get install -y "
                 f"--no-install-recommends {packages}")
    return json.loads(done.stdout)


def disagreement(ours, rival):
    if ours["threshold_k"] != ours["result"]["k"][0] or ours["weight"] != 1:
        return "ours did not take the lowest threshold with independent exceedances: the rivals' bounds are others"
    for key, want in rival["result"].items():
        got = ours["warm_up"] if key == "warm_up" else ours["result"][key]
        for a, b in zip(*([v] if not isinstance(v, list) else v for v in (got, want)), strict=True):
            if key in ("profile_upper", "exponential_upper") and a == 0:  # inside the sample: an order statistic
                continue
            if abs(a - b) > ALLOWED.get(key, 1e-6) * max(1, abs(b)):
                return f"{key}: ours {a}, rival {b}"
    return ""


def steps_of_rival(rival):
    s = rival["seconds"]
    bootstrap = s["bootstrap"] * REPLICATES / rival["replicates"]
    return {"gate": s["gate"], "quantiles": s["quantiles"], "thresholds": s["thresholds"] + bootstrap,
            "rest": s["rest"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1_000_000, help="samples (1000000: the budget's size)")
    parser.add_argument("--replicates", type=int, default=20, help="of the rivals' bootstrap, scaled to 499")
    parser.add_argument("--rounds", type=int, default=3, help="of ours, the median counts; a rival runs once")
    parser.add_argument("--program", help="bench_stats")
    parser.add_argument("--tmp", help="folder for the samples")
    options = parser.parse_args()
    program, cpu = options.program or find_program(), max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(dir=options.tmp) as folder:
        samples = f"{folder}/samples.int64"
        run([PYTHON, "-c", MAKE + "print('{}')", str(options.n), samples], cpu)
        ours = [run([program, samples], cpu) for _ in range(options.rounds)]
        if ours[0]["refused"]:
            sys.exit(f"run.py: no pWCET to compare: {'; '.join(ours[0]['refused'])}")
        arguments = [samples, str(options.replicates), ",".join(map(str, ours[0]["result"]["k"]))]
        rivals = [run([PYTHON, "-B", str(HERE / "rival.py"), *arguments], cpu),
                  run(["Rscript", "--vanilla", str(HERE / "rival.R"), *arguments], cpu)]
    for rival in rivals:
        if problem := disagreement(ours[0], rival):
            sys.exit(f"run.py: {rival['name']} disagrees: {problem}")
    mine = {step: statistics.median(r["seconds"][step] for r in ours) for step in ours[0]["seconds"]}
    # The thresholds were timed a second time, alone; the rest of pwcet() is what is left of it.
    mine["thresholds"] = min(mine.pop("thresholds_alone"), mine["pwcet"])
    mine["rest"] = mine.pop("pwcet") - mine["thresholds"]
    theirs = [steps_of_rival(r) for r in rivals]
    totals = [sum(t.values()) for t in theirs]
    best = totals.index(min(totals))
    ratio = totals[best] / sum(mine.values())
    mixed = sum(min(t[step] for t in theirs) for step in theirs[0]) / sum(mine.values())
    bytes_of_samples = 8 * options.n
    memory = max(r["peak_bytes"] - r["loaded_bytes"] + bytes_of_samples for r in ours) / bytes_of_samples
    names = {"gate": "trust gate", "quantiles": "quantile bounds", "thresholds": "10 thresholds, B = 499",
             "rest": "fit, bounds, checks"}
    print(f"{options.n} samples, 1 thread, median of {options.rounds}; rivals once, B = {options.replicates} scaled "
          f"to {REPLICATES}; results agree")
    print(f"CPU seconds{'':14} {'ours':>8} {'SciPy':>8} {'R':>8} {'ratio':>7}")
    for step, name in names.items():
        print(f"{name:25} {mine[step]:8.3f} {theirs[0][step]:8.3f} {theirs[1][step]:8.3f} "
              f"{theirs[best][step] / max(mine[step], 1e-9):7.1f}")
    print(f"{'all':25} {sum(mine.values()):8.3f} {totals[0]:8.3f} {totals[1]:8.3f} {ratio:7.1f}")
    print(f"rival  the faster program: {rivals[best]['name']}")
    print(f"ratio  {ratio:.1f}  budget >= {BUDGET:.0f}  (each step by the faster of the two: {mixed:.1f})")
    hand = rivals[0]["seconds"]["by_hand"] + sum(theirs[0][step] for step in ("gate", "quantiles", "rest"))
    print(f"       for comparison, SciPy with the bootstrap's fit written by hand, all replicates at once in NumPy: "
          f"{hand:.3f} s, {hand / sum(mine.values()):.1f} x")
    print(f"memory {memory:.2f} x the samples, these included  budget <= {MEMORY:.0f}")
    passed = ratio >= BUDGET and memory <= MEMORY
    print("PASS" if passed else "FAIL")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
