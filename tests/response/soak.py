#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many processes for many minutes: no frame is lost in the accounting, and the memory of each child stays flat.

    soak.py [--processes 16] [--minutes 10] [--compiler null] [--fps 10]

Prints the memory of each child after its start and at its end; exit code 1 when something does not hold.
"""

import argparse
import os
import pathlib
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from assay import ASSAY, descendants, environment  # noqa: E402
import onnx_files  # noqa: E402

WORDS = 24
MOST_GROWTH_BYTES = 2 << 20  # of a child, from a tenth of the run to its end


def resident(pid):
    """Resident bytes of a process; None when it has ended."""
    try:
        with open("/proc/%d/statm" % pid) as handle:
            return int(handle.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return None


def watch(process, folder, seconds):
    """[(time, {pid: resident bytes})] of the children that measure, every five seconds."""
    seen, begin = [], time.monotonic()
    while process.poll() is None:
        children = [pid for pid, command in descendants(str(folder).encode()) if "assay-frames" in command.split(" ")[0]]
        sizes = {pid: size for pid in children if (size := resident(pid)) is not None}
        seen.append((time.monotonic() - begin, sizes))
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass
        if time.monotonic() - begin > seconds * 3 + 300:
            process.terminate()
            process.wait()
            raise SystemExit("the run did not end in three times its planned time")
    return seen


def check_frames(run, processes, frames):
    """What does not hold in the rows and records of the run."""
    problems = []
    with sqlite3.connect("file:%s?mode=ro" % (run / "run.db"), uri=True) as db:
        for outcome, reason in db.execute("SELECT outcome, reason FROM response_block"):
            if outcome != "ok":
                problems.append("block: %s: %s" % (outcome, reason))
        logs = db.execute("SELECT name, planned, n, records_blob FROM frame_log").fetchall()
    if len(logs) != processes:
        problems.append("%d logs, expected %d" % (len(logs), processes))
    for name, planned, n, sha in logs:
        data = (run / "blobs" / sha[:2] / sha[2:]).read_bytes()
        numbers = sorted(struct.unpack_from("<q", data, i)[0] for i in range(0, len(data), 8 * WORDS))
        if planned != frames or n != frames or numbers != list(range(frames)):
            problems.append("%s: %d of %d frames, %d different" % (name, n, planned, len(set(numbers))))
    return problems


def check_memory(seen, processes, seconds):
    """Growth of each child between a tenth of the planned run and its last look."""
    problems, first, last = [], {}, {}
    for at, sizes in seen:
        for pid, size in sizes.items():
            if at > seconds / 10:
                first.setdefault(pid, size)
            last[pid] = size
    if len(first) < processes:
        problems.append("%d children were seen long enough, expected %d" % (len(first), processes))
    for pid in sorted(first):
        growth = last[pid] - first[pid]
        print("child %d: %.1f MiB, grew by %.2f MiB" % (pid, last[pid] / 2**20, growth / 2**20))
        if growth > MOST_GROWTH_BYTES:
            problems.append("child %d grew by %d bytes" % (pid, growth))
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--compiler", default="null")
    parser.add_argument("--fps", type=float, default=10)
    args = parser.parse_args()
    seconds = args.minutes * 60
    frames = max(1, round(seconds * args.fps))
    with tempfile.TemporaryDirectory(prefix="assay-soak-") as name:
        folder = pathlib.Path(name)
        onnx_files.write("image", folder / "model.onnx")
        command = [ASSAY, "response", "model.onnx", "--compiler", args.compiler, "--fps", args.fps, "--frames", frames,
                   "--repetitions", 1, "--streams", args.processes, "--mode", "processes", "--camera",
                   "synthetic:320x240", "--out", "run"]
        print(" ".join(map(str, command)), flush=True)
        process = subprocess.Popen(list(map(str, command)), cwd=folder, env=environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        seen = watch(process, folder, seconds)
        problems = [] if process.returncode == 0 else ["assay ended with exit code %d" % process.returncode]
        if not problems:
            problems = check_frames(folder / "run", args.processes, frames)
        problems += check_memory(seen, args.processes, seconds)
    for problem in problems:
        print("PROBLEM: " + problem)
    print("soak: %d processes, %g minutes, %d frames each: %s" % (args.processes, args.minutes, frames,
                                                                  "failed" if problems else "nothing lost, memory flat"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
