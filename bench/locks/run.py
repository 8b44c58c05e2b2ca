#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Unlocked builds beside locked ones: runs the audit of examples/locks.toml and prints the table of docs/locks.md.

    bench/locks/run.py [PLAN.toml] [--bin build/release/bin] [--out runs/locks]

The audit goes on where it was cut off.  A run folder that is whole is only read.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = ("network", "recipe", "builds", "kernel maps", "layers that differ", "inputs with other bits",
          "largest difference", "label flips", "artifacts", "p50 of builds")


def verdict(recipe, subject):
    for v in recipe["verdicts"]:
        if v["subject"] == subject and v["scope"] == "builds":
            return v
    return {"verdict": "-", "statistic": {}}


def layers_that_differ(kernels):
    counts = [pair["differ"] for pair in kernels["statistic"].get("pairs", [])]
    return max(counts) if counts else 0


def pairs_of(recipe):
    """Comparisons of builds with builds of one recipe."""
    return [c for c in recipe["comparisons"] if c["scope"] == "builds"]


def medians(recipe):
    """The median of each build in ns: that of the medians of its launches."""
    values = []
    for build in verdict(recipe, "latency")["statistic"].get("builds", []):
        launches = [launch["p50"]["estimate"] for launch in build["launches"]]
        launches = [value for value in launches if value is not None]  # null: n carries no median
        if launches:
            values.append(statistics.median(launches))
    return values


def ns(value):
    for unit, size in (("ms", 1e6), ("us", 1e3)):
        if value >= size:
            return "%.3g %s" % (value / size, unit)
    return "%.0f ns" % value


def rows(report):
    for model in report["models"]:
        for recipe in model["recipes"]:
            kernels = verdict(recipe, "kernels")
            pairs = pairs_of(recipe)
            found = medians(recipe)
            yield (model["name"], recipe["label"], str(recipe["builds_ok"]),
                   str(kernels["statistic"].get("distinct_maps", "-")), str(layers_that_differ(kernels)),
                   str(max((c["bitwise_different"] for c in pairs), default="-")),
                   "%.2g" % max((c["metrics"]["distance"]["max_abs"] for c in pairs), default=0),
                   str(max((c["top1_mismatch"] for c in pairs if c["top1_mismatch"] is not None), default="-")),
                   str(kernels["statistic"].get("distinct_artifacts", "-")),
                   "%s to %s" % (ns(min(found)), ns(max(found))) if found else "-")


def markdown(table):
    lines = ["| " + " | ".join(row) + " |" for row in [HEADER] + table]
    lines.insert(1, "|" + " --- |" * len(HEADER))
    return "\n".join(lines) + "\n"


def make_network(plan):
    """The network that a plan names beside itself, unless it is there."""
    path = plan.parent / "residual.onnx"
    if path.name in plan.read_text(encoding="utf-8") and not path.exists():
        cache = os.environ.get("ASSAY_CACHE") or pathlib.Path(
            os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "assay"
        subprocess.run([pathlib.Path(cache) / "venvs" / "tools" / "bin" / "python",
                        pathlib.Path(__file__).with_name("residual.py"), path], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", nargs="?", default=str(ROOT / "examples" / "locks.toml"))
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "release" / "bin")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs") / "locks")
    args = parser.parse_args()
    make_network(pathlib.Path(args.plan))
    done = subprocess.run([args.bin / "assay", "audit", args.plan, "--out", args.out], stdout=subprocess.DEVNULL,
                          check=False)
    if done.returncode not in (0, 1):  # 1: a recipe without a usable build; the table shows it
        sys.exit(done.returncode)
    report = json.loads((args.out / "report.json").read_text(encoding="utf-8"))
    sys.stdout.write(markdown(list(rows(report))))
    for finding in report["findings"]:
        if finding["code"].startswith("lock-"):
            print("%s: %s" % (finding["severity"], finding["text"]))


if __name__ == "__main__":
    main()
