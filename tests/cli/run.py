#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs CLI tests written as text.

    tests/cli/run.py --bin build/release/bin tests/cli/usage.test

    # a comment; an empty line between commands is nothing
    @mount               the test mounts file systems: it runs in a mount namespace of its own, or is skipped (77)
    $ assay --version    a shell command; its folder is fresh for each file, its cache empty
    > more               the command goes on
    0.<[0-9.]+>          what it must print, stdout and stderr as they come; <REGEX> matches within a line
    ...                  any lines, also none
    [exit 2]             its exit code, 0 when not stated

A line that begins with one of these marks is written with a backslash before it, and `\\<` is a plain `<`.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SKIPPED = 77
LIMIT_S = 120
HERE = pathlib.Path(__file__).resolve().parent
NAMESPACES = (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"])


class Step:
    """A command, the lines it must print and its exit code."""

    def __init__(self, line, command):
        self.line, self.command, self.expected, self.code = line, command, [], 0


def parse(text):
    """(steps, directives) of a test file; ValueError names the line."""
    steps, directives = [], set()
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("$ "):
            steps.append(Step(number, line[2:]))
        elif line.startswith("> ") and steps:
            steps[-1].command += "\n" + line[2:]
        elif line.startswith("@"):
            directives.add(line[1:].strip())
        elif line.startswith("#") or not line:
            continue
        elif not steps:
            raise ValueError("line %d: expected a command first" % number)
        elif line.startswith("[exit "):
            steps[-1].code = int(line[6:].rstrip("]"))
        else:
            steps[-1].expected.append(line[1:] if line.startswith("\\") and line[1:2] in "$>#@[.\\" else line)
    if not steps:
        raise ValueError("no command")
    return steps, directives


def pattern(line):
    """The regular expression of an expected line."""
    parts, at = [], 0
    for match in re.finditer(r"\\<|<([^<>]+)>", line):
        parts.append(re.escape(line[at:match.start()]))
        parts.append("<" if match.group(1) is None else "(?:%s)" % match.group(1))
        at = match.end()
    return re.compile("".join(parts) + re.escape(line[at:]))


def matches(expected, actual):
    """Whether the lines are the expected ones; None, or (index expected, index actual) of where it went wrong."""
    memo, furthest = {}, [0, 0]

    def fits(e, a):
        if (e, a) not in memo:
            if a > furthest[1] or (a == furthest[1] and e > furthest[0]):
                furthest[:] = [e, a]
            if e == len(expected):
                memo[e, a] = a == len(actual)
            elif expected[e] == "...":
                memo[e, a] = any(fits(e + 1, k) for k in range(len(actual), a - 1, -1))
            else:
                memo[e, a] = (a < len(actual) and pattern(expected[e]).fullmatch(actual[a]) is not None
                              and fits(e + 1, a + 1))
        return memo[e, a]

    return None if fits(0, 0) else tuple(furthest)


def run_step(step, folder, env):
    """A text that says what is wrong, or None."""
    try:
        done = subprocess.run(["/bin/sh", "-c", step.command], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return "did not end within %d s" % LIMIT_S
    actual = done.stdout.decode(errors="backslashreplace").splitlines()
    wrong = matches(step.expected, actual)
    if wrong is None and done.returncode == step.code:
        return None
    text = []
    if done.returncode != step.code:
        text.append("exit code %d, expected %d" % (done.returncode, step.code))
    if wrong is not None:
        e, a = wrong
        text.append("output line %d: expected %s" % (a + 1, step.expected[e] if e < len(step.expected) else "(the end)"))
    return "\n".join(text + ["it printed:"] + ["  | " + line for line in actual])


def in_mount_namespace():
    """Starts this program again in a mount namespace; returns only where there is none to be had."""
    for prefix in NAMESPACES:
        probe = subprocess.run(prefix + ["mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True, check=False)
        if probe.returncode == 0:
            os.execvp(prefix[0], prefix + [sys.executable, "-B", *sys.argv, "--in-namespace"])
    return probe.stderr.strip()


def unmount_below(folder):
    """What a test mounted would keep its folder from being removed."""
    with open("/proc/self/mounts", encoding="utf-8") as handle:
        mounted = [line.split()[1] for line in handle]
    for path in reversed(mounted):
        if path.startswith(folder + "/"):
            subprocess.run(["umount", path], check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=HERE.parent.parent / "build" / "release" / "bin")
    parser.add_argument("--in-namespace", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("tests", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    failed = 0
    for test in args.tests:
        steps, directives = parse(test.read_text())
        if "mount" in directives and not args.in_namespace:
            print("%s: skipped, no mount namespace can be made here: %s" % (test.name, in_mount_namespace()))
            return SKIPPED
        with tempfile.TemporaryDirectory(prefix="assay-cli-") as folder:
            env = {"PATH": os.pathsep.join([str(args.bin.resolve()), str(HERE / "bin"), "/usr/sbin:/usr/bin:/sbin:/bin"]),
                   "HOME": folder, "LANG": "C.UTF-8", "ASSAY_CACHE": os.path.join(folder, ".cache"),
                   "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
            for step in steps:
                wrong = run_step(step, folder, env)
                if wrong:
                    failed += 1
                    print("%s:%d: $ %s\n%s" % (test, step.line, step.command, wrong))
                    break
            unmount_below(folder)
    print("%d of %d files failed" % (failed, len(args.tests)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
