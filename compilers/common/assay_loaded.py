# SPDX-License-Identifier: Apache-2.0
"""The files that this process really uses: what a rebuild reports in `loaded` (docs/formats.md).

Python 3.8+, standard library only.  Seen are libraries that are mapped when asked, modules that are
in sys.modules, and the programs that the builder names.  Not seen: data files that were read and
closed, modules that were taken out of sys.modules, libraries that were unloaded.
"""

import os
import sys

_GONE = " (deleted)"  # what Linux puts behind the name of a mapped file without one


def loaded_files(programs=(), private=()):
    """Sorted [(absolute path, how)]: libraries mapped now, modules imported, `programs`.

    `private`: files, and folders with all below them, that are left out because they belong to
    this one build (its model, scratch and engine).  Only regular files that exist are named: assay
    hashes them.  A name with a control character would break a line of the lock; such a file is
    left out.
    """
    found = {os.path.realpath(path): "program" for path in programs}
    for path in _mapped():
        found.setdefault(path, "mapped")
    for module in list(sys.modules.values()):
        for name in ("__file__", "__cached__"):
            path = _file_of(getattr(module, name, None))
            if path:
                found.setdefault(path, "imported")
    hidden = {os.path.realpath(path) for path in private}
    return sorted(
        (path, how)
        for path, how in found.items()
        if path.isprintable() and os.path.isfile(path) and not _below(path, hidden)
    )


def _mapped():
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as handle:
        for line in handle:
            fields = line.rstrip("\n").split(None, 5)
            if len(fields) == 6 and fields[5].startswith("/") and not fields[5].endswith(_GONE):
                yield fields[5]


def _file_of(path):
    """The real file behind a module's `__file__`: itself, or the archive it lies in; else None."""
    if not isinstance(path, str) or not os.path.isabs(path):
        return None
    while not os.path.exists(path):  # a module of an archive is `.../name.zip/module.py`
        path = os.path.dirname(path)
    return os.path.realpath(path) if os.path.isfile(path) else None


def _below(path, folders):
    """Is `path` one of `folders`, or in one of them?"""
    while path not in folders:
        above = os.path.dirname(path)
        if above == path:
            return False
        path = above
    return True
