# SPDX-License-Identifier: Apache-2.0
"""Layer names that are the same in every process.  The twin of layer_names.cc: change both.

OpenVINO calls a node that it made itself `<Type>_<count>`, with a count over all nodes of the process:
building a model and importing its blob give the same node two names.  Such a part of a name is replaced by
`<Type>#<rank>`, the rank of its first appearance in execution order.  Parts that the model's own names
contain stay as they are.
"""

import re

_PART = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Za-z0-9]*_[0-9]+(?![A-Za-z0-9])")


def own_parts(names):
    """The sorted parts of the form `<Type>_<count>` that occur in the model's own `names`."""
    return sorted({part for name in names for part in _PART.findall(name)})


def is_generated(name, own):
    """True when `name` contains a part of that form which is not in `own`."""
    return any(part not in own for part in _PART.findall(name))


class Renamer:
    """Renames layers one after another, in execution order."""

    def __init__(self, own):
        self._own = frozenset(own)
        self._known = {}
        self._counts = {}

    def layer(self, name):
        """`name` with every generated part replaced."""
        return _PART.sub(lambda match: self._rank(match.group()), name)

    def origin(self, names):
        """The comma-separated `names` without the generated ones."""
        kept = [n for n in names.split(",") if n and not is_generated(n, self._own)]
        return ",".join(kept)

    def _rank(self, part):
        if part in self._own:
            return part
        if part not in self._known:
            kind = part.rsplit("_", 1)[0]
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._known[part] = "%s#%d" % (kind, self._counts[kind])
        return self._known[part]
