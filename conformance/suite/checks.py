# SPDX-License-Identifier: Apache-2.0
"""The checks that every compiler must pass.  README.md lists them."""

import json
import os
import re
import shutil
import struct
import tempfile

from suite import children
from suite.engine import check_engine, need, read_json
from suite.outcome import CheckFailed
from suite.rebuild import Rebuilds
from suite.values import compare, decode

SEED = 123456789
LAUNCH_TIMEOUT_S = 180
HELLO_TIMEOUT_S = 60
SAMPLE_HEADER_WORDS = 8
SAMPLE_MAGIC = 0x3153595341
SHARED_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")
BAD_PRECISION = "int3"


class Suite:
    """All checks of one compiler, in the folder `work`."""

    def __init__(self, compiler, recorder, worker, work, cpu):
        self.compiler = compiler
        self.recorder = recorder
        self.worker = str(worker)
        self.work = work
        self.cpu = cpu
        self.launch_timeout_s = LAUNCH_TIMEOUT_S
        self._python = compiler.python()
        self._runner = compiler.runner()
        self._library = compiler.library()

    # -- children
    def folder(self, prefix):
        return tempfile.mkdtemp(prefix=prefix + ".", dir=self.work)

    def request(self, case, **changes):
        request = {"protocol": 1, "action": "build", "compiler": self.compiler.name, "model": case.model,
                   "engine_dir": self.folder("engine"), "precision": case.precision, "threads": 1,
                   "device": self.compiler.device, "cpus": [self.cpu], "seed": SEED, "build_index": 0,
                   "shapes": case.shapes, "inputs": case.inputs, "outputs": case.outputs,
                   "options": self.compiler.options(case.options.get(self.compiler.name, {})),
                   "scratch": self.folder("scratch")}
        request.update(changes)
        return request

    def build(self, request, timeout_s, env=None):
        """Runs the builder; its HOME and temporary folders lie in the request's scratch."""
        return children.run(self.compiler.builder(), request, request["scratch"], {self.cpu}, timeout_s,
                            env=env)

    def launch(self, case, engine_dir, outputs_dir, samples=0, memfd=None, checks=()):
        latency = None
        if samples:
            latency = {"samples": samples, "warmup_runs": 5, "warmup_ms": 1, "slots": 4, "seed": SEED,
                       "max_seconds": 60}
        request = {"protocol": 1, "action": "launch", "runner": self._runner, "library": self._library,
                   "engine_dir": engine_dir, "device": self.compiler.device, "precision": case.precision, "threads": 1,
                   "cpu": self.cpu, "options": self._launch_options(engine_dir), "dataset": case.dataset,
                   "outputs": {"count": case.n, "dir": outputs_dir}, "checks": list(checks),
                   "latency": latency, "threads_all": False}
        return children.run([self.worker], request, self.folder("scratch"), {self.cpu},
                            self.launch_timeout_s, memfd)

    @staticmethod
    def _launch_options(engine_dir):
        try:
            with open(os.path.join(engine_dir, "manifest.json"), encoding="utf-8") as handle:
                return json.load(handle).get("options", {})
        except (OSError, ValueError):
            return {}

    # -- the checks, in the order in which they are made
    def run(self, cases):
        self.recorder.run("hello", self._hello)
        for case in cases:
            self.run_case(case)
        self._errors(cases[0])

    def _hello(self):
        request = {"protocol": 1, "action": "hello", "compiler": self.compiler.name}
        child = children.run(self.compiler.builder(), request, self.folder("scratch"), {self.cpu},
                             HELLO_TIMEOUT_S)
        self.well_formed(child)
        need(child.code == 0 and child.last() == "hello", child.tail())
        return self._check_hello(child.events[-1])

    def _check_hello(self, event):
        need(event.get("protocol") == 1, f"hello: protocol {event.get('protocol')!r}, expected 1")
        need(event.get("compiler") == self.compiler.name, f"hello: compiler {event.get('compiler')!r}")
        version, packages = event.get("version"), event.get("packages")
        need(isinstance(version, str) and version, "hello: the version is empty")
        need(isinstance(packages, dict) and packages and all(packages.values()),
             f"hello: packages are {packages!r}, expected names with versions")
        return version

    @staticmethod
    def well_formed(child):
        need(not child.bad_lines, f"not an event: {child.bad_lines[:1]}")
        need(child.code is not None, "timed out")
        need(child.code in (0, 1), f"crashed: {child.tail()}")

    def run_case(self, case):
        request = self.request(case)
        built = {}

        def build():
            child = built["child"] = self.build(request, case.build_timeout_s)
            self.well_formed(child)
            need(child.code == 0 and child.last() == "done", child.tail())
            self._check_hello((child.of("hello") or [{}])[0])
            need(not child.orphans, f"left processes behind: {', '.join(child.orphans)}")
            built["manifest"], built["kernels"] = check_engine(
                request["engine_dir"], request, self.compiler.description, case.inputs, case.outputs)
            return f"{len(built['kernels'])} kernels"

        made = self.recorder.run(f"build/{case.name}", build)
        names = [f"{n}/{case.name}" for n in ("kernels", "outputs", "checks", "samples")]
        if not made:
            names += [f"search/{case.name}"] if self.compiler.search else []
            names += [f"rebuild/{case.name}"] if self.compiler.recompiles else []
            for name in names:
                self.recorder.skip(name, f"no engine: build/{case.name} did not pass")
        else:
            if self.compiler.search:
                self.recorder.run(f"search/{case.name}", lambda: self._search(built["child"], built["manifest"]))
            outputs_dir = self._launch_checks(case, request["engine_dir"], built["kernels"], names)
            if self.compiler.recompiles and outputs_dir is None:
                self.recorder.skip(f"rebuild/{case.name}", "the engine cannot be launched, so outputs are absent")
            elif self.compiler.recompiles:
                engine = (request["engine_dir"], built["manifest"], built["kernels"])
                Rebuilds(self, case, *engine).run(outputs_dir)
        if case.clean:
            self.recorder.run(f"clean/{case.name}", lambda: self._clean(case))

    def _launch_checks(self, case, engine_dir, kernels, names):
        """The folder with the outputs of the launch; None when it failed."""
        outputs_dir = self.folder("outputs")
        with _Samples(case.samples) as samples:
            child = self.launch(case, engine_dir, outputs_dir, case.samples, samples.descriptor, case.checks)
            try:
                self.well_formed(child)
                need(child.code == 0 and child.last() == "done", child.tail())
            except CheckFailed as failure:
                for name in names:
                    self.recorder.skip(name, f"launch: {failure}")
                return None
            self.recorder.run(names[0], lambda: self._kernels(child, kernels))
            self.recorder.run(names[1], lambda: self._outputs(child, case, outputs_dir))
            self.recorder.run(names[2], lambda: self._self_checks(child, case))
            self.recorder.run(names[3], lambda: self._samples(child, case, samples))
        return outputs_dir

    @staticmethod
    def _kernels(child, kernels):
        seen = [(k.get("ordinal"), k.get("layer"), k.get("kernel")) for k in child.of("kernel")]
        need(seen, "the launch reports no kernel")
        built = [(k["ordinal"], k["layer"], k["kernel"]) for k in kernels]
        for a, b in zip(seen, built):
            need(a == b, f"kernel {b[0]}: the launch reports {a[1:]}, the manifest {b[1:]}")
        need(len(seen) == len(built), f"the launch reports {len(seen)} kernels, the manifest {len(built)}")
        return f"{len(seen)} equal"

    @staticmethod
    def _outputs(child, case, outputs_dir):
        files = {e.get("name"): e for e in child.of("output") if e.get("role") == "main"}
        need(set(files) == set(case.expected), f"outputs {sorted(map(str, files))}, expected {sorted(case.expected)}")
        worst = 0.0
        for tensor in case.outputs:
            event = files[tensor["name"]]
            need((event.get("dtype"), event.get("shape"), event.get("n")) ==
                 (tensor["dtype"], tensor["shape"], case.n), f"output event {event}")
            with open(os.path.join(outputs_dir, os.path.basename(event["file"])), "rb") as handle:
                seen = decode(tensor["dtype"], handle.read())
            worst = max(worst, compare(tensor["name"], seen,
                                       decode(tensor["dtype"], case.expected[tensor["name"]]),
                                       case.atol, case.rtol))
        return f"max difference {worst:.3g}"

    @staticmethod
    def _self_checks(child, case):
        results = {e.get("name"): e for e in child.of("check")}
        need(set(case.checks) <= set(results), f"checks {sorted(map(str, results))}, asked for {sorted(case.checks)}")
        for name in case.checks:
            event = results[name]
            need(event.get("result") == "pass", f"{name}: {event.get('result')}, {event.get('mismatches')} of "
                 f"{event.get('inputs')} inputs: {event.get('detail')}")
        return " ".join(case.checks)

    @staticmethod
    def _samples(child, case, samples):
        series = [e for e in child.of("series") if e.get("name") == "latency"]
        need(len(series) == 1, f"{len(series)} latency series")
        need(series[0].get("n") == case.samples, f"n is {series[0].get('n')}, expected {case.samples}")
        times = samples.read()
        need(len(times) == case.samples, f"{len(times)} samples stored, expected {case.samples}")
        need(min(times) > 0, f"a sample of {min(times)} ns")
        return f"{len(times)} samples, median {sorted(times)[len(times) // 2]} ns"

    @staticmethod
    def _search(child, manifest):
        totals = child.of("trials")
        need(len(totals) == 1, f"{len(totals)} trials events, a search must send one")
        measured, failed, tasks = (totals[0].get(k) for k in ("measured", "failed", "tasks"))
        need(all(isinstance(v, int) and v >= 0 for v in (measured, failed, tasks)), f"trials event {totals[0]}")
        candidates = child.of("candidate")
        need(len(candidates) == measured, f"{len(candidates)} candidate events, {measured} measured")
        good = [c for c in candidates if c.get("ok")]
        need(len(candidates) - len(good) == failed, f"{failed} failed, the events tell {len(candidates) - len(good)}")
        need(good or tasks == 0, f"all {measured} candidates failed: {candidates[0].get('error') if candidates else ''}")
        need(all(c.get("time_ns") and min(c["time_ns"]) > 0 for c in good), "a good candidate without a time")
        need(manifest.get("rebuild", {}).get("decisions") or tasks == 0, "no decisions kept for a rebuild")
        return f"{measured} measured, {failed} failed, {tasks} tasks"

    # -- nothing outside the engine folder and the scratch
    def _private_folders(self, case):
        return [str(case.folder), str(self.compiler.folder), str(self.compiler.folder.parent / "common")]

    def _clean(self, case):
        """Builds again twice.  In a folder that others use too only what appears both times is the builder's."""
        own_before = _listing(self._private_folders(case), deep=True)
        found = []
        for _ in range(2):
            before = _listing(_shared_folders(), deep=False)
            request = self.request(case)
            child = self.build(request, case.build_timeout_s)
            need(child.code == 0, child.tail())
            need(not child.orphans, f"left processes behind: {', '.join(child.orphans)}")
            new = _listing(_shared_folders(), deep=False) - before
            new = {path for path in new if not path.startswith(self.work)}
            found.append({re.sub(r"[^/]*\d[^/]*$|[A-Za-z0-9_]{8}$", "*", path): path for path in new})
        own = _listing(self._private_folders(case), deep=True) - own_before
        need(not own, f"left files beside the engine: {', '.join(sorted(own)[:3])}")
        # Others' temporary files come and go; what a builder left is still there.
        leaks = [found[1][key] for key in set(found[0]) & set(found[1])
                 if os.path.lexists(found[0][key]) and os.path.lexists(found[1][key])]
        need(not leaks, f"left in a shared folder: {', '.join(sorted(leaks)[:3])}")
        return "two builds"

    # -- errors
    def _errors(self, case):
        models = case.folder.parent
        kinds = ("invalid", "unsupported")
        bad = {
            "broken_model": ({"model": str(models / "broken.onnx")}, kinds),
            "unknown_operator": ({"model": str(models / "unknown_operator.onnx"), "shapes": {"x": [1, 4]},
                                  "inputs": [{"name": "x", "dtype": "float32", "shape": [1, 4]}],
                                  "outputs": [{"name": "y", "dtype": "float32", "shape": [1, 4]}]}, kinds),
            "missing_model": ({"model": str(models / "absent.onnx")}, ("missing", "invalid")),
            "unsupported_precision": ({"precision": BAD_PRECISION}, ("unsupported",)),
            "wrong_shape": ({"shapes": {name: shape + [7] for name, shape in case.shapes.items()},
                             "inputs": [dict(t, shape=t["shape"] + [7]) for t in case.inputs]}, kinds),
            "protocol": ({"protocol": 2}, ("invalid", "unsupported"))}
        for name, (changes, allowed) in bad.items():
            self.recorder.run(f"error/{name}", lambda c=changes, a=allowed: self._refused(case, c, a))
        self.recorder.run("error/absent_engine", lambda: self._launch_refused(case, self.folder("engine")))
        self.recorder.run("error/torn_engine", lambda: self._torn(case))

    def _refused(self, case, changes, allowed):
        request = self.request(case, **changes)
        child = self.build(request, case.build_timeout_s)
        self.well_formed(child)
        need(not child.of("done"), "done, expected an error")
        need(child.code == 1 and child.last() == "error", child.tail())
        need(not os.path.exists(os.path.join(request["engine_dir"], "manifest.json")), "an error, but a manifest")
        return self._one_error(child, allowed)

    @staticmethod
    def _one_error(child, allowed):
        error = child.of("error")[-1]
        kind, message = error.get("kind"), error.get("message")
        need(kind in allowed, f"error kind {kind!r}, expected {' or '.join(allowed)}: {message}")
        need(isinstance(message, str) and message.strip() and "\n" not in message, f"message {message!r}")
        return f"{kind}: {message[:100]}"

    def _launch_refused(self, case, engine_dir):
        child = self.launch(case, engine_dir, self.folder("outputs"))
        self.well_formed(child)
        need(not child.of("done"), "done, expected an error")
        need(child.code == 1 and child.last() == "error", child.tail())
        return self._one_error(child, ("invalid", "missing", "failed", "unsupported"))

    def _torn(self, case):
        request = self.request(case)
        child = self.build(request, case.build_timeout_s)
        need(child.code == 0, child.tail())
        manifest = read_json(os.path.join(request["engine_dir"], "manifest.json"))
        torn = self.folder("torn")
        shutil.copytree(request["engine_dir"], torn, dirs_exist_ok=True)
        for entry in manifest["files"]:
            if entry["role"] == "artifact":
                path = os.path.join(torn, entry["path"])
                os.truncate(path, os.path.getsize(path) // 2)
        return self._launch_refused(case, torn)


def _listing(folders, deep):
    """Paths in `folders`, with those of their sub-folders when `deep`."""
    found = set()
    for folder in folders:
        for base, below, names in os.walk(folder):
            found.update(os.path.join(base, name) for name in names + below)
            if not deep:
                break
    return found


def _shared_folders():
    home = os.path.expanduser("~")
    return [*SHARED_FOLDERS, home] + [os.path.join(home, n) for n in (".cache", ".config", ".local/share")]


class _Samples:
    """The memfd that the worker writes its samples to (docs/formats.md, worker protocol)."""

    def __init__(self, capacity):
        self.capacity = capacity
        self.descriptor = os.memfd_create("samples")
        header = [SAMPLE_MAGIC, 1, capacity] + [0] * (SAMPLE_HEADER_WORDS - 3)
        os.write(self.descriptor, struct.pack(f"<{SAMPLE_HEADER_WORDS}q", *header))
        os.truncate(self.descriptor, 8 * (SAMPLE_HEADER_WORDS + 2 * capacity))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.descriptor)

    def read(self):
        header = struct.unpack(f"<{SAMPLE_HEADER_WORDS}q", os.pread(self.descriptor, 8 * SAMPLE_HEADER_WORDS, 0))
        written = header[3]
        need(0 <= written <= self.capacity, f"the sample buffer says {written} of {self.capacity} samples")
        data = os.pread(self.descriptor, 8 * written, 8 * SAMPLE_HEADER_WORDS)
        return struct.unpack(f"<{written}q", data)
