# SPDX-License-Identifier: Apache-2.0
"""Compilers as their folders describe them (docs/formats.md, compiler folder)."""

import dataclasses
import glob
import os
import pathlib
import re
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SYSTEM_PYTHON = "/usr/bin/python3"


class Missing(Exception):
    """Something is not installed or built here; the text tells what and how to get it."""


def cache_folder():
    """$ASSAY_CACHE, else $XDG_CACHE_HOME/assay, else ~/.cache/assay."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("ASSAY_CACHE") or os.path.join(base, "assay"))


@dataclasses.dataclass
class Compiler:
    """One compiler folder, and what this machine has of it."""

    name: str
    folder: pathlib.Path
    description: dict
    build_dir: pathlib.Path
    device: str = "cpu"

    @property
    def family(self):
        """The environment for the device."""
        own = self.description.get("device", {}).get(self.device.split(":")[0], {})
        return own.get("family", self.description["family"])

    @property
    def install_command(self):
        kind = self.device.split(":")[0]
        return f"./assay-up compilers {self.name}" + (f"-{kind}" if kind in self.description.get("device", {}) else "")

    @property
    def precisions(self):
        return self.description["precisions"]

    @property
    def search(self):
        return bool(self.description.get("search", False))

    @property
    def recompiles(self):
        """May a lock of it be proved by compiling again?"""
        return "recompiled" in self.description.get("lock", {}).get("proof", [])

    @property
    def conformance(self):
        return self.description.get("conformance", {})

    @property
    def manual(self):
        """What to do where ./assay-up does not install it, or ""."""
        return self.description.get("manual", "")

    @property
    def optional(self):
        """Is it held against nobody that it is absent: made by hand or when named, or for a GPU alone?"""
        return bool(self.manual or self.description.get("on_request")) or "cpu" not in self.description.get("devices", ["cpu"])

    def python(self):
        family = self.family
        if not family:
            return SYSTEM_PYTHON
        path = cache_folder() / "venvs" / family / "bin" / "python"
        if not path.exists():
            raise Missing(f"{self.name} is not installed: {self.manual or self.install_command}")
        return str(path)

    def builder(self):
        """The argv of the builder."""
        words = {"{python}": self.python(), "{folder}": str(self.folder)}
        argv = []
        for word in self.description["builder"]:
            for mark, text in words.items():
                word = word.replace(mark, text)
            argv.append(word)
        return argv

    def runner(self):
        path = self.build_dir / "lib" / f"libassay_runner_{self.description['runner']}.so"
        if not path.exists():
            fix = self.manual or "cmake --preset release && cmake --build --preset release"
            raise Missing(f"{path} is not built: {fix}")
        return str(path)

    def library(self):
        """The compiler's runtime library below the family's site-packages, or ""."""
        pattern = self.description.get("library", "")
        if not pattern:
            return ""
        venv = pathlib.Path(self.python()).parents[1]
        found = sorted(glob.glob(str(venv / "lib" / "python3*" / "site-packages" / pattern)))
        if not found:
            raise Missing(f"{self.name}: nothing matches {pattern} in {venv}: {self.install_command}")
        return found[0]

    def options(self, wanted):
        """Every declared option with its default or the value in `wanted`, as the planner sends them."""
        declared = self.description.get("options", {})
        for name in wanted:
            if name not in declared:
                raise ValueError(f"{self.name} declares no option {name}")
        return {name: wanted.get(name, entry["default"]) for name, entry in declared.items()}


def names():
    return sorted(path.parent.name for path in (ROOT / "compilers").glob("*/compiler.toml"))


def load(name, build_dir, device=""):
    """The compiler called `name`, on `device` ("": its default); ValueError when its folder or description is
    not usable, or when it does not offer the device."""
    path = ROOT / "compilers" / name / "compiler.toml"
    if name not in names():
        raise ValueError(f"no compiler {name}; there are {', '.join(names())}")
    try:
        description = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None
    for key in ("name", "family", "runner", "builder", "decides_at", "precisions", "kernels"):
        if key not in description:
            raise ValueError(f"{path}: no {key}")
    if description["name"] != name:
        raise ValueError(f"{path}: name is {description['name']}, the folder {name}")
    offered = description.get("devices", ["cpu"])
    device = device or (offered[0] if offered[0] == "cpu" else offered[0] + ":0")
    if not re.fullmatch(r"cpu|cuda:(0|[1-9][0-9]{0,2})", device) or device.split(":")[0] not in offered:
        raise ValueError(f"{name}: no device {device}; it offers {', '.join(offered)}, written cpu or cuda:0")
    return Compiler(name, path.parent, description, pathlib.Path(build_dir), device)
