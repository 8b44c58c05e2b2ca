# SPDX-License-Identifier: Apache-2.0
"""What every set-up step shares: the cache folder, locks, check sums and messages for people."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARKER = ".complete"


class SetupError(Exception):
    """One clear line: what, where, what was expected, how to fix it. `code` is the exit code."""

    def __init__(self, message, code=3):
        super().__init__(message)
        self.code = code


def cache_dir():
    """The cache folder: ASSAY_CACHE, else XDG_CACHE_HOME/assay, else ~/.cache/assay."""
    named = os.environ.get("ASSAY_CACHE")
    if named:
        return pathlib.Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (pathlib.Path(base) if base else pathlib.Path.home() / ".cache") / "assay"


def say(text):
    """One line for the person in front of the screen; standard output stays free for results."""
    print(f"assay-up: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(text):
    """Says what starts and, when it ended well, how long it took."""
    say(f"{text} ...")
    start = time.monotonic()
    yield
    say(f"{text}: done in {time.monotonic() - start:.1f} s")


def sha256_file(path):
    """SHA-256 of a file's bytes, as hex digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def key_of(parts):
    """A short key over byte strings; lengths are hashed too, so that no two lists share a key."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(str(len(part)).encode() + b":" + part)
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def locked(name):
    """Holds a lock over all assay-up processes of this cache; waits for the other, and says so."""
    folder = cache_dir() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another assay-up is making {name}: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_complete(folder):
    """True when the folder was made to its end: the marker is the last thing written."""
    return (folder / MARKER).is_file()


def mark_complete(folder, text):
    """Writes the marker last, when all else is on the disk: a power cut leaves no false one."""
    os.sync()
    with open(folder / (MARKER + ".tmp"), "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(folder / (MARKER + ".tmp"), folder / MARKER)


def start_afresh(folder):
    """An empty folder; what an interrupted call left there is removed first."""
    if folder.exists():
        say(f"{folder} was left unfinished: making it again")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def point_link(link, target_name):
    """Makes `link` a symbolic link to its neighbour `target_name`, in one atomic step."""
    if link.is_symlink() and os.readlink(link) == target_name:
        return
    if link.exists() and not link.is_symlink():
        raise SetupError(f"{link} is a real folder, expected a link: move it away and try again")
    with tempfile.TemporaryDirectory(dir=link.parent) as scratch:
        fresh = pathlib.Path(scratch) / "link"
        fresh.symlink_to(target_name)
        os.replace(fresh, link)


def run(argv, what, env=None):
    """Runs a program whose text is shown only when it fails."""
    try:
        done = subprocess.run(
            [str(word) for word in argv], env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    except OSError as error:
        raise SetupError(f"{what}: cannot start {argv[0]}: {error.strerror}") from None
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-25:])
        print(tail, file=sys.stderr)
        raise SetupError(
            f"{what} failed: {argv[0]} ended with {done.returncode} (its last lines are above); "
            "check the network and run the same command again")
    return done.stdout


def main_guard(main):
    """Runs main() and turns an expected failure into one line and an exit code."""
    try:
        sys.exit(main())
    except SetupError as error:
        say(str(error))
        sys.exit(error.code)
    except KeyboardInterrupt:
        say("interrupted; the same command goes on from here")
        sys.exit(130)
    except OSError as error:
        say(f"{error.filename or 'system'}: {error.strerror}; "
            "free the path or the space and try again")
        sys.exit(3)
