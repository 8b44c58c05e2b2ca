#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Carries the evidence of a run from one machine to another: the database and the blobs, small, in pieces, hashes checked.

    tools/gpu/evidence.py pack RUN OUT.tar.xz [--limit-mib 15]     OUT.tar.xz.0000, ... and OUT.tar.xz.json
    tools/gpu/evidence.py unpack OUT.tar.xz.json RUN               the folder `assay report` and `assay compare` read

Scratch files, locks and reports stay behind: `assay report` makes a report again. Unpacking writes below RUN alone and only
`run.db` and `blobs/xx/...`, each blob under its own SHA-256.

Exit codes: 0 done; 2 bad arguments, or evidence or pieces that are damaged or not what they should be; 3 something is
missing (the xz program) or cannot be read or written.
"""

import argparse
import hashlib
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from pieces import Broken, Splitter, check_piece, compress, joined, main_guard, read_manifest  # noqa: E402

MIB = 1 << 20
BLOB = re.compile(r"blobs/([0-9a-f]{2})/([0-9a-f]{62})")


def _copy_database(source, target):
    """One file without a log beside it: what is committed, compacted."""
    try:
        db = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
        try:
            if db.execute("PRAGMA user_version").fetchone()[0] < 1:
                raise Broken(f"{source}: not a run's database")
            db.execute("VACUUM INTO ?", (str(target),))
        finally:
            db.close()
    except sqlite3.Error as error:
        raise Broken(f"{source}: {error}; expected the run.db of `assay audit --out`") from None


def _blobs(run):
    """[(name, path)] of all blobs, by name; every one is re-hashed, since a damaged one must not travel as evidence."""
    found = []
    for path in sorted((run / "blobs").glob("*/*")):
        name = path.relative_to(run).as_posix()
        match = BLOB.fullmatch(name)
        if not match or path.is_symlink() or not path.is_file():
            continue  # a file half written when the audit was stopped; no row names it
        with open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != match[1] + match[2]:
                raise Broken(f"{path}: content and name differ: the evidence is damaged (assay report {run} --verify)")
        found.append((name, path))
    return found


def pack(run, out, limit_mib, level=6):
    """Writes OUT.0000... of at most limit_mib MiB and OUT.json; returns the list of pieces."""
    run, out = pathlib.Path(run), pathlib.Path(out)
    if not (run / "run.db").is_file():
        raise Broken(f"{run}: no run folder: it has no run.db")
    if list(out.parent.glob(out.name + ".*")):
        raise Broken(f"{out}.*: is there already: name another file")
    with tempfile.TemporaryDirectory(prefix="assay-evidence-") as scratch:
        database = pathlib.Path(scratch) / "run.db"
        _copy_database(run / "run.db", database)
        entries = [("run.db", database), *_blobs(run)]

        def fill(file):
            with tarfile.open(fileobj=file, mode="w|", format=tarfile.GNU_FORMAT) as tar:
                for name, path in entries:
                    info = tarfile.TarInfo(name)
                    info.size, info.mode = path.stat().st_size, 0o644
                    with open(path, "rb") as source:
                        tar.addfile(info, source)

        splitter = Splitter(out.parent, out.name, int(limit_mib * MIB))
        compress(fill, splitter, level, 0)
    return splitter.close("evidence")["pieces"]


def _write_member(tar, member, run, room):
    """One file of the tar, hashed while it is written; returns its size."""
    match = BLOB.fullmatch(member.name)
    if not member.isreg() or not (match or member.name == "run.db"):
        raise Broken(f"{member.name}: expected run.db and blobs/xx/... alone; nothing is kept")
    if member.size > room:
        raise Broken(f"{member.name}: more than --max-gib; nothing is kept")
    target = run / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with tar.extractfile(member) as source, open(target, "xb") as file:
        while data := source.read(MIB):
            digest.update(data)
            file.write(data)
    if match and digest.hexdigest() != match[1] + match[2]:
        raise Broken(f"{member.name}: content and name differ; nothing is kept")
    return member.size


def unpack(manifest_path, run, max_gib=8):
    """Makes the run folder from the pieces beside their list; all or nothing."""
    manifest_path, run = pathlib.Path(manifest_path), pathlib.Path(run)
    if manifest_path.suffix != ".json":
        manifest_path = manifest_path.with_name(manifest_path.name + ".json")
    manifest = read_manifest(manifest_path)
    if manifest["part"] != "evidence":
        raise Broken(f"{manifest_path}: holds {manifest['part']}, expected evidence")
    if run.exists():
        raise Broken(f"{run}: is there already: name a new folder")
    for piece in manifest["pieces"]:
        wrong = check_piece(manifest_path.parent / piece["file"], piece)
        if wrong:
            raise Broken(f"{manifest_path.parent / piece['file']}: {wrong}", 3 if "not there" in wrong else 2)
    run.parent.mkdir(parents=True, exist_ok=True)
    fresh = pathlib.Path(tempfile.mkdtemp(prefix=".unpacking-", dir=run.parent))
    try:
        with tempfile.TemporaryFile(dir=run.parent) as whole:
            for data in joined(manifest_path.parent, manifest):
                whole.write(data)
            whole.seek(0)
            xz = subprocess.Popen(["xz", "-dc"], stdin=whole, stdout=subprocess.PIPE)
            room = int(max_gib * (1 << 30))
            try:
                with tarfile.open(fileobj=xz.stdout, mode="r|") as tar:
                    for member in tar:
                        room -= _write_member(tar, member, fresh, room)
            except tarfile.TarError as error:
                raise Broken(f"{manifest_path}: {error}") from None
            except FileExistsError as error:
                raise Broken(f"{manifest_path}: names a file twice ({error.filename})") from None
            finally:
                xz.stdout.close()
                xz.wait()
        if not (fresh / "run.db").is_file():
            raise Broken(f"{manifest_path}: holds no run.db")
        fresh.chmod(0o755)
        fresh.rename(run)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    sub = commands.add_parser("pack")
    sub.add_argument("run", type=pathlib.Path)
    sub.add_argument("out", type=pathlib.Path)
    sub.add_argument("--limit-mib", type=float, default=15, help="size of a piece (default 15)")
    sub.add_argument("--level", type=int, default=6, choices=range(0, 10))
    sub = commands.add_parser("unpack")
    sub.add_argument("list", type=pathlib.Path, help="OUT.tar.xz.json, with the pieces beside it")
    sub.add_argument("run", type=pathlib.Path)
    sub.add_argument("--max-gib", type=float, default=8, help="unpacked, at most (default 8)")
    args = parser.parse_args()
    if args.command == "pack":
        if not 0.01 <= args.limit_mib <= 4096:
            parser.error("--limit-mib: 0.01 to 4096")
        for piece in pack(args.run, args.out, args.limit_mib, args.level):
            print(f"{piece['file']}: {piece['bytes'] / MIB:.2f} MiB")
    else:
        unpack(args.list, args.run, args.max_gib)
        print(f"{args.run}: ready for assay report and assay compare")
    return 0


if __name__ == "__main__":
    main_guard("evidence", main)
