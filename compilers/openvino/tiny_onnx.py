# SPDX-License-Identifier: Apache-2.0
"""Writes tiny ONNX files for test.py with the standard library alone (protobuf wire format by hand)."""

import struct

FLOAT, UINT8, INT64, BOOL, FLOAT16, BFLOAT16 = 1, 2, 7, 9, 10, 16


def _varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def number(field, value):
    return _varint(field << 3) + _varint(value)


def message(field, *parts):
    """A length-delimited field: a text, bytes, or the parts of a message."""
    data = b"".join(p.encode() if isinstance(p, str) else p for p in parts)
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def value_info(field, name, dtype, shape):
    """Input (field 11) or output (field 12); an extent given as a text is symbolic."""
    extents = b"".join(message(1, message(2, e) if isinstance(e, str) else number(1, e)) for e in shape)
    return message(field, message(1, name), message(2, message(1, number(1, dtype), message(2, extents))))


def tensor(name, dtype, shape, raw):
    """An initializer with its little-endian bytes."""
    return message(5, b"".join(number(1, e) for e in shape), number(2, dtype), message(8, name),
                   message(9, raw))


def external_tensor(name, shape, location):
    """A float initializer whose data lies in another file."""
    entries = [("location", location), ("offset", "0"), ("length", "4")]
    return message(5, b"".join(number(1, e) for e in shape), number(2, FLOAT), message(8, name),
                   *[message(13, message(1, k), message(2, v)) for k, v in entries], number(14, 1))


def floats(values):
    return struct.pack("<%df" % len(values), *values)


def node(op, inputs, outputs, name, attributes=(), domain=""):
    """`attributes`: (name, list of int) pairs."""
    parts = [message(1, i) for i in inputs] + [message(2, o) for o in outputs]
    parts += [message(3, name), message(4, op)] + ([message(7, domain)] if domain else [])
    for key, values in attributes:
        parts.append(message(5, message(1, key), b"".join(number(8, v) for v in values), number(20, 7)))
    return message(1, *parts)


def model(*graph_parts, opset=17, domains=()):
    imports = [message(8, message(1, ""), number(2, opset))]
    imports += [message(8, message(1, domain), number(2, 1)) for domain in domains]
    return b"".join([number(1, 8), message(7, *graph_parts, message(2, "tiny"))] + imports)
