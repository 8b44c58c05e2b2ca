# SPDX-License-Identifier: Apache-2.0
"""Just enough of an ONNX reader for the fake TensorRT.  Trusts its input: tests only."""

import collections

Node = collections.namedtuple("Node", "name op inputs outputs attributes")  # attributes: {name: [int]}
# inputs, outputs: [(name, element type, extents)]; weights: {name: (extents, raw bytes)}
Graph = collections.namedtuple("Graph", "nodes inputs outputs weights")


def _varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


def _fields(data):
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == 0:
            value, at = _varint(data, at)
        elif key & 7 == 2:
            size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
            if len(value) < size:
                raise ValueError("truncated")
        else:
            raise ValueError("wire type %d" % (key & 7))
        yield key >> 3, value


def _all(data, number):
    return [v for n, v in _fields(data) if n == number]


def _text(data, number):
    return (_all(data, number) or [b""])[0].decode()


def _integers(data, number):
    """A repeated integer, packed or not."""
    found = []
    for value in _all(data, number):
        if isinstance(value, int):
            found.append(value)
            continue
        at = 0
        while at < len(value):
            one, at = _varint(value, at)
            found.append(one)
    return found


def _value(data):
    tensor = _all(_all(data, 2)[0], 1)[0]
    extents = [(_all(d, 1) or [-1])[0] for s in _all(tensor, 2) for d in _all(s, 1)]
    return _text(data, 1), _all(tensor, 1)[0], extents


def read(data):
    """The Graph of an ONNX file's bytes; ValueError or IndexError when it is none."""
    graph = _all(data, 7)[0]
    nodes = [
        Node(
            _text(n, 3),
            _text(n, 4),
            [i.decode() for i in _all(n, 1)],
            [o.decode() for o in _all(n, 2)],
            {_text(a, 1): _integers(a, 8) for a in _all(n, 5)},
        )
        for n in _all(graph, 1)
    ]
    weights = {
        _text(t, 8): (_integers(t, 1), (_all(t, 9) or [b""])[0]) for t in _all(graph, 5)
    }
    return Graph(
        nodes,
        [v for v in map(_value, _all(graph, 11)) if v[0] not in weights],
        [_value(v) for v in _all(graph, 12)],
        weights,
    )
