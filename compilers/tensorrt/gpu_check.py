#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the builder hold on this GPU?  Builds a model, locks the first build, rebuilds it.

    gpu_check.py MODEL.onnx [--python VENV/bin/python] [--shapes x=1x3x224x224] [--precision fp32]
                 [--option lock=selector]... [--builds 3] [--rebuilds 3] --out FOLDER

A stand-in for `assay lock verify` while there is no runner: it compares kernel maps, not outputs.
Prints what the builds have in common, then PASS or FAIL for: every rebuild has the kernel map of
the lock; a decision file with one changed byte is a miss; a lock of another GPU is refused. FOLDER
keeps each engine and log.

Exit code 0: all PASS; 1: a FAIL; 2: bad usage, or a build that did not work.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def run(python, request, log, env):
    """(exit code, [event]) of one builder process; its stdout and stderr go to the file `log`."""
    events = log + ".events"
    with open(events, "wb+") as sink, open(log, "wb") as text:
        code = subprocess.run(
            [python, os.path.join(HERE, "build")],
            input=json.dumps(request).encode(),
            stdout=text,
            stderr=subprocess.STDOUT,
            pass_fds=[sink.fileno()],
            env=dict(env, ASSAY_EVENT_FD=str(sink.fileno())),
            check=False,
        ).returncode
        sink.seek(0)
        return code, [json.loads(line) for line in sink]


def kernel_map(events):
    return [(e["layer"], e["kernel"], e["precision"]) for e in events if e["event"] == "kernel"]


class Check:
    def __init__(self, args):
        self.args = args
        self.failed = 0
        self.out = os.path.abspath(args.out)
        os.makedirs(self.out)  # an existing folder is an error: nothing is overwritten

    def builder(self, name, **changes):
        """(error kind or "", events, engine folder) of a run called `name`."""
        engine, scratch = (os.path.join(self.out, name, part) for part in ("engine", "scratch"))
        os.makedirs(engine)
        os.makedirs(scratch)
        request = {
            "protocol": 1,
            "action": "build",
            "compiler": "tensorrt",
            "device": "cuda:0",
            "model": os.path.abspath(self.args.model),
            "engine_dir": engine,
            "precision": self.args.precision,
            "threads": 1,
            "cpus": [0],
            "seed": 1,
            "build_index": 0,
            "shapes": dict(self.args.shapes),
            "options": dict(self.args.option),
            "scratch": scratch,
        }
        request.update(changes)
        env = dict(os.environ, HOME=scratch, TMPDIR=scratch, XDG_CACHE_HOME=scratch)
        start = time.monotonic()
        log = os.path.join(self.out, name, "log")
        code, events = run(self.args.python, request, log, env)
        error = next((e for e in events if e["event"] == "error"), None)
        seconds = time.monotonic() - start
        if error:
            print("%-12s %6.1f s  %s: %s" % (name, seconds, error["kind"], error["message"]))
            return error["kind"], events, engine
        if code != 0:
            print("%-12s %6.1f s  crashed with exit code %d, see %s" % (name, seconds, code, log))
            return "crash", events, engine
        timed = [e for e in events if e["event"] == "candidate"]
        print(
            "%-12s %6.1f s  %d layers, %d candidates of %d layers, %d of them failed"
            % (
                name,
                seconds,
                len(kernel_map(events)),
                len(timed),
                len({e["layer"] for e in timed}),
                sum(not e["ok"] for e in timed),
            )
        )
        for event in events:
            if event["event"] == "progress" and (
                "warning" in event["text"] or "not " in event["text"]
            ):
                print("    " + event["text"])
        return "", events, engine

    def decisions(self, engine, name, change=None):
        """The decisions of an engine, copied to a folder that `change(folder)` may edit."""
        with open(os.path.join(engine, "manifest.json"), encoding="utf-8") as handle:
            manifest = json.load(handle)
        folder = os.path.join(self.out, name + ".decisions")
        os.makedirs(folder)
        for file in manifest["rebuild"]["decisions"]:
            shutil.copy(os.path.join(engine, file), folder)
        if change:
            change(folder)
        return {"dir": folder, "files": manifest["rebuild"]["decisions"]}

    def verdict(self, what, good):
        self.failed += not good
        print("%s  %s" % ("PASS" if good else "FAIL", what))

    def main(self):
        kind, first, engine = self.builder("build0")
        if kind:
            return 2
        recorded = kernel_map(first)
        for number in range(1, self.args.builds):
            kind, events, _ = self.builder("build%d" % number)
            if kind:
                return 2
            now = kernel_map(events)
            same = sum(a == b for a, b in zip(recorded, now))
            print(
                "    %d of %d lines of build0's kernel map" % (same, max(len(recorded), len(now)))
            )
        decided = self.decisions(engine, "lock")
        if not decided["files"]:
            print("FAIL  build0 kept no decisions: lock=off, or the reason above")
            return 1
        for number in range(self.args.rebuilds):
            kind, events, _ = self.builder(
                "rebuild%d" % number, action="rebuild", decisions=decided
            )
            good = not kind and kernel_map(events) == recorded
            self.verdict("rebuild%d has the kernel map of the lock" % number, good)
        other = next(f for f in decided["files"] if f != "contract.json")
        for name, change, wanted in (
            ("changed", lambda folder: flip_byte(os.path.join(folder, other)), "miss"),
            (
                "elsewhere",
                lambda folder: other_gpu(os.path.join(folder, "contract.json")),
                "invalid",
            ),
        ):
            wrong = self.decisions(engine, name, change)
            kind, _, _ = self.builder(name, action="rebuild", decisions=wrong)
            self.verdict("a lock that is %s ends as %s" % (name, wanted), kind == wanted)
        return 1 if self.failed else 0


def flip_byte(path):
    with open(path, "r+b") as handle:
        handle.seek(os.path.getsize(path) // 2)
        byte = handle.read(1)[0]
        handle.seek(-1, os.SEEK_CUR)
        handle.write(bytes([byte ^ 1]))


def other_gpu(path):
    with open(path, encoding="utf-8") as handle:
        told = json.load(handle)
    told["device"]["gpu"] = "another GPU"
    with open(path, "w", encoding="utf-8") as handle:
        json.dump(told, handle)


def shape(text):
    name, _, extents = text.rpartition("=")
    return name, [int(e) for e in extents.split("x")]


def option(text):
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--python", default=sys.executable, help="interpreter with TensorRT")
    parser.add_argument("--shapes", type=shape, action="append", default=[], metavar="NAME=AxBxC")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--option", type=option, action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--builds", type=int, default=3)
    parser.add_argument("--rebuilds", type=int, default=3)
    parser.add_argument("--out", required=True, help="folder to make")
    args = parser.parse_args()
    try:
        return Check(args).main()
    except OSError as error:
        print("gpu_check: %s" % error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
