# SPDX-License-Identifier: Apache-2.0
"""What the builders `reference` and `onnxruntime` share: model in, engine folder out.

Steps: read the ONNX file (external data merged in, and only from the model's own folder), make
every shape static as the request says, optimise or not, then load the engine as the runner will,
run it once under ONNX Runtime's profiler and write down which kernels ran.
"""

import os
import platform

import assay_builder as ab
import ort_kernels
import ort_model
import ort_order

LEVELS = {"basic": "ORT_ENABLE_BASIC", "extended": "ORT_ENABLE_EXTENDED", "all": "ORT_ENABLE_ALL"}
ARTIFACT = "model.onnx"


def versions():
    """Packages of the family; ONNX Runtime first: its version is the compiler's."""
    return ab.package_versions(["onnxruntime", "onnx", "numpy"])


def build(job, level):
    """Builds one engine.  `level`: "off" (reference) or a key of LEVELS, checked by the caller.

    A rebuild is the same, with the order and names of the nodes that were decided (ort_order.py).
    """
    request = job.request
    decided = None
    if request.action == "rebuild":
        job.refuse_layers()
        decided = ort_order.read(request.decisions.files) if level != "off" else None
    if request.precision != "fp32":
        raise ab.BuildError(
            "unsupported",
            "precision %s: %s builds fp32 only" % (request.precision, request.compiler),
        )
    job.progress(0, 3, "steps", "read the model and fix its shapes")
    model = ort_model.load(request.model)
    ort_model.fix_shapes(model, request.shapes)
    os.makedirs(request.scratch, exist_ok=True)
    prepared = os.path.join(request.scratch, "prepared.onnx")
    ort_model.save(model, prepared)
    session = open_session(prepared, request.threads)
    ort_model.fix_outputs(model, session)
    del session

    job.progress(1, 3, "steps", "optimise: %s" % level)
    artifact = job.path(ARTIFACT)
    ort_model.save(model, prepared if level != "off" else artifact)
    if level != "off":
        open_session(prepared, request.threads, LEVELS[level], artifact)
        job.target = cpu_target() if level == "all" else ""
        keep_order(job, artifact, decided)
    job.file(ARTIFACT, "artifact")

    job.progress(2, 3, "steps", "list the kernels")
    session = open_session(
        artifact, request.threads, profile=os.path.join(request.scratch, "kernels")
    )
    job.inputs = [describe(node) for node in session.get_inputs()]
    job.outputs = [describe(node) for node in session.get_outputs()]
    ort_model.run_once(session)
    for line in ort_kernels.kernel_map(session.end_profiling(), artifact, model):
        job.kernel(**line)
    job.progress(3, 3, "steps", "done")


def keep_order(job, artifact, decided):
    """Gives the saved graph the order that was decided, if any, and registers the order it has."""
    import onnx

    optimised = onnx.load(artifact, load_external_data=False)
    if decided is not None:
        ort_order.restore(optimised, decided)
        ort_model.save(optimised, artifact)
    job.write_text(ort_order.NODES, ort_order.record(optimised), "decisions")
    job.rebuild_decisions = [ort_order.NODES]


def describe(node):
    """Manifest entry of a session's input or output (`node`: onnxruntime NodeArg)."""
    return ab.tensor(node.name, ort_model.dtype_of(node), list(node.shape))


def open_session(path, threads, level="ORT_DISABLE_ALL", save_to=None, profile=None):
    """A CPU session with the runner's settings (runner.cc, `session_options`): keep both alike.

    Raises BuildError: `unsupported` for operators or versions ONNX Runtime does not have, `invalid`
    for a broken graph.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if save_to:
        options.optimized_model_filepath = save_to
    if profile:
        options.enable_profiling = True
        options.profile_file_prefix = profile
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the binding's exception classes are not public
        raise ab.BuildError(
            error_kind(error),
            "ONNX Runtime cannot load the model: %s"
            % ab.one_line(str(error).replace(path, "model"), 600),
        )


def error_kind(error):
    """Event kind of an exception thrown by ONNX Runtime while it loads a model."""
    text = str(error)
    unsupported = (
        "not a registered function/op",
        "No Op registered for",
        "Could not find an implementation",
        "Unsupported model IR version",
        "is under development and support for this is limited",
        "NOT_IMPLEMENTED",
    )
    if type(error).__name__ == "NotImplemented" or any(part in text for part in unsupported):
        return "unsupported"
    # ORT reports most malformed graphs as Fail: what a model file alone makes it say is the model's
    # fault.
    invalid = ("InvalidGraph", "InvalidProtobuf", "InvalidArgument", "Fail", "RuntimeException")
    return "invalid" if type(error).__name__ in invalid else "failed"


def cpu_target():
    """The CPU features that choose blocked layouts: a saved graph of level `all` fits these."""
    wanted = (
        "avx",
        "avx2",
        "fma",
        "avx512f",
        "avx512bw",
        "avx512dq",
        "avx512vl",
        "avx512_vnni",
        "amx_tile",
        "asimd",
        "sve",
    )
    found = set()
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as handle:
            for line in handle:
                if line.lower().startswith(("flags", "features")):
                    found.update(line.split(":", 1)[1].split())
                    break
    except OSError:
        pass
    return " ".join([platform.machine()] + [flag for flag in wanted if flag in found])
