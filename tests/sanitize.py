#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the core's tests and fuzzers with address and undefined-behaviour sanitizers, and runs them.

    tests/sanitize.py --build build/asan [--jobs 2] [--fuzz-iterations 3000]
"""

import argparse
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = ["base_test", "series_test", "stats_test", "store_test", "compare_test", "diff_test", "model_test", "vision_test",
         "vision_pre_test", "vision_boxes_test", "stream_test", "measure_test", "worker_test", "frames_test", "frames_video_test",
         "audit_test", "report_test", "platform_test", "platform_peaks_test", "platform_gpu_test", "report_machines_test"]
FUZZERS = ["series_fuzz", "diff_fuzz", "onnx_model_fuzz", "vision_fuzz", "boxes_fuzz", "time_stamps_fuzz", "audit_fuzz", "record_fuzz"]
# Leaks in the libraries of Debian (protobuf's descriptors) are not ours; leaks of children are watched elsewhere.
ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=0:strict_string_checks=1:allocator_may_return_null=1",
               "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1", "RC_PARAMS": "seed=1"}


def run(command, **kwargs):
    """Runs it; seconds it took. A failure ends this program with its exit code."""
    begin = time.monotonic()
    done = subprocess.run(list(map(str, command)), cwd=ROOT, check=False, **kwargs)
    if done.returncode != 0:
        print("failed with %d: %s" % (done.returncode, " ".join(map(str, command))))
        sys.exit(1)
    return time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "asan")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--fuzz-iterations", type=int, default=3000)
    args = parser.parse_args()
    quiet = {"stdout": subprocess.DEVNULL}
    seconds = run(["cmake", "--preset", "asan", "-B", args.build], **quiet)
    seconds += run(["cmake", "--build", args.build, "--target", *TESTS, *FUZZERS, "--", "-j%d" % args.jobs], **quiet)
    print("built in %.0f s" % seconds)
    env = dict(os.environ, **ENVIRONMENT)
    for name in TESTS:
        print("%s: %.1f s" % (name, run([args.build / "bin" / name, "--gtest_brief=1"], env=env)), flush=True)
    for name in FUZZERS:
        print("%s: %.1f s" % (name, run([args.build / "bin" / name, args.fuzz_iterations, 1], env=env)), flush=True)


if __name__ == "__main__":
    main()
