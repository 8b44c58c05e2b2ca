#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does `assay bench` agree with each compiler's own timer? (design, rule 11)

At least 10 interleaved pairs of fresh processes with equal threads, CPU set, precision and shape; medians of a process;
paired TOST on log ratios at 2 %. EQUIVALENT, INCONCLUSIVE or IMMATERIAL pass, only DIFFERENT fails. Rivals: a minimal C
program on ONNX Runtime's C API, the class behind OpenVINO's benchmark_app, TVM's time_evaluator with number=1.

Usage: bench/agreement/run.py [--pairs 10] [--samples 300] [--only openvino]
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"
CACHE = pathlib.Path(os.environ.get("ASSAY_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "assay")
CPU = max(os.sched_getaffinity(0))
MARGIN = 0.02


def text(argv, env=None):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, env=env)
    if done.returncode != 0:
        sys.exit(f"{argv[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def engine_of(compiler, model, folder, extra):
    out = folder / compiler
    lines = text([BIN / "assay", "build", model, "--compiler", compiler, "--out", out, *extra]).split()
    return pathlib.Path(lines[-1])


def ours(engine, samples, data, scratch):
    times = scratch / "times.json"
    text([BIN / "assay", "bench", engine, "--launches", "1", "--samples", samples, "--data", data, "--exportTimes", times])
    return statistics.median(t["latency_ns"] for t in json.loads(times.read_text()))


def rival_argv(compiler, engine, model, samples):
    site = next(iter((CACHE / "venvs").glob(f"{'tvm-0.14' if compiler.startswith('tvm') else compiler}/lib/python3*/site-packages")))
    python = CACHE / "venvs" / ("tvm-0.14" if compiler.startswith("tvm") else compiler) / "bin/python"
    if compiler == "onnxruntime":
        library = next(iter(site.glob("onnxruntime/capi/libonnxruntime.so*")))
        return [BIN / "ort_rival_timer", library, next(engine.glob("*.onnx")), 1, 20, samples]
    if compiler == "openvino":
        return [python, ROOT / "bench/agreement/openvino_rival.py", model, "1x3x224x224", 1, samples]
    return [python, ROOT / "compilers/tvm-autotvm/rival_timer.py", engine, samples]


def rival(argv, scratch):
    env = {"PATH": "/usr/bin:/bin", "HOME": str(scratch), "TVM_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"}
    return statistics.median(int(line) for line in text(["taskset", "-c", CPU, *argv], env).split())


def agree(compiler, model_name, data, extra, pairs, samples, folder):
    model = CACHE / "models" / model_name / "model.onnx"
    engine = engine_of(compiler, model, folder, extra)
    argv = rival_argv(compiler, engine, model, samples)
    rows = []
    for i in range(pairs):  # who goes first alternates, so that drift favours nobody
        both = [lambda: rival(argv, folder), lambda: ours(engine, samples, data, folder)]
        first = both[i % 2]()
        second = both[1 - i % 2]()
        rows.append((first, second) if i % 2 == 0 else (second, first))
    done = subprocess.run([BIN / "bench_tost", str(MARGIN)], input="\n".join(f"{a} {b}" for a, b in rows), capture_output=True, text=True, check=True)
    r = json.loads(done.stdout)
    rival_ns, ours_ns = (statistics.median(c) for c in zip(*rows))
    passed = r["word"] != "DIFFERENT"
    print(f"{compiler:12} {model_name:19} rival {rival_ns / 1e3:10.2f} us   ours {ours_ns / 1e3:10.2f} us   ratio {r['ratio']:.4f} "
          f"[{r['lower']:.4f}, {r['upper']:.4f}] over {r['pairs']} pairs   {r['word']}   {'PASS' if passed else 'FAIL'}", flush=True)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--only")
    args = parser.parse_args()
    cases = [("onnxruntime", "efficientnet-lite0", "efficientnet-lite0", []),
             ("openvino", "efficientnet-lite0", "efficientnet-lite0", []),
             ("tvm-autotvm", "digits", "digits", ["--trials", "4"])]
    print(f"margin {MARGIN:.0%}, CPU {CPU}, {args.samples} samples a process; ratio = ours / rival, 95 % interval of the paired log ratio")
    with tempfile.TemporaryDirectory(prefix="assay-agreement-") as folder:
        results = [agree(c, m, d, e, args.pairs, args.samples, pathlib.Path(folder)) for c, m, d, e in cases if not args.only or args.only == c]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
