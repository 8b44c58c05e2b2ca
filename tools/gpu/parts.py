# SPDX-License-Identifier: Apache-2.0
"""What travels, and where it lies there. Every part is a list of (file here, path below the home folder there).

    assay/{bin,lib,sys,share/assay}   binaries, runners, libraries they need, compilers, conformance, tools, examples
    cache/{models,venvs,conformance}  what ASSAY_CACHE names there
    python/                           the interpreter that the environments were made with
    files/NAME                        folders given by hand
"""

import fnmatch
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import elf
from pieces import Broken

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARE = ("compilers", "conformance", "tools", "examples", "LICENSE")
NEVER = {"__pycache__", ".git"}
PYTHON_LEFT_OUT = {"test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip", "pydoc_data", "dist-packages",
                   "config-3.11-x86_64-linux-gnu"}
MODULES_LEFT_OUT = re.compile(r"(_curses|_curses_panel|readline|_dbm|_gdbm|nis|_crypt|_tkinter|_test.*|_ctypes_test|xx.*)\.")


def cache_dir():
    """ASSAY_CACHE, else XDG_CACHE_HOME/assay, else ~/.cache/assay."""
    if os.environ.get("ASSAY_CACHE"):
        return pathlib.Path(os.environ["ASSAY_CACHE"]).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (pathlib.Path(base) if base else pathlib.Path.home() / ".cache") / "assay"


def tree(source, there, skip=lambda relative, is_folder: False):
    """Yields (path, path there) of all files and links below `source`, sorted; skip(relative path, is folder) prunes."""
    source = pathlib.Path(source)
    for folder, folders, files in os.walk(source):
        relative = pathlib.Path(folder).relative_to(source)
        links = [f for f in folders if (pathlib.Path(folder) / f).is_symlink()]
        folders[:] = sorted(f for f in folders if f not in NEVER and f not in links and not skip(relative / f, True))
        for name in sorted(files + links):
            if not name.endswith(".pyc") and not skip(relative / name, False):
                yield pathlib.Path(folder) / name, f"{there}/{relative / name}"


def _finished(kind, name):
    """The keyed folder that the link `kind/name` of the cache names."""
    link = cache_dir() / kind / name
    if not (link / ".complete").is_file():
        make = {"models": "models", "venvs": "compilers"}[kind]
        raise Broken(f"{link} is not there: ./assay-up {make} {name}", 3)
    return link.resolve()


def assay(build, tool, scratch):
    """Binaries and runners of the build folder, made relocatable in `scratch`, and what assay reads at run time."""
    stage = scratch / "assay"
    programs = sorted(p for p in (build / "bin").glob("assay*") if p.is_file() and re.fullmatch(r"assay(-\w+|_gpu_\w+)?", p.name))
    runners = sorted((build / "lib").glob("libassay_runner_*.so"))
    if not any(p.name == "assay" for p in programs) or not runners:
        raise Broken(f"{build} holds no bin/assay or no runner: build it, or name another folder with --build", 3)
    venvs = str(cache_dir() / "venvs")
    for sub, files in (("bin", programs), ("lib", runners)):
        (stage / sub).mkdir(parents=True)
        for path in files:
            copy = stage / sub / path.name
            shutil.copyfile(path, copy)
            copy.chmod(0o755)
            elf.strip(copy)
            # A runner that names an environment of the cache finds the same one below the home folder there.
            own = [f"$ORIGIN/../../cache/venvs{f[len(venvs):]}" for f in elf.runpath_of(tool, copy) if f.startswith(venvs + "/")]
            elf.set_runpath(tool, copy, ":".join(["$ORIGIN/../sys", *own]))
    # Libraries of an environment travel with the environment.
    absent = elf.carry_libraries(tool, programs, stage / "sys")
    if absent:
        raise Broken(f"{build}: libraries are not found here: {', '.join(sorted(absent))}", 3)
    yield from tree(stage, "assay")
    for name in SHARE:
        source = ROOT / name
        if source.is_dir():
            yield from tree(source, f"assay/share/assay/{name}")
        elif source.is_file():
            yield source, f"assay/share/assay/{name}"
    # conformance/suite/cases.py keeps its made models by the hash of their maker; there they cannot be made.
    key = hashlib.sha256((ROOT / "conformance" / "make_models.py").read_bytes()).hexdigest()[:16]
    made = cache_dir() / "conformance" / key
    if made.is_dir():
        yield from tree(made, f"cache/conformance/{key}")
    else:
        print(f"pack: no conformance there: its models are not made ({made}); conformance/run.py null makes them",
              file=sys.stderr)


def model(name):
    """A model and its data set of the cache, under the key they have here."""
    folder = _finished("models", name)
    yield from tree(folder, f"cache/models/{folder.name}")
    yield cache_dir() / "models" / name, f"cache/models/{name}"


def tests_in_use(site):
    """Names of modules `X.tests` that files outside of tests import: those folders must travel."""
    used = set()
    for path in site.rglob("*.py"):
        if not {"tests", "test"} & set(path.parts):
            text = path.read_text(encoding="utf-8", errors="replace")
            if ".test" in text:
                used |= {match[1] for match in re.finditer(r"\b([A-Za-z_][\w.]*\.tests?)\b(?=[. ]|$)", text)}
    return used


def env(name, exclude=()):
    """A virtual environment without tests, pip and caches; its interpreter is the part python()."""
    folder = _finished("venvs", name)
    sites = sorted(folder.glob("lib/python3*/site-packages"))
    used = {str(site.relative_to(folder)): tests_in_use(site) for site in sites}

    def skip(relative, is_folder):
        text = str(relative)
        if any(fnmatch.fnmatch(text, pattern) for pattern in exclude):
            return True
        if not is_folder:  # links to the interpreter, and scripts whose first line names this machine's path
            return relative.parts[0] == "bin" or text == "pyvenv.cfg" or text == "lib64"
        if relative.name in ("tests", "test"):
            for site, modules in used.items():
                if text.startswith(site + "/"):
                    return text[len(site) + 1:].replace("/", ".") not in modules
        return re.fullmatch(r"lib/python3[^/]*/site-packages/(pip|pip-.*|setuptools/_vendor/.*tests)", text) is not None

    yield from tree(folder, f"cache/venvs/{folder.name}", skip)
    yield cache_dir() / "venvs" / name, f"cache/venvs/{name}"


def interpreter(name):
    """(base prefix, version '3.11', executable) of the Python that environment `name` was made with."""
    python = _finished("venvs", name) / "bin" / "python"
    code = "import sys; print(sys.base_prefix, '%d.%d' % sys.version_info[:2], sep='\\n')"
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Broken(f"{python} does not run: {done.stderr.strip()[-200:]}", 3)
    prefix, version = done.stdout.split("\n")[:2]
    return pathlib.Path(prefix), version


def python(prefix, version, tool, scratch):
    """The interpreter, its standard library and headers, and the libraries that those need, relocatable."""
    stage, name = scratch / "python", f"python{version}"
    library = stage / "lib" / name
    (stage / "bin").mkdir(parents=True)
    shutil.copyfile((prefix / "bin" / name).resolve(), stage / "bin" / name)
    (stage / "bin" / name).chmod(0o755)
    for path, there in tree(prefix / "lib" / name, "x", lambda r, d: d and r.parts[0] in PYTHON_LEFT_OUT):
        target = library / there[2:]
        if path.exists() and not MODULES_LEFT_OUT.match(path.name) and path.name != "sitecustomize.py":
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    headers = prefix / "include" / name
    if headers.is_dir():  # compilers of kernels build against them
        shutil.copytree(headers, stage / "include" / name)
        real = prefix / "include" / "x86_64-linux-gnu" / name / "pyconfig.h"
        if real.is_file():  # Debian's own refers to a folder that only Debian has
            shutil.copyfile(real, stage / "include" / name / "pyconfig.h")
    modules = sorted((library / "lib-dynload").glob("*.so"))
    elf.carry_libraries(tool, [stage / "bin" / name, *modules], stage / "sys")
    elf.set_runpath(tool, stage / "bin" / name, "$ORIGIN/../sys")
    for module in modules:
        elf.set_runpath(tool, module, "$ORIGIN/../../../sys")
    yield from tree(stage, "python")


def files(folder):
    """A folder given by hand."""
    folder = pathlib.Path(folder).resolve()
    if not folder.is_dir():
        raise Broken(f"{folder}: no folder")
    yield from tree(folder, f"files/{folder.name}")


def temporary():
    """A scratch folder that goes when its user is done."""
    return tempfile.TemporaryDirectory(prefix="assay-pack-")
