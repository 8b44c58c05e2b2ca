# SPDX-License-Identifier: Apache-2.0
"""ONNX file -> network, and the builder's configuration.

What a module does not offer is left alone, or refused where an option asked for it.
"""

import assay_builder as ab

DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "BF16": "bfloat16",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
}


def typing(trt, wanted, precision):
    """ "strong" or "weak" for the option `typing` and a precision.  BuildError `unsupported`."""
    strong = hasattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED")
    weak = hasattr(trt.BuilderFlag, "FP16")
    if wanted == "auto":
        wanted = "strong" if strong and precision == "fp32" else "weak"
    if wanted == "strong" and not strong:
        raise ab.BuildError(
            "unsupported",
            "option typing=strong: TensorRT %s has no strongly typed networks" % trt.__version__,
        )
    if wanted == "strong" and precision != "fp32":
        raise ab.BuildError(
            "unsupported",
            "precision %s with typing=strong: the types are those of the ONNX file: "
            "convert the model and ask for fp32" % precision,
        )
    if wanted == "weak" and not weak:
        raise ab.BuildError(
            "unsupported",
            "precision %s: TensorRT %s has strongly typed networks only: convert the "
            "model and ask for fp32" % (precision, trt.__version__),
        )
    return wanted


def parse(trt, builder, log, path, kind):
    """(network, parser) of the ONNX file at `path`, typed as `kind` says.  BuildError `invalid`,
    `unsupported`.
    """
    flags = trt.NetworkDefinitionCreationFlag
    bits = 1 << int(flags.EXPLICIT_BATCH) if hasattr(flags, "EXPLICIT_BATCH") else 0
    if kind == "strong":
        bits |= 1 << int(flags.STRONGLY_TYPED)
    network = builder.create_network(bits)
    parser = trt.OnnxParser(network, log)
    if not parser.parse_from_file(path):
        errors = [parser.get_error(i) for i in range(min(parser.num_errors, 3))]
        text = "; ".join("%s: %s" % (e.code(), e.desc()) for e in errors) or "no reason given"
        known = any(
            w in text.upper()
            for w in ("UNSUPPORTED", "NO IMPORTER", "NOT SUPPORTED", "PLUGIN NOT FOUND")
        )
        raise ab.BuildError(
            "unsupported" if known else "invalid",
            "model %s: TensorRT cannot read it: %s" % (path, text),
        )
    return network, parser


def add_shapes(builder, network, config, shapes):
    """Fixes the extents of every input.  True when one was dynamic.  BuildError `invalid`,
    `unsupported`.
    """
    inputs = [network.get_input(i) for i in range(network.num_inputs)]
    unknown = sorted(set(shapes) - {t.name for t in inputs})
    if unknown:
        raise ab.BuildError(
            "invalid",
            "shapes: the model has no input %s, only %s"
            % (unknown[0], ", ".join(t.name for t in inputs)),
        )
    profile = None
    for tensor in inputs:
        declared = list(tensor.shape)
        wanted = shapes.get(tensor.name, declared)
        fits = len(wanted) == len(declared) and all(d in (-1, w) for d, w in zip(declared, wanted))
        if not fits or any(e < 0 for e in wanted):
            raise ab.BuildError(
                "invalid",
                "input %s of shape %s: %s does not fit: give static extents with --shapes"
                % (tensor.name, declared, wanted),
            )
        if -1 not in declared:
            continue
        if tensor.is_shape_tensor:
            raise ab.BuildError(
                "unsupported", "input %s is a shape: only data is measured" % tensor.name
            )
        profile = profile or builder.create_optimization_profile()
        profile.set_shape(tensor.name, wanted, wanted, wanted)
    if profile is not None and config.add_optimization_profile(profile) < 0:
        raise ab.BuildError("invalid", "shapes: TensorRT does not take %s" % shapes)
    return profile is not None


class Config:
    """A builder configuration, and the list of what was set in it (`applied`: "TF32=off", ...)."""

    def __init__(self, trt, builder):
        self.trt = trt
        self.raw = builder.create_builder_config()
        self.applied = []

    def flag(self, name, on=True):
        """Sets or clears a flag that the module offers; True when it does."""
        flag = getattr(self.trt.BuilderFlag, name, None)
        if flag is None:
            return False
        (self.raw.set_flag if on else self.raw.clear_flag)(flag)
        self.applied.append("%s=%s" % (name, "on" if on else "off"))
        return True

    def need_flag(self, name, why):
        if not self.flag(name):
            raise ab.BuildError(
                "unsupported",
                "%s: TensorRT %s has no BuilderFlag.%s" % (why, self.trt.__version__, name),
            )

    def attribute(self, name, value, why=""):
        """Sets a property; where it is not offered and `why` names an option: BuildError
        `unsupported`.
        """
        if hasattr(self.raw, name):
            setattr(self.raw, name, value)
            self.applied.append("%s=%s" % (name, value))
        elif why:
            raise ab.BuildError(
                "unsupported",
                "option %s: TensorRT %s has no %s" % (why, self.trt.__version__, name),
            )


def configure(trt, builder, job, kind):
    """The Config for a job's options and precision.  `kind`: strong or weak."""
    options, config = job["options"], Config(trt, builder)
    config.raw.profiling_verbosity = trt.ProfilingVerbosity.DETAILED

    def wish(option, default):
        return "" if options[option] == default else "%s=%s" % (option, options[option])

    config.attribute(
        "builder_optimization_level", options["optimization_level"], wish("optimization_level", 3)
    )
    config.attribute("avg_timing_iterations", options["avg_timing"], wish("avg_timing", 1))
    config.attribute("max_num_tactics", options["max_tactics"], wish("max_tactics", -1))
    config.attribute("max_aux_streams", 0)  # one stream
    config.flag("TF32", options["tf32"])
    if options["distributive_independence"]:
        config.need_flag("DISTRIBUTIVE_INDEPENDENCE", "option distributive_independence=true")
    if options["workspace_mb"]:
        config.raw.set_memory_pool_limit(
            trt.MemoryPoolType.WORKSPACE, options["workspace_mb"] << 20
        )
        config.applied.append("workspace_mb=%d" % options["workspace_mb"])
    if hasattr(builder, "max_threads"):
        builder.max_threads = job["threads"]
    if job["precision"] == "fp16" and kind == "weak":
        if not getattr(builder, "platform_has_fast_fp16", True):
            raise ab.BuildError(
                "unsupported", "precision fp16: this GPU has no fast half precision"
            )
        config.need_flag("FP16", "precision fp16")
    return config


def tensors(trt, engine, context, names, mode):
    """Manifest entries of the engine's inputs or outputs (`mode`), in the order of `names`."""
    found = {}
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        if engine.get_tensor_mode(name) == mode:
            found[name] = engine.get_tensor_dtype(name).name
    if sorted(found) != sorted(names):
        raise ab.BuildError(
            "failed", "the engine has the tensors %s, the model %s" % (sorted(found), sorted(names))
        )
    return [
        ab.tensor(n, DTYPES.get(found[n], found[n]), [int(e) for e in context.get_tensor_shape(n)])
        for n in names
    ]
