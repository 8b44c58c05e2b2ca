# SPDX-License-Identifier: Apache-2.0
"""Makes the models of tools/models/catalog.toml in the cache, each once for each set of sources.

`$ASSAY_CACHE/models/<name>` is a link to `<name>-<key>`; the key covers the sources that the
catalog lists, the pins of the `tools` environment and the Python version.
"""

import argparse
import os
import tomllib

from common import (ROOT, SetupError, cache_dir, is_complete, key_of, locked, main_guard,
                    mark_complete, point_link, run, say, start_afresh, step)
from venvs import TOOLS, compiler_table, make, python_version


def read_catalog():
    """{name: entry} of the catalog."""
    path = ROOT / "tools/models/catalog.toml"
    return {entry["name"]: entry for entry in tomllib.loads(path.read_text())["model"]}


def make_model(entry, python):
    """Makes one model unless it is there; returns its folder (the link)."""
    tools, base, name = ROOT / "tools", cache_dir() / "models", entry["name"]
    parts = [python_version(), (tools / "requirements.txt").read_bytes(),
             " ".join(entry["made_by"]).encode()]
    parts += [(tools / source).read_bytes() for source in entry["sources"]]
    keyed = f"{name}-{key_of(parts)}"
    folder, link = base / keyed, base / name
    with locked(f"model-{name}"):
        if is_complete(folder):
            say(f"model {name}: is there ({keyed})")
        else:
            with step(f"model {name} ({keyed})"):
                start_afresh(folder)
                words = {"python": python, "tools": tools, "out": folder}
                # ONNX Runtime's Linux wheel reports its use over the network unless told not to.
                quiet = dict(os.environ, ORT_DISABLE_TELEMETRY="1", PYTHONNOUSERSITE="1")
                quiet.pop("PYTHONPATH", None)
                text = run([word.format(**words) for word in entry["made_by"]],
                           f"making model {name}", quiet)
                for line in text.strip().splitlines():
                    say(f"  {line}")
                for path in (entry["model"], entry["data"] + "/dataset.json"):
                    made = folder / path.removeprefix(f"{name}/")
                    if not made.is_file():
                        raise SetupError(f"model {name}: its tool ended well but left no {made}")
                mark_complete(folder, keyed)
        point_link(link, keyed)
    return link


def main():
    parser = argparse.ArgumentParser(description="Makes models by name, or all of them.")
    parser.add_argument("names", nargs="*", help="names in tools/models/catalog.toml")
    parser.add_argument("--all", action="store_true", help="every model of the catalog")
    arguments = parser.parse_args()
    catalog = read_catalog()
    names = list(catalog) if arguments.all else arguments.names
    for name in names:
        if name not in catalog:
            raise SetupError(f"{name}: no such model; known: {', '.join(catalog)}", 2)
    if names:
        python = make(TOOLS, compiler_table()) / "bin/python"
        for name in names:
            make_model(catalog[name], python)
    return 0


if __name__ == "__main__":
    main_guard(main)
