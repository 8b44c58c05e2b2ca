# SPDX-License-Identifier: Apache-2.0
"""Libraries that stand in for large ones that a package is linked with and does not call.

A folder with a requirements.txt may hold `stubs.toml`:

    [[link]]                          # a file of another package, where its user looks for it
    from = "nvidia/cuda_runtime/lib/libcudart.so.12"
    to = "tvm/libcudart.so.12"

    [[stub]]
    library = "libcudnn.so.8"         # its SONAME, and as a rule the version of its symbols
    users = ["tvm/libtvm.so"]         # what it must let load: their undefined symbols are made
    to = "tvm/libcudnn.so.8"          # below site-packages
    symbols = 'cudnn[A-Z][A-Za-z0-9_]*'   # instead: those that match, whatever version they have

A stub holds every function that its users ask for and nothing more; one that is called says its
name and aborts, so that a stub can make a program end, never compute something else.
"""

import os
import pathlib
import re
import tempfile
import tomllib

from common import SetupError, run

_NAME = re.compile(r"[A-Za-z_]\w*")


def read_list(path):
    """{"link": [...], "stub": [...]} of a stubs.toml; both empty when the file is not there."""
    if not path.is_file():
        return {"link": [], "stub": []}
    try:
        told = tomllib.loads(path.read_text())
        for item in told.get("link", []):
            _plain(item["from"]), _plain(item["to"])
        for item in told.get("stub", []):
            _plain(item["to"])
            if not re.fullmatch(r"lib[\w.+-]+", item["library"]) or not item["users"]:
                raise SetupError(f"{path}: \"{item['library']}\" is no library with users", 2)
            for user in item["users"]:
                _plain(user)
            re.compile(item.get("symbols", ""))
        return {"link": told.get("link", []), "stub": told.get("stub", [])}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, re.error) as error:
        raise SetupError(f"{path}: not a list of stubs: {error}", 2) from None


def _plain(name):
    parts = pathlib.PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or not parts:
        raise SetupError(f"\"{name}\" is no plain path below site-packages", 2)


def wanted_symbols(nm_text, library, pattern):
    """{name: version, "" for none} of an `nm -D --undefined-only` listing that belong to `library`.

    By their version (`name@library`), or by `pattern` where that is no text of the library's name.
    """
    names = {}
    for line in nm_text.splitlines():
        words = line.split()  # "U name@VERSION"
        name, _, version = words[1].partition("@") if len(words) == 2 else ("", "", "")
        if not _NAME.fullmatch(name):
            continue
        if re.fullmatch(pattern, name) if pattern else version == library:
            names[name] = version
    return names


def version_script(names):
    """The linker's script that gives each of `names` {name: version} its version."""
    nodes = {}
    for name, version in sorted(names.items()):
        nodes.setdefault(version, []).append(name)
    # A node without a name must stand alone: it says that there are no versions.
    if "" in nodes:
        return "{ global: *; };\n"
    return "".join(f"{version} {{ global: {'; '.join(members)}; }};\n"
                   for version, members in sorted(nodes.items()))


def source_of(names):
    """C source of a library in which each of `names` aborts with its name."""
    lines = ["#include <stdio.h>", "#include <stdlib.h>"]
    for name in names:
        lines.append(f'void {name}(void) {{ fputs("{name}: only a stub of this library is installed'
                     '\\n", stderr); abort(); }')
    return "\n".join(lines) + "\n"


def make(told, site_packages):
    """Makes the links and stubs of a list below `site_packages`."""
    for link in told["link"]:
        source, target = site_packages / link["from"], site_packages / link["to"]
        if not source.is_file():
            raise SetupError(f"{source}: no such file to link to")
        target.symlink_to(os.path.relpath(source, target.parent))
    for stub in told["stub"]:
        names = {}
        for user in stub["users"]:
            text = run(["nm", "-D", "--undefined-only", site_packages / user],
                       f"reading the symbols of {user}")
            names.update(wanted_symbols(text, stub["library"], stub.get("symbols", "")))
        if not names:
            raise SetupError(f"{stub['library']}: {', '.join(stub['users'])} need nothing of it")
        _compile(names, stub, site_packages / stub["to"])


def _compile(names, stub, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        source, script = pathlib.Path(scratch, "stub.c"), pathlib.Path(scratch, "stub.map")
        source.write_text(source_of(sorted(names)))
        script.write_text(version_script(names))
        run(["gcc", "-shared", "-fPIC", "-O1", "-w", "-fno-builtin", "-o", target, source,
             f"-Wl,-soname,{stub['library']}", f"-Wl,--version-script={script}"],
            f"compiling {stub['library']}")
