#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every statistic that R or SciPy has too, computed on both sides: `rivals_test.py [--build FOLDER] [--only CALL]`.

One list of requests (cases.py) goes to three programs: stats_cli (ours), rival.R and rival_scipy.py. Each answers what
it knows; every number of a rival must be ours within the tolerance that cases.py states. Prints a row a number.
Exit code 0: all agree; 1: a miss, an error, or a number that no rival answered; 77: R or SciPy is not installed.
"""
import argparse
import math
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
import cases  # noqa: E402  (beside this file)

HERE = pathlib.Path(__file__).resolve().parent
R = ["Rscript", "--vanilla", str(HERE / "rival.R")]
SCIPY = ["/usr/bin/python3", "-B", str(HERE / "rival_scipy.py")]
PACKAGES = "r-base-core r-cran-evd r-cran-tseries r-cran-goftest r-cran-fextremes python3-scipy"
NEEDED = (["Rscript", "--vanilla", "-e", "for (p in c('evd','tseries','goftest','fExtremes')) find.package(p)"],
          ["/usr/bin/python3", "-c", "import scipy.stats"])


def require_rivals():
    for argv in NEEDED:
        try:
            found = subprocess.run(argv, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            found = False
        if not found:
            print("rivals_test: R or SciPy is not installed\n"
                  f"  fix: apt-get install -y --no-install-recommends {PACKAGES}")
            sys.exit(77)


def environment():
    """One thread a program: BLAS decides nothing here, and must not take the machine."""
    return dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", LC_ALL="C")


def word(value):
    if isinstance(value, (list, tuple)):
        return ",".join(map(word, value))
    return repr(value)


def ask(argv, text):
    """{request: {key: number, None where there is none, or a text when the program failed}}"""
    done = subprocess.run(argv, input=text, text=True, capture_output=True, env=environment(), check=False)
    if done.returncode != 0:
        sys.exit(f"rivals_test: {argv[-1]} ended with {done.returncode}\n{done.stderr}")
    answers = {}
    for line in done.stdout.splitlines():
        number, *pairs = line.split()
        answers[int(number)] = {k: v if k == "error" else None if v == "none" else float(v)
                                for k, v in (p.split("=", 1) for p in pairs)}
    return answers


def difference(ours, rival, floor):
    """Relative to the rival, or to `floor` where the rival is smaller; infinite when one is missing or no number."""
    if ours is None or rival is None:
        return 0.0 if ours is rival else math.inf
    if ours == rival:
        return 0.0
    if not (math.isfinite(ours) and math.isfinite(rival)):
        return math.inf
    return abs(ours - rival) / max(abs(rival), floor)


def compare(requests, ours, rivals):
    """Rows (quantity, about, ours, rival's name and number, difference, tolerance, ok)."""
    for number, (call, about, _) in enumerate(requests):
        mine = ours.get(number, {"error": "no_answer"})
        for name, answers in rivals.items():
            for key, value in answers.get(number, {}).items():
                if "error" in mine or key == "error":
                    yield call, about, mine.get("error"), name, value if key == "error" else "", math.inf, 0.0, False
                    break
                tolerance = cases.tolerance_of(call, key)
                if tolerance is None:
                    sys.exit(f"rivals_test: {call}.{key} has no tolerance in cases.py")
                tolerance *= cases.LOOSER.get((name, call), 1.0)
                apart = difference(mine.get(key), value, cases.floor_of(call, key))
                yield f"{call}.{key}", about, mine.get(key), name, value, apart, tolerance, apart <= tolerance


def uncompared(rows):
    seen = {row[0] for row in rows}
    stars = {q.rstrip("0123456789") + "*" for q in seen}
    return [f"{call}.{key}" for call, table in cases.TOLERANCE.items() for key in table
            if f"{call}.{key}" not in seen | stars]


def can_fail(requests, ours, rivals):
    """A wrong number of ours must be a miss: each answer moved by a part in a thousand, or by one where it counts."""
    moved = {n: {k: v if v is None or k == "error" else (v + 1 if v == int(v) else v * 1.01 + 1e-4)
                 for k, v in a.items() if k == "error" or v is None or math.isfinite(v)} for n, a in ours.items()}
    missed = {row[0] for row in compare(requests, moved, rivals) if not row[-1]}
    return sorted({row[0] for row in compare(requests, ours, rivals)} - missed)


def show(value):
    return "none" if value is None else value if isinstance(value, str) else f"{value:.9g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.environ.get("ASSAY_BUILD", str(HERE.parents[1] / "build/release")))
    parser.add_argument("--only", help="this call alone")
    options = parser.parse_args()
    program = pathlib.Path(options.build, "bin/stats_cli")
    if not program.exists():
        sys.exit(f"rivals_test: {program} is not built")
    require_rivals()
    data = {}
    for line in subprocess.run([*R, "data"], text=True, capture_output=True, env=environment(),
                               check=True).stdout.splitlines():
        name, values = line.split()
        data[name] = [float(v) for v in values.split(",")]
    requests = [c for c in cases.cases(data) if options.only in (None, c[0])]
    text = "".join(f"{i} {call} " + " ".join(f"{k}={word(v)}" for k, v in arguments.items()) + "\n"
                   for i, (call, _, arguments) in enumerate(requests))
    ours = ask([str(program)], text)
    rivals = {"R": ask(R, text), "scipy": ask(SCIPY, text)}
    rows = list(compare(requests, ours, rivals))
    print(f"{'quantity':30} {'about':38} {'ours':>16} {'rival':>16} {'by':5} {'difference':>10} {'allowed':>8}")
    for quantity, about, mine, name, value, apart, tolerance, ok in rows:
        print(f"{quantity:30} {about:38} {show(mine):>16} {show(value):>16} {name:5} {apart:10.2g} {tolerance:8.0e} "
              f"{'ok' if ok else 'MISS'}")
    misses = [row for row in rows if not row[-1]]
    lost = [] if options.only else uncompared(rows)
    deaf = can_fail(requests, ours, rivals)
    print(f"{len(rows)} numbers of {len(requests)} requests, {len(misses)} miss")
    for text, names in (("never compared", lost), ("compared, but a wrong number would pass", deaf)):
        if names:
            print(f"{text}: {', '.join(names)}")
    return 1 if misses or lost or deaf else 0


if __name__ == "__main__":
    sys.exit(main())
