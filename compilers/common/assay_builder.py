# SPDX-License-Identifier: Apache-2.0
"""What every Python builder shares: the builder protocol, the manifest and the kernel map.

Python 3.8+, standard library only.  A builder imports it by path and calls `main`:

    import os, sys
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))
    import assay_builder as ab

    def versions():
        return ab.package_versions(["onnxruntime", "numpy"])   # first one is "the version"

    def build(b):                       # b is a `Build`
        if b.request.precision != "fp32":
            raise ab.BuildError("unsupported", "precision fp16: only fp32 can be built")
        b.progress(0, 1, "steps", "optimise")
        ...                             # write the artifact below b.request.engine_dir
        b.kernel(layer="conv1", kernel="Conv", precision="fp32", origin="Conv_0,Relu_1")
        b.file("model.onnx", "artifact")
        b.inputs = [ab.tensor("input", "float32", [1, 3, 8, 8])]
        b.outputs = [ab.tensor("output", "float32", [1, 10])]

    if __name__ == "__main__":
        ab.main("onnxruntime", versions, build, decides_at="build")

`main` reads the request from stdin, answers `hello`, runs `build` (or `rebuild`, `measure`), writes
`kernels.json` and `manifest.json`, emits `done` and exits 0.  A `BuildError` becomes an `error`
event of its kind and exit code 1; so does any other exception (`failed`, an ImportError `missing`),
with the traceback on stderr.

The request is untrusted: every member is checked here, so a builder may use it as it is.
"""

import json
import os
import shutil
import stat
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from assay_loaded import loaded_files  # noqa: E402
from assay_protocol import (  # noqa: E402,F401  (what builders use of it is part of this module)
    DTYPES,
    ERROR_KINDS,
    MAX_RANK,
    MAX_REQUEST_BYTES,
    ONNX_DTYPES,
    PROTOCOL,
    BuildError,
    Decisions,
    Events,
    Request,
    one_line,
    package_versions,
    parse_request,
    sha256_file,
    sha256_text,
    tensor,
)

FORMAT = 1
MAX_DEPTH = 4  # folders below the engine folder
LOADED_PER_EVENT = 200  # files: with the longest paths a line stays below its limit of 1 MiB


# ---------------------------------------------------------------- one build
class Build:
    """One build: what a builder's `build` function is given.

    Set before returning: `inputs`, `outputs` (lists made with `tensor`), at least one `file` with
    the role "artifact".  Optional: `target` (text of the code generation target), `device` (the request's),
    `rebuild_env` {name: value} and `rebuild_decisions` [path of a registered file].

    A lock keeps the files of `rebuild_decisions`; `rebuild` gets them back in
    `request.decisions.files`, makes the engine from them without searching, and registers them
    again (pruned where it can), so that a rebuilt engine can be locked too.  What they do not
    decide is a BuildError `miss`.  Role of a decision file: "tuning_log" for a log of candidates,
    else "decisions".
    """

    def __init__(self, request, events):
        self.request = request
        self.events = events
        self.inputs = []
        self.outputs = []
        self.device = request.device
        self.target = ""
        self.rebuild_env = {}
        self.rebuild_decisions = []
        self._roles = {}
        self._kernels = []
        self._choices = []
        self._programs = []

    # -- events
    def progress(self, done, total, unit, text="", best_ns=None):
        """`done` of `total` `unit`s ("trials"); `best_ns`: the best time so far, or None."""
        members = {
            "done": int(done),
            "total": int(total),
            "unit": unit,
            "text": one_line(text, 400),
        }
        if best_ns is not None:
            members["best_ns"] = int(best_ns)
        self.events.emit("progress", **members)

    def candidate(
        self, layer, candidate, time_ns, ok=True, error="", number=None, source_sha256=""
    ):
        """One measured candidate of a search: `time_ns` lists nanoseconds, none if not ok.

        `number`: what `request.candidates` and `request.decisions.choices` call it, a whole number
        that finds it again in the decision files (the line of a log); None where there is none.
        `source_sha256`: hash of its normalised source, where it is known.
        """
        members = {
            "layer": str(layer),
            "candidate": str(candidate),
            "time_ns": [t if isinstance(t, float) else int(t) for t in time_ns],
            "ok": bool(ok),
            "error": one_line(error, 400),
        }
        if number is not None:
            members["number"] = int(number)
        if source_sha256:
            members["source_sha256"] = source_sha256
        self.events.emit("candidate", **members)

    def choice(self, layer, choice):
        """What was decided for one searched layer (named as in `candidate`): one line of text."""
        self._choices.append({"layer": str(layer), "choice": " ".join(str(choice).split())})

    def program(self, name):
        """Says that the program `name` on PATH had a part in the build (a linker, say)."""
        full = shutil.which(name)
        if full:
            self._programs.append(os.path.realpath(full))

    def trials(self, per_task, requested_total, measured, failed, tasks):
        """What a search really did: trials per task, in total, measured, failed; tasks."""
        self.events.emit(
            "trials",
            per_task=int(per_task),
            requested_total=int(requested_total),
            measured=int(measured),
            failed=int(failed),
            tasks=int(tasks),
        )

    def kernel(
        self,
        layer,
        kernel,
        precision="",
        origin="",
        source_text="",
        source_ext="txt",
        source_sha256="",
    ):
        """One line of the kernel map, in execution order; the ordinal is counted here.

        `origin`: ONNX node names, comma separated.  `source_text`: the normalised source of the
        kernel; it is stored once below sources/ and hashed.  Where a runner reports hashes too
        (ASSAY_CAP_KERNEL_SOURCES) it must hash the same normalised text.  `source_sha256` alone: a
        hash without the text.
        """
        ordinal = len(self._kernels)
        source = ""
        if source_text:
            source_sha256 = sha256_text(source_text)
            source = "sources/%s.%s" % (source_sha256[:32], source_ext)
            if source not in self._roles:
                self.write_text(source, source_text, "source")
        line = {
            "ordinal": ordinal,
            "layer": str(layer),
            "kernel": str(kernel),
            "source_sha256": source_sha256,
            "precision": precision,
            "origin": str(origin),
        }
        self.events.emit("kernel", **line)
        self._kernels.append(dict(line, source=source))

    # -- files
    def path(self, relative):
        """Absolute path of `relative` in the engine folder; its parent folders are made."""
        parts = relative.split("/")
        if os.path.isabs(relative) or any(p in ("", ".", "..") for p in parts):
            raise ValueError("engine file %r is not a plain relative path" % relative)
        if len(parts) - 1 > MAX_DEPTH:
            raise ValueError("engine file %r lies deeper than %d folders" % (relative, MAX_DEPTH))
        full = os.path.join(self.request.engine_dir, *parts)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        return full

    def file(self, relative, role):
        """Registers an existing file of the engine.  Roles: artifact, tuning_log, source, log..."""
        full = self.path(relative)
        if not stat.S_ISREG(os.lstat(full).st_mode):
            raise ValueError("engine file %r is not a regular file" % relative)
        self._roles[relative] = role

    def write_text(self, relative, text, role):
        """Writes `text` (UTF-8) as a file of the engine and registers it."""
        with open(self.path(relative), "w", encoding="utf-8", newline="") as handle:
            handle.write(text)
        self.file(relative, role)

    # -- end
    def finish(self, packages, decides_at):
        """Writes kernels.json and manifest.json.  BuildError `failed` if the engine is torn."""
        kernels = {"format": FORMAT, "kernels": self._kernels}
        self.write_text("kernels.json", _pretty(kernels), "kernel_map")
        self._check_complete()
        request = self.request
        files = []
        for relative in sorted(self._roles):
            full = self.path(relative)
            files.append(
                {
                    "path": relative,
                    "role": self._roles[relative],
                    "bytes": os.stat(full).st_size,
                    "sha256": sha256_file(full),
                }
            )
        version = next(iter(packages.values()), "")
        manifest = {
            "format": FORMAT,
            "compiler": request.compiler,
            "version": version,
            "packages": dict(packages),
            "precision": request.precision,
            "threads": request.threads,
            "device": self.device,
            "target": self.target,
            "options": request.options,
            "seed": request.seed,
            "model_sha256": sha256_file(request.model),
            "decides_at": decides_at,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "files": files,
            "rebuild": {
                "env": self.rebuild_env,
                "decisions": self.rebuild_decisions,
                "choices": self._choices,
            },
        }
        # Last and by rename: a folder with a manifest is a whole engine.
        temporary = self.path("manifest.json.tmp")
        with open(temporary, "w", encoding="utf-8", newline="") as handle:
            handle.write(_pretty(manifest))
        os.replace(temporary, self.path("manifest.json"))

    def refuse_layers(self):
        """For a compiler without a search: BuildError `invalid` when layers are to be chosen."""
        decisions = self.request.decisions
        for layer in list(decisions.choices) + list(decisions.override):
            raise BuildError(
                "invalid",
                "layer %s: %s searches nothing, so no layer can be chosen"
                % (one_line(layer, 80), self.request.compiler),
            )

    def report_loaded(self):
        """Sends the files that this process really mapped, imported or started (`loaded`)."""
        request = self.request
        private = [request.model, request.scratch, request.engine_dir]
        if request.decisions is not None:
            private += request.decisions.files.values()
            for files in request.decisions.override.values():
                private += files.values()
        files = [
            {"path": path, "how": how} for path, how in loaded_files(self._programs, private)
        ]
        for begin in range(0, len(files), LOADED_PER_EVENT):
            self.events.emit("loaded", files=files[begin : begin + LOADED_PER_EVENT])

    def _check_complete(self):
        if not self.inputs and not self.outputs:
            raise BuildError("failed", "builder: no inputs and outputs were declared")
        if "artifact" not in self._roles.values():
            raise BuildError("failed", "builder: no file of role artifact was registered")
        for decision in self.rebuild_decisions:
            if decision not in self._roles:
                raise BuildError("failed", "builder: decision %s is no registered file" % decision)
        root = self.request.engine_dir
        for folder, folders, names in os.walk(root):
            for name in folders + names:
                full = os.path.join(folder, name)
                relative = os.path.relpath(full, root).replace(os.sep, "/")
                mode = os.lstat(full).st_mode
                if not (stat.S_ISDIR(mode) or (stat.S_ISREG(mode) and relative in self._roles)):
                    raise BuildError(
                        "failed",
                        "builder: %s is a link, a special file or not registered" % relative,
                    )


def _pretty(value):
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n"


# ---------------------------------------------------------------- entry point
def _perform(compiler, versions, actions, decides_at, devices, events):
    text = sys.stdin.buffer.read(MAX_REQUEST_BYTES + 1)
    if len(text) > MAX_REQUEST_BYTES:
        raise BuildError("invalid", "request: longer than %d bytes" % MAX_REQUEST_BYTES)
    request = parse_request(text.decode("utf-8", "replace"), compiler)
    packages = versions()
    events.emit(
        "hello",
        protocol=PROTOCOL,
        compiler=compiler,
        version=next(iter(packages.values()), ""),
        packages=dict(packages),
    )
    if request.action == "hello":
        return
    if request.device.split(":")[0] not in devices:
        raise BuildError(
            "unsupported",
            "device %s: %s builds for %s" % (request.device, compiler, ", ".join(devices)),
        )
    perform = actions.get(request.action)
    if perform is None:
        raise BuildError("unsupported", "%s cannot %s an engine" % (compiler, request.action))
    job = Build(request, events)
    perform(job)
    if request.action == "rebuild":
        job.report_loaded()
    if request.action != "measure":
        job.finish(packages, decides_at)
    events.emit("done")


def main(
    compiler, versions, build, decides_at="build", rebuild=None, measure=None, devices=("cpu",)
):
    """Runs one builder process and exits: 0 after `done` (or `hello`), 1 after an `error` event.

    compiler   name of the compiler folder.
    versions   function without arguments: {package: version}, the compiler's own package first.
    build      function of one `Build`; imports the compiler itself, so that `hello` stays quick.
    rebuild    the same for a lock's `request.decisions`; None: `unsupported`.
    measure    emits a `candidate` with `request.rounds` times for each of `request.candidates`,
               the order of each round drawn anew from the seed; writes no engine.
    decides_at "build", "load" or "first_run", as in compiler.toml.
    devices    kinds of device, as in compiler.toml; a request for another one is `unsupported`.
    """
    try:
        events = Events.from_environment()
    except OSError as error:
        sys.stderr.write(
            "%s builder: no event descriptor (ASSAY_EVENT_FD): %s\n" % (compiler, error)
        )
        sys.exit(1)
    try:
        actions = {"build": build, "rebuild": rebuild, "measure": measure}
        _perform(compiler, versions, actions, decides_at, devices, events)
    except BuildError as error:
        events.emit("error", kind=error.kind, message=one_line(error.message))
        sys.exit(1)
    except ImportError as error:
        traceback.print_exc()
        events.emit(
            "error",
            kind="missing",
            message=one_line(
                "%s: %s: install it with `./assay-up compilers %s`" % (compiler, error, compiler)
            ),
        )
        sys.exit(1)
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc()
        events.emit(
            "error",
            kind="failed",
            message=one_line("%s: %s: %s" % (compiler, type(error).__name__, error)),
        )
        sys.exit(1)
    sys.stdout.flush()
    sys.exit(0)
