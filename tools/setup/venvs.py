# SPDX-License-Identifier: Apache-2.0
"""One virtual environment for each compiler family, with every package pinned by version and hash.

`$ASSAY_CACHE/venvs/<family>` is a link to `<family>-<key>`; the key covers the pins, the list of
jars, the Python version and the code that unpacks them, so that a changed pin makes a new folder
and a finished folder is never changed. The link moves in one step after the folder is complete.
"""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import tomllib

import jars
import stubs
from common import (ROOT, SetupError, cache_dir, is_complete, key_of, locked, main_guard,
                    mark_complete, point_link, run, say, start_afresh, step)

PYTHON = "/usr/bin/python3"
TOOLS = "tools"  # the family of tools/: models and data sets


def compiler_table():
    """{compiler name: its family ("" when it needs none)} from compilers/*/compiler.toml."""
    table = {}
    for path in sorted((ROOT / "compilers").glob("*/compiler.toml")):
        try:
            description = tomllib.loads(path.read_text())
        except tomllib.TOMLDecodeError as error:
            raise SetupError(f"{path}: {error}", 2) from None
        table[path.parent.name] = description.get("family", "")
    return table


def device_table():
    """{"COMPILER-KIND": (family, folder of its pins)} of the `[device.KIND]` tables that name a family.

    Compilers that share such a family share the folder of the first that has pins.
    """
    table, folders = {}, {}
    for path in sorted((ROOT / "compilers").glob("*/compiler.toml")):
        for kind, told in tomllib.loads(path.read_text()).get("device", {}).items():
            if "family" in told:
                table[f"{path.parent.name}-{kind}"] = told["family"]
                if (path.parent / kind / "requirements.txt").is_file():
                    folders.setdefault(told["family"], path.parent / kind)
    for name, family in table.items():
        if family not in folders:
            raise SetupError(f"{name}: no folder of a compiler of family {family} holds "
                             "DEVICE/requirements.txt", 2)
    return {name: (family, folders[family]) for name, family in table.items()}


def manual_families(table):
    """{family: what its user must do}: those that some compiler.toml calls `manual`, which are not made here."""
    found = {}
    for name, family in table.items():
        text = tomllib.loads((ROOT / "compilers" / name / "compiler.toml").read_text()).get("manual", "")
        if text:
            found[family] = text
    return found


def named_only_families(table):
    """{family: why}: made when they are named, never by --all: those that need a device besides the CPU, and
    those whose compiler.toml says so (`on_request`)."""
    cpu, found = {}, {}
    for name, family in table.items():
        told = tomllib.loads((ROOT / "compilers" / name / "compiler.toml").read_text())
        cpu[family] = cpu.get(family, False) or "cpu" in told.get("devices", ["cpu"])
        if told.get("on_request"):
            found[family] = told["on_request"]
    return {family: "it needs a GPU" for family, has in cpu.items() if not has} | found


def family_folder(family, table):
    """The folder that owns a family's requirements.txt: the one of its name, else the first."""
    if family == TOOLS:
        return ROOT / "tools"
    members = [name for name, its in table.items() if its == family]
    for name in [family] + sorted(members):
        folder = ROOT / "compilers" / name
        if (folder / "requirements.txt").is_file():
            return folder
    raise SetupError(f"family {family}: no requirements.txt in the folders of its compilers "
                     f"({', '.join(members) or 'there are none'}) below {ROOT / 'compilers'}", 2)


def python_version():
    """The full text of the interpreter's version: another build of Python makes another key."""
    try:
        return subprocess.run([PYTHON, "-VV"], check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise SetupError(f"{PYTHON} does not run: install the Debian package python3") from None


def _clean_environment():
    environment = dict(os.environ, PYTHONNOUSERSITE="1", PIP_USER="0")
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "VIRTUAL_ENV"):
        environment.pop(name, None)
    return environment


def _fill(folder, pins, jar_list, stub_list, environment):
    archives = [jars.fetch(jar) for jar in jar_list]  # first: what may fail, before what takes long
    start_afresh(folder)
    # Debian keeps pip as a wheel that runs as it is: the environment then holds what is pinned and
    # no more, and four seconds are saved. Elsewhere venv's own copy of pip does the work.
    pip = sorted(pathlib.Path("/usr/share/python-wheels").glob("pip-*.whl"))[-1:]
    run([PYTHON, "-m", "venv", *(["--without-pip"] if pip else []), folder], f"making {folder}",
        environment)
    python = folder / "bin" / "python"
    with_pip = dict(environment, PYTHONPATH=str(pip[0])) if pip else environment
    wanted = [line for line in pins.read_text().splitlines()
              if line.strip() and not line.startswith("#")]
    if wanted:
        run([python, "-B", "-m", "pip", "install", "--no-input", "--disable-pip-version-check",
             "--no-deps", "--require-hashes", "-r", pins], f"installing {pins}", with_pip)
    site = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
               "asking for site-packages", environment).strip()
    for jar, archive in zip(jar_list, archives):
        jars.unpack(archive, jar["unpack"], pathlib.Path(site))
    stubs.make(stub_list, pathlib.Path(site))


def make_pinned(family, pins, jar_file=None):
    """Makes the environment of the requirements file `pins` when it is not there yet; returns its folder (the link)."""
    jar_list = jars.read_list(jar_file) if jar_file else []
    stub_file = pins.parent / "stubs.toml"
    stub_list = stubs.read_list(stub_file)
    parts = [family.encode(), python_version(), pins.read_bytes()]
    if jar_list:
        parts += [jar_file.read_bytes(), pathlib.Path(jars.__file__).read_bytes()]
    if any(stub_list.values()):
        parts += [stub_file.read_bytes(),
                  pathlib.Path(stubs.__file__).read_bytes()]
    name = f"{family}-{key_of(parts)}"
    base = cache_dir() / "venvs"
    folder, link = base / name, base / family
    with locked(f"venv-{family}"):
        if is_complete(folder):
            say(f"virtual environment {family}: is there ({name})")
        else:
            with step(f"virtual environment {family} ({name})"):
                _fill(folder, pins, jar_list, stub_list, _clean_environment())
                mark_complete(folder, name)
        point_link(link, name)
    return link


def make(family, table):
    """Makes the family's environment when it is not there yet; returns its folder (the link)."""
    for its, folder in device_table().values():
        if its == family:
            return make_pinned(family, folder / "requirements.txt", folder / "maven.toml")
    owner = family_folder(family, table)
    return make_pinned(family, owner / "requirements.txt", owner / "maven.toml")


def make_several(families, table):
    """Makes some families, two at once where there are two processors; reports every failure."""
    workers = min(2, int(os.environ.get("ASSAY_JOBS") or os.cpu_count() or 1))
    with concurrent.futures.ThreadPoolExecutor(max(1, workers)) as pool:
        failed = [error for future in [pool.submit(make, family, table) for family in families]
                  if (error := future.exception()) is not None]
    for error in failed[:-1]:
        say(str(error))
    if failed:
        raise failed[-1]


def site_packages(family):
    """The site-packages of a finished environment, by its keyed name, in a list; else []."""
    folder = (cache_dir() / "venvs" / family).resolve()
    return sorted(folder.glob("lib/python3*/site-packages")) if is_complete(folder) else []


def main():
    parser = argparse.ArgumentParser(
        description="Makes the virtual environments of compilers (names, or --all) and tools.")
    parser.add_argument("names", nargs="*", help="compiler names, family names, or tools")
    parser.add_argument("--all", action="store_true", help="every compiler that needs one, but for manual ones")
    parser.add_argument("--site-packages", metavar="FAMILY",
                        help="make nothing; print where a family's packages lie, if it is there")
    arguments = parser.parse_args()
    if arguments.site_packages:
        for path in site_packages(arguments.site_packages):
            print(path)
        return 0
    table = compiler_table()
    families = set(table.values()) - {""}
    devices = device_table()  # made when they are named, never by --all
    device_families = {family for family, _ in devices.values()}
    manual = manual_families(table)
    special = named_only_families(table)
    wanted = sorted(families - set(manual) - set(special)) if arguments.all else []
    for family in sorted(set(special) - set(manual)) if arguments.all else []:
        say(f"{family} is left out: {special[family]}; ./assay-up compilers {family} makes it")
    for family in sorted(manual) if arguments.all else []:
        say(f"{family} is left out: {manual[family]}")
    if not arguments.all and not arguments.names:
        parser.error("name at least one compiler, or --all")
    for name in arguments.names:
        family = devices[name][0] if name in devices else table.get(name, name)
        if family == "":
            say(f"{name} needs no virtual environment")
        elif family in manual:
            raise SetupError(f"{name} is not made by this tool: {manual[family]}", 3)
        elif family in families or family in device_families or family == TOOLS:
            wanted += [] if family in wanted else [family]
        else:
            raise SetupError(f"{name}: no such compiler or family; known: "
                             f"{', '.join(sorted(set(table) | families | set(devices)))}, {TOOLS}", 2)
    make_several(wanted, table)
    return 0


if __name__ == "__main__":
    main_guard(main)
