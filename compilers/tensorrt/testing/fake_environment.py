#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes an environment of the fakes, for the conformance suite on a machine without a GPU.

    fake_environment.py CACHE [fake_10_15]
    ASSAY_CACHE=CACHE conformance/run.py tensorrt --build BUILD

CACHE/venvs/tensorrt is then a virtual environment of /usr/bin/python3 with the made-up module of
one flavour. The models of the conformance suite are linked from the cache in use.
"""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def make(cache, flavour="fake_10_15"):
    venv = pathlib.Path(cache) / "venvs" / "tensorrt"
    base = os.path.realpath("/usr/bin/python3")
    version = "python%d.%d" % sys.version_info[:2]
    site = venv / "lib" / version / "site-packages"
    library = site / "tensorrt_bindings" / "libnvinfer.so.10"
    fakes = venv / "lib" / "fakes"
    for folder in (venv / "bin", fakes, library.parent):
        folder.mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(base)
    (venv / "pyvenv.cfg").write_text(
        "home = /usr/bin\ninclude-system-site-packages = false\nversion = %d.%d.%d\n"
        % sys.version_info[:3]
    )
    library.write_bytes(b"")
    for path in sorted((HERE / flavour).iterdir()):
        if path.suffix == ".py":
            # trt_module asks for `tensorrt` first, then for the bindings alone; the module finds
            # what it shares beside its folder.
            name = path.name if flavour == "fake_8_6" else "tensorrt.py"
            text = path.read_text().replace(
                'os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")', repr(str(HERE))
            )
            target = site / name
            if name == "tensorrt_bindings.py":
                target = site / "tensorrt_bindings" / "__init__.py"
            target.write_text(text)
        elif path.is_dir() and path.suffix == ".dist-info":
            shutil.copytree(path, site / path.name)
    for name in ("libcuda.so.1", "libnvidia-ml.so.1"):
        subprocess.run(
            [os.environ.get("CC") or "cc", "-shared", "-fPIC", "-Wl,-soname," + name]
            + ["-o", str(fakes / name), str(HERE / "fake_cuda.c")],
            check=True,
        )
    (venv / ".complete").touch()
    return venv


def link_models(cache):
    used = os.environ.get("ASSAY_CACHE") or os.path.expanduser("~/.cache/assay")
    for name in ("conformance", "venvs/tools"):
        target = pathlib.Path(cache) / name
        if not target.exists() and os.path.exists(os.path.join(used, name)):
            target.symlink_to(os.path.realpath(os.path.join(used, name)))


if __name__ == "__main__":
    made = make(*sys.argv[1:])
    link_models(sys.argv[1])
    print(made)
