#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pre-processing against OpenCV and Pillow: `run.py [--rounds 7] [--repeats 200] [--image JPEG] [--size 500x375]`.

A decoded 500x375 RGB image becomes a 1x3x224x224 float tensor: shorter side to 256, the middle, ImageNet's mean and
deviation. rival.py holds several programs for OpenCV and for Pillow; the fastest of each library counts, if its pixels
are within a grey level of its own plain resize. Then the whole path: the same image as a JPEG in memory, decoded at full
size, and ours once more with scaled decoding (with its error). Rounds of ours and of the rivals alternate on one core;
medians over all repeats, CPU time of the process. Differences are in grey levels. Exit code 0 PASS, 1 FAIL.
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
LEVEL = 1.001  # one grey level, and the rounding of floats
STD = (0.229, 0.224, 0.225)
# A made-up photograph: smooth shapes, edges and noise; or the image that was given.
MAKE = """
import sys, numpy as np
from PIL import Image
path, out, w, h, jpeg = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
if path:
    pixels = np.asarray(Image.open(path).convert("RGB").resize((w, h)))
else:
    y, x = np.mgrid[0:h, 0:w]
    waves = [128 + 90 * np.sin(x / (9 + 7 * c)) * np.cos(y / (13 - 3 * c)) for c in range(3)]
    pixels = np.stack(waves, -1) + 40 * ((x // 25 + y // 25) % 2)[..., None]
    pixels = np.clip(pixels + np.random.default_rng(1).normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)
pixels.tofile(out)
Image.fromarray(pixels).save(jpeg, "JPEG", quality=90)
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


def measure(program, python, file, size, options, cpu, folder, suffix, scaled=False):
    """Rounds in turn; ({name: median us}, versions). `scaled`: ours with scaled decoding too."""
    times, about = {}, {}
    for _ in range(options.rounds):
        for rule in SIDES:
            mine = run([program, file, *size, rule, str(options.repeats), f"{folder}/{rule}{suffix}.f32"], cpu)
            times.setdefault(f"ours {rule}", []).extend(mine["ns"])
        if scaled:
            mine = run([program, file, "-1", "-1", "pil", str(options.repeats), f"{folder}/scaled.f32"], cpu)
            times.setdefault("ours scaled", []).extend(mine["ns"])
            about["scale"] = mine["scale"]
        theirs = run([python, "-B", str(HERE / "rival.py"), file, *size, str(options.repeats), folder], cpu)
        for name, taken in theirs["ns"].items():
            times.setdefault(name, []).extend(taken)
        about |= {"simd": mine["simd"], "cv2": theirs["cv2"], "pil": theirs["pil"], "numpy": theirs["numpy"]}
    return {name: statistics.median(taken) / 1e3 for name, taken in times.items()}, about


def judge(medians, folder, suffix, budgets):
    """Prints the rivals of each library and ours; whether the budgets ({rule: least ratio}) are met."""
    passed = True
    for rule, (prefix, plain) in SIDES.items():
        truth = f"{folder}/{plain}{suffix}.f32"
        rivals = {name: us for name, us in medians.items() if name.startswith(prefix)}
        apart = {name: difference(f"{folder}/{name}.f32", truth) for name in [rule + suffix, *rivals]}
        best = min(us for name, us in rivals.items() if apart[name] <= LEVEL)
        for name, us in sorted(rivals.items(), key=lambda item: item[1]):
            note = "" if apart[name] <= LEVEL else f"  not counted: other pixels, up to {apart[name]:.0f} levels away"
            print(f"  {name:22} {us:8.1f} us{note}")
        mine = medians[f"ours {rule}"]
        budget = f"  budget >= {budgets[rule]:g}" if rule in budgets else ""
        print(f"  ours, {rule:16} {mine:8.1f} us  ratio {best / mine:.2f}{budget}; "
              f"largest difference {apart[rule + suffix]:.4f} levels, budget <= 1")
        passed = passed and apart[rule + suffix] <= LEVEL and best / mine >= budgets.get(rule, 0)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="ours and the rivals in turn")
    parser.add_argument("--repeats", type=int, default=200, help="of each program in a round")
    parser.add_argument("--image", default="", help="instead of the made-up one, scaled to --size")
    parser.add_argument("--size", default="500x375", help="of the image (500x375: the budget's)")
    parser.add_argument("--program", help="bench_vision")
    options = parser.parse_args()
    size = options.size.split("x")
    program, cpu = options.program or find_program(), max(os.sched_getaffinity(0))
    python = str(venvs.make_pinned("bench-vision", HERE / "requirements.txt") / "bin" / "python")
    with tempfile.TemporaryDirectory() as folder:
        pixels, jpeg = f"{folder}/pixels.rgb", f"{folder}/image.jpg"
        run([python, "-B", "-c", MAKE, options.image, pixels, *size, jpeg], cpu)
        medians, about = measure(program, python, pixels, size, options, cpu, folder, "")
        print(f"{options.size} RGB -> 1x3x224x224 float32, one core, CPU time, medians of {options.rounds} x {options.repeats}; "
              f"cv2 {about['cv2']}, Pillow {about['pil']}, NumPy {about['numpy']}, ours {about['simd']}")
        passed = judge(medians, folder, "", {"opencv": BUDGET})
        medians, about = measure(program, python, jpeg, ["0", "0"], options, cpu, folder, "_whole", scaled=True)
        print(f"the whole path: JPEG of {os.path.getsize(jpeg)} bytes in memory -> tensor, full decode")
        passed = judge(medians, folder, "_whole", {"opencv": 1.0, "pil": 1.0}) and passed
        error = difference(f"{folder}/scaled.f32", f"{folder}/pil_whole.f32")
        print(f"  ours, pil, decoded at 1/{about['scale']}: {medians['ours scaled']:.1f} us, gain "
              f"{medians['ours pil'] / medians['ours scaled']:.2f}, largest difference to full decode {error:.1f} levels")
    print("PASS" if passed else "FAIL")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
