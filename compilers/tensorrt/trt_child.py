# SPDX-License-Identifier: Apache-2.0
"""The process that loads TensorRT: one build, told by a JSON file.

    trt_child.py JOB.json

It is a process of its own because the verbose log comes from C++, on stdout and stderr: a Python
subclass of ILogger, or redirecting descriptors inside the process, has crashed TensorRT. The parent
(`build`) reads both. What was found goes to JOB's `result` file, as {"error": {kind, message}}
where it failed.
"""

import json
import os
import sys
import traceback

sys.dont_write_bytecode = True
_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_HERE, os.path.join(_HERE, "..", "common")]

import assay_builder as ab  # noqa: E402
import trt_cache  # noqa: E402
import trt_module  # noqa: E402
import trt_network  # noqa: E402
import trt_selector  # noqa: E402

PLAN = "engine.plan"
INSPECTOR = "inspector.json"
WEAK = (
    "weakly typed network: the types of its layers may vary although every recorded tactic is used"
)


def read_file(path):
    with open(path, "rb") as handle:
        return handle.read()


def write_file(path, data):
    with open(path, "wb") as handle:
        handle.write(data)


def make_builder(trt, log):
    try:
        builder = trt.Builder(log)
    except Exception as error:  # the binding raises several unrelated types
        raise ab.BuildError(
            "missing",
            "TensorRT %s cannot make a builder: %s. %s"
            % (trt.__version__, error, trt_module.NEEDS),
        )
    if builder is None:
        raise ab.BuildError(
            "missing", "TensorRT %s makes no builder. %s" % (trt.__version__, trt_module.NEEDS)
        )
    return builder


def make_lock(trt, job):
    """(name of the strategy, its lock or None)."""
    locked = job["locked"]
    name = trt_module.strategy(trt, locked["strategy"] if locked else job["options"]["lock"])
    if name != "off" and job["options"]["optimization_level"] == 0:
        raise ab.BuildError(
            "invalid",
            "option optimization_level=0 takes the first tactic that works and respects no "
            "timing cache, so it cannot be locked: choose 1 to 5, or lock=off",
        )
    data = read_file(locked["data"]) if locked else b""
    if name == "timing_cache":
        return name, trt_cache.TimingCacheLock(locked["entries"] if locked else None, data)
    if name == "selector":
        return name, trt_selector.SelectorLock(
            trt, trt_selector.read(data) if locked else None, data
        )
    return name, None


def inspect(trt, engine, context, dynamic):
    inspector = engine.create_engine_inspector()
    if dynamic:
        inspector.execution_context = context
    return inspector.get_engine_information(trt.LayerInformationFormat.JSON)


def perform(job):
    """Builds the engine of `job`; returns the result for the parent."""
    trt = trt_module.load()
    log = trt.Logger(trt.Logger.VERBOSE)
    trt_module.contract(trt)  # a missing GPU is told by us, before TensorRT is asked
    builder = make_builder(trt, log)
    device = trt_module.contract(trt)
    if job["locked"]:
        trt_module.check_contract(job["locked"]["device"], device)
    name, lock = make_lock(trt, job)
    kind = trt_network.typing(trt, job["options"]["typing"], job["precision"])
    network, parser = trt_network.parse(trt, builder, log, job["model"], kind)
    config = trt_network.configure(trt, builder, job, kind)
    dynamic = trt_network.add_shapes(builder, network, config.raw, job["shapes"])
    if lock:
        lock.attach(config)

    plan = builder.build_serialized_network(network, config.raw)
    del parser  # until here: it owns the weights
    if plan is None:
        why = lock.failed() if lock else ""
        # Without `why` the parent looks into the log for the reason.
        raise ab.BuildError("miss" if why else "failed", why or "TensorRT built no engine")
    recorded = lock.finish(config) if lock else None
    plan = bytes(plan)
    engine = trt.Runtime(log).deserialize_cuda_engine(plan)
    context = engine.create_execution_context() if engine is not None else None
    if context is None:
        raise ab.BuildError("failed", "TensorRT cannot load the engine that it just built")
    inputs = [network.get_input(i).name for i in range(network.num_inputs)]
    outputs = [network.get_output(i).name for i in range(network.num_outputs)]
    if dynamic:
        for tensor in inputs:
            context.set_input_shape(tensor, job["shapes"][tensor])
    write_file(os.path.join(job["engine_dir"], PLAN), plan)
    write_file(
        os.path.join(job["engine_dir"], INSPECTOR),
        inspect(trt, engine, context, dynamic).encode("utf-8"),
    )
    result = {
        "inputs": trt_network.tensors(trt, engine, context, inputs, trt.TensorIOMode.INPUT),
        "outputs": trt_network.tensors(trt, engine, context, outputs, trt.TensorIOMode.OUTPUT),
        "device": device,
        "applied": ["typing=" + kind] + config.applied,
        "strategy": name,
        "warnings": [WEAK] if name == "timing_cache" and kind == "weak" else [],
        "loaded": ab.loaded_files(),
    }
    if recorded:
        write_file(os.path.join(job["engine_dir"], lock.file), recorded.data)
        result.update(
            entries=recorded.entries, problem=recorded.problem, not_covered=recorded.not_covered
        )
    return result


def main():
    with open(sys.argv[1], encoding="utf-8") as handle:
        job = json.load(handle)
    try:
        result = perform(job)
    except ab.BuildError as error:
        result = {"error": {"kind": error.kind, "message": error.message}}
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc()
        result = {"error": {"kind": "failed", "message": "%s: %s" % (type(error).__name__, error)}}
    with open(job["result"], "w", encoding="utf-8") as handle:
        json.dump(result, handle)


if __name__ == "__main__":
    main()
