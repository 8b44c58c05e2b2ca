# SPDX-License-Identifier: Apache-2.0
"""Numbers in raw files, with the standard library."""

import math
import struct

from suite.outcome import CheckFailed

_CODES = {"float32": "f", "float64": "d", "float16": "e", "int8": "b", "uint8": "B", "bool": "B",
          "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q"}


def decode(dtype, data):
    """The numbers in little-endian `data`."""
    if dtype == "bfloat16":
        halves = struct.unpack(f"<{len(data) // 2}H", data)
        return struct.unpack(f"<{len(halves)}f", b"".join(struct.pack("<I", h << 16) for h in halves))
    code = _CODES[dtype]
    return struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data)


def compare(name, seen, expected, atol, rtol):
    """|seen - expected| <= atol + rtol |expected| everywhere (NaN equals nothing).

    Returns the largest absolute difference.
    """
    if len(seen) != len(expected):
        raise CheckFailed(f"{name}: {len(seen)} numbers, expected {len(expected)}")
    worst = 0.0
    for i, (a, b) in enumerate(zip(seen, expected)):
        difference = abs(a - b)
        if math.isnan(difference) or difference > atol + rtol * abs(b):
            raise CheckFailed(f"{name}: element {i} is {a!r}, expected {b!r} (atol {atol}, rtol {rtol})")
        worst = max(worst, difference)
    return worst
