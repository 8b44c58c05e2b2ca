# SPDX-License-Identifier: Apache-2.0
"""Checks of compilers whose engines can be locked and made again (compiler.toml [lock], `recompiled`).

A rebuild gets the decision files of a fresh build and another seed, so that what it does not take from
them shows.
"""

import json
import os
import shutil

from suite.engine import check_engine, need

OTHER_SEED = 987654321
OTHER_INDEX = 3
REFUSALS = ("miss", "invalid")


class Rebuilds:
    """The checks of one engine: `suite` is a checks.Suite, `manifest` and `kernels` its engine's."""

    def __init__(self, suite, case, engine_dir, manifest, kernels):
        self.suite = suite
        self.case = case
        self.engine_dir = engine_dir
        self.kernels = kernels
        rebuild = manifest.get("rebuild", {})
        self.decisions = list(rebuild.get("decisions", []))
        self.env = dict(rebuild.get("env", {}))

    def run(self, outputs_dir):
        """`outputs_dir`: what a launch of the engine wrote."""
        case, recorder = self.case, self.suite.recorder
        recorder.run(f"rebuild/{case.name}", lambda: self._equal(outputs_dir))
        kept = [name for name in self.decisions if os.path.getsize(os.path.join(self.engine_dir, name))]
        if kept:
            recorder.run(f"lost/{case.name}", lambda: self._lost(kept))

    def _rebuild(self, folder):
        """(request, child) of a rebuild from the decision files in `folder`."""
        request = self.suite.request(
            self.case, action="rebuild", seed=OTHER_SEED, build_index=OTHER_INDEX,
            decisions={"dir": folder, "files": self.decisions})
        # As assay does it: what lies compiled beside a source is not used.
        env = dict(self.env, PYTHONPYCACHEPREFIX=os.path.join(request["scratch"], "compiled"))
        child = self.suite.build(request, self.case.build_timeout_s, env)
        self.suite.well_formed(child)
        return request, child

    def _equal(self, outputs_dir):
        request, child = self._rebuild(self._copy())
        need(child.code == 0 and child.last() == "done", child.tail())
        need(not child.orphans, f"left processes behind: {', '.join(child.orphans)}")
        _, kernels = check_engine(request["engine_dir"], request, self.suite.compiler.description,
                                  self.case.inputs, self.case.outputs)
        same_kernels(self.kernels, kernels)
        seen = self.suite.folder("outputs")
        launch = self.suite.launch(self.case, request["engine_dir"], seen)
        need(launch.code == 0 and launch.last() == "done", f"launch of the rebuild: {launch.tail()}")
        same_bytes(self.case.outputs, outputs_of(child=launch, folder=seen), outputs_dir)
        return f"{len(kernels)} kernels and all outputs equal; {check_loaded(child)}"

    def _copy(self):
        """The decision files alone, in a folder of their own."""
        folder = self.suite.folder("decisions")
        for name in self.decisions:
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            shutil.copyfile(os.path.join(self.engine_dir, name), os.path.join(folder, name))
        return folder

    def _lost(self, kept):
        """Each decision file emptied in turn: a rebuild must not make up what it said."""
        for name in kept:
            folder = self._copy()
            os.truncate(os.path.join(folder, name), 0)
            request, child = self._rebuild(folder)
            need(not child.of("done"), f"{name} is empty, but the rebuild is done")
            need(child.code == 1 and child.last() == "error", child.tail())
            kind = child.of("error")[-1].get("kind")
            need(kind in REFUSALS, f"{name} is empty: error kind {kind!r}, expected {' or '.join(REFUSALS)}")
            made = os.path.join(request["engine_dir"], "manifest.json")
            need(not os.path.exists(made), f"{name} is empty: an error, but a manifest")
        return f"refused without {' or '.join(kept)}"


def same_kernels(built, rebuilt):
    """CheckFailed unless layer, kernel and source of every kernel are the same."""
    need(len(built) == len(rebuilt), f"the rebuild has {len(rebuilt)} kernels, the build {len(built)}")
    for a, b in zip(built, rebuilt):
        for key in ("layer", "kernel", "source_sha256"):
            need(a.get(key) == b.get(key), f"kernel {a['ordinal']}: {key} is {b.get(key)!r} in the rebuild, "
                 f"{a.get(key)!r} in the build")


def outputs_of(child, folder):
    """{output: bytes} that a launch wrote to `folder`."""
    found = {}
    for event in child.of("output"):
        if event.get("role") == "main":
            with open(os.path.join(folder, os.path.basename(event["file"])), "rb") as handle:
                found[event.get("name")] = (os.path.basename(event["file"]), handle.read())
    return found


def same_bytes(tensors, rebuilt, outputs_dir):
    """CheckFailed unless every output of `rebuilt` has the bytes that lie in `outputs_dir`."""
    need(set(rebuilt) == {t["name"] for t in tensors}, f"the rebuild gives outputs {sorted(rebuilt)}")
    for name, (file, data) in rebuilt.items():
        with open(os.path.join(outputs_dir, file), "rb") as handle:
            need(data == handle.read(), f"output {name} of the rebuild has other bits than that of the build")


def check_loaded(child):
    """The `loaded` events name whole paths of files that exist, mapped ones and imported ones."""
    files = [entry for event in child.of("loaded") for entry in event.get("files", [])]
    counts = {"mapped": 0, "imported": 0, "program": 0}
    for entry in files:
        path, how = entry.get("path"), entry.get("how")
        need(how in counts, f"loaded: {json.dumps(entry)[:200]}: how must be one of {', '.join(counts)}")
        need(isinstance(path, str) and os.path.isabs(path) and os.path.isfile(path),
             f"loaded: {path!r} is no file with a whole path")
        counts[how] += 1
    need(len({entry["path"] for entry in files}) == len(files), "loaded: a file is named twice")
    for how in ("mapped", "imported"):
        need(counts[how], f"loaded: no file is {how}")
    return f"{counts['mapped']} files mapped, {counts['imported']} imported"
