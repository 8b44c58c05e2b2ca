# SPDX-License-Identifier: Apache-2.0
"""Libraries from Maven: fetched by coordinates, checked by SHA-256, unpacked into site-packages.

A compiler folder may hold `maven.toml`:

    [[jar]]
    artifact = "group:name:version:jar:classifier"
    sha256 = "..."
    [[jar.unpack]]
    from = "path/in/the/jar/"     # a folder when it ends in "/", else one file
    to = "tvm/"                   # below site-packages, of the same kind
    skip = ["_ffi/_cy3/"]         # prefixes below `from` that stay out
"""

import os
import pathlib
import re
import shutil
import tomllib
import zipfile

from common import SetupError, cache_dir, locked, run, say, sha256_file

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:get"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def read_list(path):
    """The jars that a maven.toml names; an empty list when the file is not there."""
    if not path.is_file():
        return []
    try:
        jars = tomllib.loads(path.read_text())["jar"]
        for jar in jars:
            words = jar["artifact"].split(":")
            if len(words) != 5 or not all(_WORD.fullmatch(word) for word in words):
                raise SetupError(f"{path}: artifact \"{jar['artifact']}\" is not "
                                 "group:name:version:jar:classifier", 2)
            if not re.fullmatch(r"[0-9a-f]{64}", jar["sha256"]):
                raise SetupError(f"{path}: {jar['artifact']}: sha256 must be 64 hex digits", 2)
            for rule in jar["unpack"]:
                _safe_path(pathlib.Path(), rule["to"])
                if rule["from"].endswith("/") != rule["to"].endswith("/"):
                    raise SetupError(f"{path}: \"{rule['from']}\" and \"{rule['to']}\" must both "
                                     "end in / (a folder) or both not (a file)", 2)
        return jars
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise SetupError(f"{path}: not a list of jars: {error}", 2) from None


def _local_path(repository, artifact):
    group, name, version, kind, classifier = artifact.split(":")
    folder = repository.joinpath(*group.split("."), name, version)
    return folder / f"{name}-{version}-{classifier}.{kind}"


def fetch(jar):
    """Path of the verified jar in the cache's own Maven repository; downloads only when needed.

    A file whose SHA-256 differs from the pinned one (cut short, damaged, replaced) is thrown away
    and fetched once more; when the new one differs too, that is an error and nothing is used.
    """
    with locked("maven"):  # Maven's local repository is not made for two writers
        return _fetch(jar)


def _fetch(jar):
    repository = cache_dir() / "maven"
    path = _local_path(repository, jar["artifact"])
    if path.is_file():
        if sha256_file(path) == jar["sha256"]:
            return path
        say(f"{path} is damaged (SHA-256 differs from the pinned one): fetching it again")
        shutil.rmtree(path.parent)
    say(f"fetching {jar['artifact']} from Maven")
    run(["mvn", "-q", "-B", f"-Dmaven.repo.local={repository}", PLUGIN,
         f"-Dartifact={jar['artifact']}", "-Dtransitive=false"], f"fetching {jar['artifact']}")
    if not path.is_file():
        raise SetupError(f"{path}: mvn reported success but left no such file")
    found = sha256_file(path)
    if found != jar["sha256"]:
        shutil.rmtree(path.parent)
        raise SetupError(f"{jar['artifact']}: SHA-256 is {found}, expected {jar['sha256']}; "
                         "not used: run the command again, or check the pin in maven.toml")
    return path


def _safe_path(base, name):
    parts = pathlib.PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or not parts:
        raise SetupError(f"\"{name}\" would leave the folder it is unpacked into", 2)
    return base.joinpath(*parts)


def unpack(archive_path, rules, site_packages):
    """Copies what the rules name into site-packages; a rule that matches nothing is an error."""
    with zipfile.ZipFile(archive_path) as archive:
        members = [item for item in archive.infolist() if not item.is_dir()]
        for rule in rules:
            source, folder = rule["from"], rule["from"].endswith("/")
            skip, copied = tuple(rule.get("skip", [])), 0
            for item in members:
                if not (item.filename.startswith(source) if folder else item.filename == source):
                    continue
                rest = item.filename[len(source):]
                if folder and skip and rest.startswith(skip):
                    continue
                target = _safe_path(site_packages, rule["to"] + rest)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(item) as reader, open(target, "wb") as writer:
                    shutil.copyfileobj(reader, writer, 1 << 20)
                os.chmod(target, 0o755 if ".so" in target.name else 0o644)
                copied += 1
            if copied == 0:
                raise SetupError(f"{archive_path}: holds nothing at \"{source}\"", 2)
