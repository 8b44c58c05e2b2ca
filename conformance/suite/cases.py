# SPDX-License-Identifier: Apache-2.0
"""Cases (cases/*.toml) and the models they speak of (make_models.py)."""

import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import tomllib

from suite.registry import Missing, cache_folder

HERE = pathlib.Path(__file__).resolve().parents[1]
_KEYS = {"summary": str, "precision": str, "atol": float, "rtol": float, "checks": list, "samples": int,
         "build_timeout_s": int, "shapes": dict}


@dataclasses.dataclass
class Case:
    """One case.  `inputs` and `outputs` are tensors as in a request; `expected` {output: raw bytes of n items}."""

    name: str
    precision: str
    atol: float
    rtol: float
    checks: list
    samples: int
    build_timeout_s: int
    clean: bool
    shapes: dict
    options: dict  # {compiler: {option: value}}
    folder: pathlib.Path
    n: int = 0
    inputs: list = dataclasses.field(default_factory=list)
    outputs: list = dataclasses.field(default_factory=list)
    expected: dict = dataclasses.field(default_factory=dict)

    @property
    def model(self):
        return str(self.folder / "model.onnx")

    @property
    def dataset(self):
        return str(self.folder / "dataset")


def models_folder():
    """The folder with the models, made at the first call and kept in the cache by the hash of its maker."""
    maker = HERE / "make_models.py"
    key = hashlib.sha256(maker.read_bytes()).hexdigest()[:16]
    final = cache_folder() / "conformance" / key
    if final.is_dir():
        return final
    python = cache_folder() / "venvs" / "tools" / "bin" / "python"
    if not python.exists():
        raise Missing(f"the models need the environment of tools/: {python} is absent: ./assay-up test makes it")
    final.parent.mkdir(parents=True, exist_ok=True)
    work = tempfile.mkdtemp(prefix=f"{key}.", dir=final.parent)
    done = subprocess.run([python, "-B", maker, work], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(work)
        raise Missing(f"{maker} failed: {done.stderr.strip()[-300:]}")
    try:
        os.rename(work, final)
    except OSError:  # another process was first
        shutil.rmtree(work)
    return final


def _read(path, models):
    table = tomllib.loads(path.read_text())
    for key, kind in _KEYS.items():
        if not isinstance(table.get(key), kind):
            raise ValueError(f"{path}: {key} is {table.get(key)!r}, expected {kind.__name__}")
    case = Case(path.stem, table["precision"], table["atol"], table["rtol"], table["checks"],
                table["samples"], table["build_timeout_s"], bool(table.get("clean", False)),
                table["shapes"], table.get("options", {}), models / path.stem)
    dataset = json.loads((case.folder / "dataset" / "dataset.json").read_text())
    expected = json.loads((case.folder / "expected.json").read_text())
    case.n = expected["n"]
    case.inputs = [{k: t[k] for k in ("name", "dtype", "shape")} for t in dataset["inputs"]]
    case.outputs = [{k: t[k] for k in ("name", "dtype", "shape")} for t in expected["outputs"]]
    case.expected = {t["name"]: (case.folder / t["file"]).read_bytes() for t in expected["outputs"]}
    return case


def load(models, only=None):
    """All cases in the order of their names, or those named in `only`."""
    paths = {path.stem: path for path in sorted((HERE / "cases").glob("*.toml"))}
    for name in only or []:
        if name not in paths:
            raise ValueError(f"no case {name}; there are {', '.join(paths)}")
    return [_read(path, models) for name, path in paths.items() if not only or name in only]
