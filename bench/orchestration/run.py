#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What share of an audit's wall time is assay's own? Budget: wall <= 1.03 x the sum of its builds and launches.

The rival is the sum itself: the same children, run back to back by nobody. It runs an audit of
efficientnet-lite0 on onnxruntime and openvino (about two minutes). Usage: bench/orchestration/run.py
"""
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUDGET = 1.03


def children_s(run):
    db = sqlite3.connect(f"file:{run / 'run.db'}?mode=ro", uri=True)
    (builds,), (launches,) = (db.execute(f"SELECT sum(wall_ns) FROM {t}").fetchone() for t in ("build", "launch"))
    return (builds + (launches or 0)) / 1e9


def main():
    with tempfile.TemporaryDirectory(prefix="assay-orchestration-") as folder:
        run = pathlib.Path(folder) / "run"
        start = time.monotonic()
        subprocess.run([ROOT / "build/release/bin/assay", "audit", "efficientnet-lite0", "--compiler", "onnxruntime,openvino",
                        "--inputs", "150", "--no-reference", "--out", run], check=True, capture_output=True)
        wall = time.monotonic() - start
        total = children_s(run)
    ratio = wall / total
    print(f"children {total:.2f} s   audit {wall:.2f} s   ratio {ratio:.4f}   budget {BUDGET}   {'PASS' if ratio <= BUDGET else 'FAIL'}")
    return 0 if ratio <= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
