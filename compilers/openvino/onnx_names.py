# SPDX-License-Identifier: Apache-2.0
"""Names in an ONNX file, read straight from the protobuf wire format.

OpenVINO renames and merges nodes while it reads a model.  The builder needs the names as the file has
them: the order of inputs and outputs, and which layer names are the user's and not OpenVINO's own.
Only names are decoded; tensor data is skipped, never copied.

Field numbers are those of onnx.proto: ModelProto.graph 7; GraphProto node 1, initializer 5, input 11,
output 12; NodeProto output 2, name 3, attribute 5; AttributeProto g 6, graphs 11; TensorProto.name 8;
ValueInfoProto.name 1.
"""

import collections

Names = collections.namedtuple("Names", "inputs outputs nodes")
Names.__doc__ = """`inputs` and `outputs` in file order (initializers are no inputs); `nodes` is the set of
the names of all nodes and of the values they make, subgraphs included."""

MAX_DEPTH = 16  # of subgraphs inside subgraphs


def _varint(data, at, end):
    value = shift = 0
    while True:
        if at >= end or shift > 63:
            raise ValueError("truncated or over-long number at byte %d" % at)
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(data, at, end):
    """Yields (field number, start, stop) of every length-delimited field of the message data[at:end]."""
    while at < end:
        key, at = _varint(data, at, end)
        wire = key & 7
        if key >> 3 == 0:
            raise ValueError("field number 0 at byte %d" % at)
        if wire == 0:
            _, at = _varint(data, at, end)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        elif wire == 2:
            size, at = _varint(data, at, end)
            if size > end - at:
                raise ValueError("a field of %d bytes at byte %d runs past the end" % (size, at))
            yield key >> 3, at, at + size
            at += size
        else:
            raise ValueError("wire type %d at byte %d" % (wire, at))
    if at != end:
        raise ValueError("a field runs past byte %d" % end)


def _text(data, start, stop):
    return bytes(data[start:stop]).decode("utf-8")


def _name_of(data, start, stop, field):
    for number, first, last in _fields(data, start, stop):
        if number == field:
            return _text(data, first, last)
    return ""


def _graph(data, start, stop, nodes, depth):
    if depth > MAX_DEPTH:
        raise ValueError("subgraphs nested deeper than %d" % MAX_DEPTH)
    inputs, outputs, initializers = [], [], set()
    for number, first, last in _fields(data, start, stop):
        if number == 1:
            _node(data, first, last, nodes, depth)
        elif number == 5:
            initializers.add(_name_of(data, first, last, 8))
        elif number == 11:
            inputs.append(_name_of(data, first, last, 1))
        elif number == 12:
            outputs.append(_name_of(data, first, last, 1))
    return [name for name in inputs if name not in initializers], outputs


def _node(data, start, stop, nodes, depth):
    for number, first, last in _fields(data, start, stop):
        if number in (2, 3):
            nodes.add(_text(data, first, last))
        elif number == 5:
            for part, begin, end in _fields(data, first, last):
                if part in (6, 11):
                    _graph(data, begin, end, nodes, depth + 1)


def read_names(data):
    """The Names in the bytes-like `data` of an ONNX file.  Raises ValueError when it is not one."""
    for number, first, last in _fields(data, 0, len(data)):
        if number == 7:
            nodes = set()
            inputs, outputs = _graph(data, first, last, nodes, 0)
            nodes.discard("")
            return Names(inputs, outputs, nodes)
    raise ValueError("no graph in the file")
