# SPDX-License-Identifier: Apache-2.0
"""The kernel map of an engine, from the JSON of TensorRT's inspector (verbosity DETAILED).

    {"Layers": [{"Name": .., "LayerType": .., "Outputs": [{"Format/Datatype": ..}],
                 "TacticName": .., "TacticValue": "0x..",
                 "Metadata": "[ONNX Layer: a]\\u001e[ONNX Layer: b]"}, ..],
     "Bindings": [..]}

Layers of the classic kind tell TacticName and TacticValue; those of Myelin only TacticName, which
is the kernel. From 11.0 on Format and DataType are separate members.
"""

import collections
import json
import re

import assay_builder as ab
import trt_log

Layer = collections.namedtuple("Layer", "layer kernel precision origin")
Layer.__doc__ = """One line of the kernel map; texts, as `Build.kernel` takes them."""

MAX_LAYERS = 200000
_ONNX_LAYER = re.compile(r"\[ONNX Layer: ([^\x1e]*)\](?:\x1e|$)")
# The word of a data type inside "Row major linear FP32", "Float", "Half"; the first that occurs
# counts.
_TYPES = (
    ("BF16", "bf16"),
    ("BFloat16", "bf16"),
    ("FP16", "fp16"),
    ("Half", "fp16"),
    ("FP8", "fp8"),
    ("FP4", "fp4"),
    ("FP32", "fp32"),
    ("Float", "fp32"),
    ("Int8", "int8"),
    ("INT8", "int8"),
    ("Int4", "int4"),
    ("INT4", "int4"),
    ("Int32", "int32"),
    ("INT32", "int32"),
    ("Int64", "int64"),
    ("INT64", "int64"),
    ("Bool", "bool"),
    ("UInt8", "uint8"),
)


def _bad(what):
    return ab.BuildError(
        "failed",
        "engine inspector: %s: this TensorRT tells its layers in another way; "
        "compilers/tensorrt/trt_layers.py says what was expected" % what,
    )


def _text(layer, key):
    value = layer.get(key, "")
    return trt_log.clean(value) if isinstance(value, str) else ""


def _precision(layer):
    """The type of the layer's first output, "" when none is told."""
    outputs = layer.get("Outputs")
    if not (isinstance(outputs, list) and outputs and isinstance(outputs[0], dict)):
        return ""
    for key in ("DataType", "Datatype", "Format/Datatype"):
        told = outputs[0].get(key)
        if isinstance(told, str):
            for word, precision in _TYPES:
                if re.search(r"(?<![A-Za-z0-9])%s(?![A-Za-z0-9])" % word, told):
                    return precision
    return ""


def _origin(layer):
    """ONNX node names, comma separated; a comma inside a name becomes a semicolon."""
    metadata = layer.get("Metadata")
    if not isinstance(metadata, str):
        return ""
    names = [trt_log.clean(n).replace(",", ";") for n in _ONNX_LAYER.findall(metadata)]
    return ",".join(n for n in names if n)


def _kernel(layer):
    """TacticName with its TacticValue where that tells more, else the layer's type."""
    name, value = _text(layer, "TacticName"), _text(layer, "TacticValue")
    if re.fullmatch(r"0x0*", value):
        value = ""
    return " ".join(p for p in (name or _text(layer, "LayerType"), value) if p)


def read(text):
    """The Layers in the inspector's JSON `text`, in execution order.  BuildError `failed`."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad("not JSON (%s)" % error)
    layers = told.get("Layers") if isinstance(told, dict) else None
    if not isinstance(layers, list) or len(layers) > MAX_LAYERS:
        raise _bad('no list "Layers" of at most %d' % MAX_LAYERS)
    rows = []
    for number, layer in enumerate(layers):
        if not isinstance(layer, dict) or not _text(layer, "Name"):
            raise _bad(
                "layer %d is no object with a Name (profiling verbosity is not DETAILED?)" % number
            )
        kernel = _kernel(layer)
        if not kernel:
            raise _bad(
                "layer %d, %s, has neither TacticName nor LayerType"
                % (number, _text(layer, "Name"))
            )
        rows.append(
            Layer(
                trt_log.strip_counter(_text(layer, "Name")),
                kernel,
                _precision(layer),
                _origin(layer),
            )
        )
    return rows
