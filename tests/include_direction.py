#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The shape of the source tree: who may include whom, how long a file may be, and that tables stand once.

    tests/include_direction.py        prints what breaks a rule; exit code 1 when something does
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# A room may include itself and what stands here; nothing else of src/.
ROOMS = {
    "base": [],
    "series": ["base"],
    "stats": ["base"],
    "compare": ["base", "stats"],
    "diff": ["base", "stats", "compare"],
    "model": ["base"],
    "vision": ["base"],
    "stream": ["base", "stats", "vision"],
    "platform": ["base"],
    "measure": ["base", "stats", "platform"],
    "store": ["base"],
    "worker": ["base", "platform", "measure"],
    "frames": ["base", "vision", "platform", "measure", "stream", "worker"],
    "audit": ["base", "stats", "compare", "diff", "model", "vision", "platform", "measure", "store", "worker"],
    "response": ["base", "stats", "model", "vision", "stream", "platform", "measure", "store", "worker", "frames",
                 "audit"],
    # The report reads rows and blobs alone: it prints evidence that it never made.
    "report": ["base", "stats", "compare", "diff", "vision", "stream", "platform", "store"],
    "cli": ["base", "series", "stats", "compare", "diff", "model", "vision", "stream", "platform", "store", "frames",
            "audit", "response", "report"],
}
# What else a file may include: the public headers, for those that load runners; headers that tests share.
PUBLIC = {"worker": ["assay/runner.h"], "frames": ["assay/runner.h"]}
TEST_ONLY = {"model/fuzz_driver.h": re.compile(r"_fuzz\.cc$")}
LONGEST = 400  # lines; a longer file says why in its first ten lines ("Longer than")
SOURCES = {".cc", ".h", ".inl", ".c", ".py", ".sh"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Words of the design, each allowed only where its table stands.
VERDICTS = re.compile(r'"(?:SAME|DIFFERENT|INCONCLUSIVE|TRUSTED|DEGRADED|REJECTED)"')


def sources(*folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and (
                    path.suffix in SOURCES or path.read_bytes()[:2] == b"#!"):
                yield path


def includes(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def check_src():
    for path in sources("src"):
        room = path.relative_to(ROOT / "src").parts[0]
        if room not in ROOMS:
            yield f"{path.relative_to(ROOT)}: room {room} is not in tests/include_direction.py"
            continue
        for name in includes(path):
            target = name.split("/")[0]
            if target in ROOMS and (target == room or target in ROOMS[room]):
                continue
            if name in PUBLIC.get(room, []) or (name in TEST_ONLY and TEST_ONLY[name].search(path.name)):
                continue
            yield f"{path.relative_to(ROOT)}: may not include {name}"


def check_compilers():
    """A compiler stands alone: the public runner header, and files of its own folder."""
    for path in sources("compilers"):
        if path.suffix not in {".cc", ".h", ".c", ".inl"}:
            continue
        for name in includes(path):
            if name != "assay/runner.h" and not (path.parent / name).is_file():
                yield f"{path.relative_to(ROOT)}: may not include {name}; a compiler needs only assay/runner.h"


def check_header():
    """runner.h is a C header that needs nothing but the C library."""
    for name in includes(ROOT / "include/assay/runner.h"):
        yield f"include/assay/runner.h: includes {name}"


def check_rooms_are_ordered():
    """The table itself points downwards."""
    order = list(ROOMS)
    for room, below in ROOMS.items():
        for other in below:
            if order.index(other) >= order.index(room):
                yield f"tests/include_direction.py: {room} includes {other}, which stands above it"


def check_lengths():
    for path in sources("src", "include", "compilers", "tools", "tests", "conformance", "bench"):
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > LONGEST and "Longer than" not in "\n".join(lines[:10]):
            yield (f"{path.relative_to(ROOT)}: {len(lines)} lines, at most {LONGEST}, unless its first ten say why "
                   '("Longer than 400 lines: ...")')


def check_tables():
    """Verdict and trust words in C++ come from base/words.h; compilers are found, not listed, by the core."""
    names = [p.name for p in (ROOT / "compilers").iterdir() if (p / "compiler.toml").is_file() and p.name != "null"]
    listed = re.compile('"(?:%s)"' % "|".join(map(re.escape, names)))
    for path in sources("src"):
        if path.suffix == ".py" or re.search(r"_test\.cc$|_bench\.cc$|fixture(_latency)?\.cc$|made_evidence\.h$", path.name):
            continue
        text = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
        where = path.relative_to(ROOT)
        if VERDICTS.search(text) and str(where) not in WORDS_ALLOWED:
            yield f"{where}: spells {VERDICTS.search(text).group()}; use word() of base/words.h"
        found = set(listed.findall(text)) - {'"reference"'}  # the yardstick is known by name
        if found:
            yield f"{where}: names the compilers {', '.join(sorted(found))}; the catalog finds them"


WORDS_ALLOWED = {
    "src/base/words.cc",               # the table
    "src/stats/equality_words.cc",     # the outcomes of stats/equality, which share words
    "src/report/html_parts.cc",        # word -> how its badge looks
    "src/report/text.cc",              # word -> its colour
}


def main():
    checks = [check_src, check_compilers, check_header, check_rooms_are_ordered, check_lengths, check_tables]
    broken = [line for check in checks for line in check()]
    print("\n".join(broken) if broken else "the source tree keeps its rules")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
