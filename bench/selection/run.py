#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do independent tunings choose the same kernels? The tuner's fastest against `--select stable`.

Two arms: tuner=random with one seed for all tunings (the candidates are the same, only the noise of their times differs)
and tuner=ga with a seed each (the candidates differ too). In each arm N tunings are recorded as the tuner
chose, and the near-ties of each are decided anew from the same candidates with `assay lock select`; a task is a layer of the kernel map; a flip is a tuning whose source there is not the most frequent one. The locks'
engines are then timed in turns, one launch each, a few times over. Locks that exist in --work are kept, so a stopped run
goes on. Takes hours: 40 tunings by default. On a quiet machine; nothing else may run.

Usage: bench/selection/run.py [MODEL] [--tunings 10] [--trials 32] [--arms random,ga] [--work DIR] [--bin DIR]
"""
import argparse
import collections
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPILER = "tvm-autotvm"
ARMS = {"random": "random, one seed", "ga": "ga, a seed each"}
WAYS = ("fastest", "stable")
MOST_BYTES = 64 << 20
SHA256 = re.compile(r"[0-9a-f]{64}")


class BadLock(Exception):
    """What is wrong with a lock, in one line."""


def read_lock(text, where):
    """What the experiment needs of the text of a lock.json: kernels {task: source}, map, outputs, selection."""
    if len(text) > MOST_BYTES:
        raise BadLock(f"{where}: {len(text)} characters, expected at most {MOST_BYTES}")
    try:
        lock = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadLock(f"{where}: not JSON ({error})") from error
    if not isinstance(lock, dict):
        raise BadLock(f"{where}: expected an object")
    rows = {key: lock.get(key) for key in ("kernels", "outputs")}
    for key, row in rows.items():
        if not isinstance(row, list) or not row or not all(isinstance(item, dict) for item in row):
            raise BadLock(f"{where}: `{key}` is not a list of objects with at least one")
    kernels, seen = {}, collections.Counter()
    for kernel in rows["kernels"]:
        layer, source = kernel.get("layer"), kernel.get("source_sha256")
        if not isinstance(layer, str) or not isinstance(source, str) or not (source == "" or SHA256.fullmatch(source)):
            raise BadLock(f"{where}: a kernel without `layer` or with a `source_sha256` that is none")
        # A compiler that tells no source still names its kernel. Layers of one name are told apart by their order.
        kernels[f"{layer} #{seen[layer]}" if seen[layer] else layer] = source or "name " + str(kernel.get("kernel"))
        seen[layer] += 1
    map_hash = lock.get("kernel_map_sha256")
    outputs = tuple(sorted((str(o.get("name")), o.get("sha256")) for o in rows["outputs"]))
    for value in [map_hash] + [sha for _, sha in outputs]:
        if not isinstance(value, str) or not SHA256.fullmatch(value):
            raise BadLock(f"{where}: `kernel_map_sha256` or the `sha256` of an output is not 64 hex digits")
    selection = lock.get("selection")
    if selection is not None and not (isinstance(selection, dict) and isinstance(selection.get("counts"), dict)):
        raise BadLock(f"{where}: `selection` without `counts`")
    return {"kernels": kernels, "map": map_hash, "outputs": outputs, "selection": selection}


def agreement(locks):
    """How far the locks of one arm and way agree. `flips`: of each task, tunings not of its most frequent source."""
    tasks = sorted(set().union(*(lock["kernels"] for lock in locks)))
    flips = {}
    for task in tasks:
        sources = collections.Counter(lock["kernels"].get(task, "absent") for lock in locks)
        flips[task] = len(locks) - max(sources.values())
    counts = collections.Counter()
    for lock in locks:
        if lock["selection"]:
            counts.update({k: v for k, v in lock["selection"]["counts"].items() if isinstance(v, int)})
    return {"locks": len(locks), "tasks": len(tasks), "flips": flips, "maps": len({lock["map"] for lock in locks}),
            "outputs": len({lock["outputs"] for lock in locks}), "counts": dict(counts)}


def median_latency(times):
    """Median over launches of a launch's median, ns; `times` as `assay bench --exportTimes` writes them, a list a file."""
    medians = []
    for rows in times:
        launches = collections.defaultdict(list)
        for row in rows:
            launches[row["launch"]].append(row["latency_ns"])
        medians += [statistics.median(values) for values in launches.values()]
    return statistics.median(medians)


def latency_text(values):
    return f"{statistics.median(values) / 1e3:.2f} us, {100 * (max(values) / min(values) - 1):.1f} %"


def table(rows):
    """Markdown; rows: (arm, way, agreement, [median latency of each lock in ns])."""
    lines = ["| tuner | chosen | tunings | tasks that flip | flips of all choices | kernel maps | outputs | median latency, spread |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for arm, way, a, latency in rows:
        choices = a["locks"] * a["tasks"]
        flips = sum(a["flips"].values())
        lines.append(f"| {ARMS[arm]} | {way} | {a['locks']} | {sum(f > 0 for f in a['flips'].values())} of {a['tasks']} | "
                     f"{flips} of {choices} ({100 * flips / choices:.1f} %) | {a['maps']} | {a['outputs']} | {latency_text(latency)} |")
    return "\n".join(lines)


def details(rows):
    """Per task that flips in some row: the tunings that did not choose its most frequent source."""
    tasks = sorted({task for _, _, a, _ in rows for task, flips in a["flips"].items() if flips})
    if not tasks:
        return "No task flips."
    head = [f"{arm}, {way}" for arm, way, _, _ in rows]
    lines = ["| task | " + " | ".join(head) + " |", "| --- |" + " --- |" * len(head)]
    for task in tasks:
        name = re.sub(r"[^\x20-\x7e]|[|`<>]", "?", task)[:80]
        lines.append(f"| {name} | " + " | ".join(str(a["flips"].get(task, 0)) for _, _, a, _ in rows) + " |")
    return "\n".join(lines)


class Experiment:
    def __init__(self, args, work):
        self.args, self.work, self.assay = args, work, args.bin / "assay"

    def run(self, *argv):
        argv = [str(self.assay), *map(str, argv)]
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        return done.stdout

    def folder(self, arm, way, i):
        return self.work / f"{arm}-{way}-{i:03}"

    def record(self, arm, way, i):
        folder = self.folder(arm, way, i)
        if not (folder / "lock.json").is_file():
            seed = self.args.seed + (0 if arm == "random" else i)
            print(f"recording {folder.name}, seed {seed}", file=sys.stderr, flush=True)
            if way == "stable":  # the same tuning, so that only the choice differs
                self.run("lock", "select", self.folder(arm, "fastest", i), "-o", folder)
            else:
                self.run("lock", "record", self.args.model, "--compiler", COMPILER, "--option",
                         f"{COMPILER}.tuner={arm}", "--option", f"{COMPILER}.trials={self.args.trials}", "--seed", seed,
                         "-o", folder)
        return read_lock(self.run("lock", "show", folder, "--format", "json"), folder)

    def latencies(self, arm, way):
        """Files of times of each lock's engine; one launch at a time, all engines of the arm in turns."""
        times = collections.defaultdict(list)
        names = [self.folder(arm, way, i) for i in range(self.args.tunings)]
        with tempfile.TemporaryDirectory(prefix="assay-selection-") as scratch:
            scratch = pathlib.Path(scratch)
            for name in names:
                self.run("lock", "engine", name, "-o", scratch / name.name)
            for launch in range(self.args.launches):
                for name in names[launch % len(names):] + names[:launch % len(names)]:  # nobody is always first
                    out = scratch / f"{name.name}.json"
                    self.run("bench", scratch / name.name, "--launches", 1, "--samples", self.args.samples,
                             "--exportTimes", out)
                    times[name].append(json.loads(out.read_text()))
        return [median_latency(times[name]) for name in names]

    def rows(self):
        for arm in self.args.arms:
            locks = {way: [] for way in WAYS}
            for i in range(self.args.tunings):
                for way in WAYS:
                    locks[way].append(self.record(arm, way, i))
            for way in WAYS:
                yield arm, way, agreement(locks[way]), self.latencies(arm, way)


def arms(text):
    names = text.split(",")
    for name in names:
        if name not in ARMS:
            raise argparse.ArgumentTypeError(f"{name}: expected {' or '.join(ARMS)}")
    return names


def count(text):
    if not text.isdigit() or not 1 <= int(text) <= 100000:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number, 1 to 100000")
    return int(text)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="digits")
    parser.add_argument("--tunings", type=count, default=10)
    parser.add_argument("--trials", type=count, default=32)
    parser.add_argument("--launches", type=count, default=5)
    parser.add_argument("--samples", type=count, default=300)
    parser.add_argument("--seed", type=count, default=1)
    parser.add_argument("--arms", type=arms, default=list(ARMS))
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("selection-experiment"))
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    args = parser.parse_args(argv)
    args.work.mkdir(parents=True, exist_ok=True)
    try:
        rows = list(Experiment(args, args.work.resolve()).rows())
    except BadLock as error:
        sys.exit(str(error))
    print(f"{args.model}, {COMPILER}, {args.trials} trials a task, {args.tunings} tunings of each kind; engines timed "
          f"{args.launches} x {args.samples}.\n\n{table(rows)}\n\n{details(rows)}")
    for arm, way, a, _ in rows:
        if a["counts"]:
            print(f"\n{arm}, {way}, all tunings: " + ", ".join(f"{n} {key}" for key, n in a["counts"].items()))
    (args.work / "result.json").write_text(json.dumps(
        [{"arm": arm, "chosen": way, **a, "median_ns": latency} for arm, way, a, latency in rows], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
