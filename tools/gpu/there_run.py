# SPDX-License-Identifier: Apache-2.0
"""The steps of `there.sh run`: doctor, smoke test of the GPU, conformance, audit; what they said and the evidence go to OUT.

OUT gets at most 8 files of at most 15 MiB: summary.json, log.txt, doctor.json, conformance.json, and evidence.tar.xz in up to
three pieces with its list. A step that fails or is absent is said in summary.json and stops no other.
"""

import json
import os
import pathlib
import signal
import subprocess
import time
import tomllib

import evidence
from pieces import Broken

STEPS = ("doctor", "smoke", "conformance", "audit")
FILE_MIB = 15
EVIDENCE_PIECES = 3
LOG_TAIL = 200_000  # bytes kept of a step's text
FOR_PACKING_S = 40  # of the time given, kept for the evidence


class Steps:
    """Runs steps against one deadline and keeps what they said."""

    def __init__(self, home, out, seconds):
        self.home, self.out, self.end = home, out, time.monotonic() + seconds - FOR_PACKING_S
        self.env = dict(os.environ, ASSAY_CACHE=str(home / "cache"), PYTHONDONTWRITEBYTECODE="1")
        self.env.pop("ASSAY_SHARE", None)
        self.results = []
        self.log = open(out / "log.txt", "w", encoding="utf-8", errors="replace")

    def run(self, name, argv, keep=None):
        """Runs one step; its standard output goes to OUT/keep when named, all else to the log."""
        left = self.end - time.monotonic()
        if left < 1:
            self.results.append({"step": name, "outcome": "not run", "reason": "the time given is over"})
            return
        start = time.monotonic()
        print(f"{name}: {' '.join(map(str, argv))}", flush=True)
        child = subprocess.Popen([str(a) for a in argv], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT if keep is None else subprocess.PIPE, text=True, errors="replace")
        outcome = "ok"
        try:
            text, errors = child.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            outcome = "interrupted"
            child.send_signal(signal.SIGINT)  # an audit keeps what it has and can go on later
            try:
                text, errors = child.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                child.kill()
                text, errors = child.communicate()
        if keep is not None and text.strip():
            (self.out / keep).write_text(text[:FILE_MIB << 20])
        if outcome == "ok" and child.returncode != 0:
            outcome = f"exit {child.returncode}"
        self.results.append({"step": name, "outcome": outcome, "seconds": round(time.monotonic() - start, 1)})
        self.log.write(f"== {name}: {outcome}\n{(errors if keep else text)[-LOG_TAIL:]}\n")
        self.log.flush()

    def absent(self, name, reason):
        self.results.append({"step": name, "outcome": "not run", "reason": reason})


def compilers_of(plan, home):
    """The compilers that a plan names and whose environment is installed here."""
    found = []
    for model in plan.get("model", []):
        for name in model.get("compilers", plan.get("audit", {}).get("compilers", [])):
            toml = home / "assay" / "share" / "assay" / "compilers" / name / "compiler.toml"
            if name not in found and toml.is_file():
                family = tomllib.loads(toml.read_text()).get("family", "")
                if not family or (home / "cache" / "venvs" / family / ".complete").is_file():
                    found.append(name)
    return found


def pack_evidence(run_folder, out, results):
    if not (run_folder / "run.db").is_file():
        results.append({"step": "evidence", "outcome": "not run", "reason": f"{run_folder} holds no run"})
        return
    try:
        pieces = evidence.pack(run_folder, out / "evidence.tar.xz", FILE_MIB, level=6)
    except (Broken, OSError) as error:
        results.append({"step": "evidence", "outcome": str(error)})
        return
    names = [p["file"] for p in pieces]
    if len(names) > EVIDENCE_PIECES:  # no half evidence: it stays in the run folder, and the text says so
        for name in names + ["evidence.tar.xz.json"]:
            (out / name).unlink()
        results.append({"step": "evidence", "outcome": "too large", "pieces": len(names), "run_folder": str(run_folder)})
        return
    results.append({"step": "evidence", "outcome": "ok", "files": names})


def run(args):
    """All steps; exit code 0 when every step that ran was ok, else 1."""
    home, out = args.home.resolve(), args.out
    skip = {s for s in args.skip.split(",") if s}
    if skip - set(STEPS):
        raise Broken(f"--skip {args.skip}: expected {', '.join(STEPS)}")
    if not (home / "assay" / "bin" / "assay").is_file():
        raise Broken(f"{home}: assay is not installed there: there.sh install PIECES_DIR {home}", 3)
    try:
        plan = tomllib.loads(args.plan.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Broken(f"{args.plan}: {error}") from None
    out.mkdir(parents=True, exist_ok=True)
    binary = home / "assay" / "bin"
    steps = Steps(home, out, args.seconds)
    if "doctor" not in skip:
        steps.run("doctor", [binary / "assay", "doctor", "--format", "json"], "doctor.json")
    if "smoke" not in skip:
        if (binary / "assay_gpu_smoke").is_file():
            steps.run("smoke", [binary / "assay_gpu_smoke"])
        else:
            steps.absent("smoke", "assay_gpu_smoke was not packed")
    if "conformance" not in skip:
        names = [n for n in args.compilers.split(",") if n] or compilers_of(plan, home)
        script = home / "assay" / "share" / "assay" / "conformance" / "run.py"
        if names:
            steps.run("conformance", [script, *names, "--build", home / "assay", "--format", "json"], "conformance.json")
        else:
            steps.absent("conformance", "no compiler of the plan is installed; name some with --compilers")
    run_folder = args.run_folder or home / "runs" / pathlib.Path(args.plan).stem
    if "audit" not in skip:
        steps.run("audit", [binary / "assay", "audit", args.plan, "--out", run_folder, "--format", "text"])
        pack_evidence(run_folder, out, steps.results)
    steps.log.close()
    text = (out / "log.txt").read_bytes()
    if len(text) > FILE_MIB << 20:
        (out / "log.txt").write_bytes(text[-(FILE_MIB << 20):])
    (out / "summary.json").write_text(json.dumps({"format": 1, "home": str(home), "steps": steps.results}, indent=1) + "\n")
    for r in steps.results:
        print(f"{r['step']}: {r['outcome']}" + (f" ({r['reason']})" if "reason" in r else ""), flush=True)
    return 0 if all(r["outcome"] in ("ok", "not run") for r in steps.results) else 1
