#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pre-processing against OpenCV and Pillow: `run.py [--rounds 7] [--repeats 200] [--image JPEG] [--program PATH]`.

A decoded 500x375 RGB image becomes a 1x3x224x224 float tensor: shorter side to 256, the middle, ImageNet's mean and
deviation. rival.py holds several programs for OpenCV and for Pillow; the fastest of each library counts, if its pixels
are those of its own plain resize. Rounds of ours and of the rivals alternate on one core; medians over all repeats.
Differences are in grey levels. Exit code 0 PASS, 1 FAIL.
The rivals' packages (bench/vision/requirements.txt) are installed once, into the cache folder.
"""
import argparse
import array
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools" / "setup"))
import venvs  # noqa: E402

BUDGET = 2.0
WIDTH, HEIGHT = 500, 375
STD = (0.229, 0.224, 0.225)
# A made-up photograph: smooth shapes, edges and noise; or the image that was given.
MAKE = """
import sys, numpy as np
from PIL import Image
path, out, w, h = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
if path:
    pixels = np.asarray(Image.open(path).convert("RGB").resize((w, h)))
else:
    y, x = np.mgrid[0:h, 0:w]
    waves = [128 + 90 * np.sin(x / (9 + 7 * c)) * np.cos(y / (13 - 3 * c)) for c in range(3)]
    pixels = np.stack(waves, -1) + 40 * ((x // 25 + y // 25) % 2)[..., None]
    pixels = np.clip(pixels + np.random.default_rng(1).normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)
pixels.tofile(out)
"""
# Our rule, and the program that says what the pixels of the library are.
SIDES = {"opencv": ("cv2_", "cv2_transpose"), "pil": ("pil_", "pil_numpy")}


def find_program():
    found = sorted(HERE.parents[1].glob("build/release/bin/bench_vision"))
    if not found:
        sys.exit("run.py: bench_vision is not built\n  fix: cmake --build --preset release, or --program PATH")
    return str(found[-1])


def run(argv, cpu):
    env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, env=env,
                          preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    return json.loads(done.stdout) if done.stdout else None


def difference(a, b):
    """The largest one between two tensor files, in grey levels."""
    values = [array.array("f", pathlib.Path(path).read_bytes()) for path in (a, b)]
    plane = len(values[0]) // 3
    return max(abs(x - y) * 255 * STD[i // plane] for i, (x, y) in enumerate(zip(*values, strict=True)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="ours and the rivals in turn")
    parser.add_argument("--repeats", type=int, default=200, help="of each program in a round")
    parser.add_argument("--image", default="", help="instead of the made-up one, scaled to 500x375")
    parser.add_argument("--program", help="bench_vision")
    options = parser.parse_args()
    program, cpu = options.program or find_program(), max(os.sched_getaffinity(0))
    python = str(venvs.make_pinned("bench-vision", HERE / "requirements.txt") / "bin" / "python")
    ours, rivals = {rule: [] for rule in SIDES}, {}
    with tempfile.TemporaryDirectory() as folder:
        pixels = f"{folder}/pixels.rgb"
        run([python, "-B", "-c", MAKE, options.image, pixels, str(WIDTH), str(HEIGHT)], cpu)
        size = [str(WIDTH), str(HEIGHT)]
        for _ in range(options.rounds):
            for rule, times in ours.items():
                mine = run([program, pixels, *size, rule, str(options.repeats), f"{folder}/{rule}.f32"], cpu)
                times += mine["ns"]
            theirs = run([python, "-B", str(HERE / "rival.py"), pixels, *size, str(options.repeats), folder], cpu)
            for name, times in theirs["ns"].items():
                rivals.setdefault(name, []).extend(times)
        apart = {}
        for rule, (prefix, plain) in SIDES.items():
            apart[rule] = difference(f"{folder}/{rule}.f32", f"{folder}/{plain}.f32")
            for name in rivals:
                if name.startswith(prefix):
                    apart[name] = difference(f"{folder}/{name}.f32", f"{folder}/{plain}.f32")
    print(f"{WIDTH}x{HEIGHT} RGB -> 1x3x224x224 float32, one core, medians of {options.rounds} x {options.repeats}; "
          f"cv2 {theirs['cv2']}, Pillow {theirs['pil']}, NumPy {theirs['numpy']}, ours {mine['simd']}")
    passed = True
    for rule, (prefix, plain) in SIDES.items():
        mine = statistics.median(ours[rule]) / 1e3
        medians = {n: statistics.median(t) / 1e3 for n, t in rivals.items() if n.startswith(prefix)}
        for name, us in sorted(medians.items(), key=lambda item: item[1]):
            note = "" if apart[name] <= 1 else f"  not counted: {apart[name]:.1f} levels from {plain}"
            print(f"  {name:16} {us:8.1f} us{note}")
        best = min(us for name, us in medians.items() if apart[name] <= 1)
        print(f"  ours, {rule:10} {mine:8.1f} us  ratio {best / mine:.2f}"
              f"{f'  budget >= {BUDGET:.0f}' if rule == 'opencv' else ''}; "
              f"largest difference {apart[rule]:.4f} grey levels, budget <= 1")
        passed = passed and apart[rule] <= 1 and (rule != "opencv" or best / mine >= BUDGET)
    print("PASS" if passed else "FAIL")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
