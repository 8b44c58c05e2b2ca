#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Packs assay, models and compilers for a machine without a network, in pieces that fit a transfer (docs/gpu-machine.md).

    tools/gpu/pack.py --out /tmp/carry assay model:digits env:onnxruntime
    tools/gpu/pack.py --out /tmp/carry --piece-mib 58 env:tvm-0.27 files:my/engines

Parts: assay | model:NAME | env:FAMILY | files:FOLDER. The pieces lie in OUT/transfer-01, -02, ...; each of them is at most
--piece-mib MiB in all and holds there.sh too. There: `sh transfer-01/there.sh install transfer-01 HOME`.

Exit codes: 0 done; 2 bad arguments or a part that cannot travel; 3 something is missing, with the command that makes it.
After an error OUT is as it was.
"""

import argparse
import json
import pathlib
import shutil
import tarfile

import elf
import parts
from pieces import PLAIN_NAME, Broken, Splitter, compress, main_guard

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = ("there.sh", "there.py", "there_run.py", "pieces.py", "evidence.py")
MIB = 1 << 20
ROOM_FOR_SCRIPTS = MIB // 4  # of each transfer: there.sh and the lists of pieces


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", metavar="PART", help="assay, model:NAME, env:FAMILY, files:FOLDER")
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="DIR", help="new or empty folder for the transfers")
    parser.add_argument("--piece-mib", type=float, default=58, metavar="N", help="size of one transfer (default 58)")
    parser.add_argument("--build", type=pathlib.Path, default=parts.ROOT / "build" / "release", metavar="DIR",
                        help="where bin/ and lib/ lie (default build/release)")
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB",
                        help="of environments: paths to leave out, such as 'lib/*/site-packages/torch/include/*'")
    parser.add_argument("--level", type=int, default=6, choices=range(0, 10), metavar="0-9", help="of xz (default 6)")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="of xz (default 2)")
    parser.add_argument("--patchelf", metavar="PATH", help="patchelf, if it is not on PATH")
    parser.add_argument("--no-python", action="store_true", help="leave the interpreter of environments out: it is there")
    args = parser.parse_args()
    if not 1 <= args.piece_mib <= 4096:
        parser.error("--piece-mib: 1 to 4096")
    return args


def write_tar(entries, file):
    """A tar of the entries in their order, without owners and times: equal content makes equal bytes."""
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for path, there in entries:
            tar.inodes.clear()  # else a file's second name is told as a link to its first
            info = tar.gettarinfo(str(path), there)
            if info is None or not (info.isreg() or info.issym()):
                continue  # a socket or a device is nobody's file
            if info.issym():
                if pathlib.PurePosixPath(info.linkname).is_absolute():
                    raise Broken(f"{path}: a link to {info.linkname} leads out of what travels; --exclude it")
            info.uid = info.gid = info.mtime = 0
            info.uname = info.gname = ""
            if info.isreg():
                with open(path, "rb") as source:
                    tar.addfile(info, source)
            else:
                tar.addfile(info)


def resolve(args, scratch):
    """[(part, stem, entries)] in the order given; an environment brings its interpreter along, once."""
    jobs, seen, interpreters = [], set(), {}
    for part in args.parts:
        kind, _, name = part.partition(":")
        stem = part.replace(":", "-").replace("/", "-").strip("-")
        if kind == "files":
            stem = f"files-{pathlib.Path(name).resolve().name}"
        if part in seen or not PLAIN_NAME.fullmatch(stem) or (kind != "assay") != bool(name):
            raise Broken(f"{part}: not a part, or given twice; expected assay, model:NAME, env:FAMILY or files:FOLDER")
        seen.add(part)
        if kind == "assay":
            jobs.append((part, stem, parts.assay(args.build.resolve(), elf.patchelf(args.patchelf), scratch)))
        elif kind == "model":
            jobs.append((part, stem, parts.model(name)))
        elif kind == "env":
            jobs.append((part, stem, parts.env(name, args.exclude)))
            prefix, version = parts.interpreter(name)
            if not args.no_python and interpreters.setdefault(version, prefix) != prefix:
                raise Broken(f"{part}: made with {prefix}, others with {interpreters[version]}, both Python {version}")
        elif kind == "files":
            jobs.append((part, stem, parts.files(name)))
        else:
            raise Broken(f"{part}: unknown part; expected assay, model:NAME, env:FAMILY or files:FOLDER")
    for version, prefix in sorted(interpreters.items()):
        entries = parts.python(prefix, version, elf.patchelf(args.patchelf), scratch)
        jobs.insert(0, (f"python:{version}", f"python-{version}", entries))
    return jobs


def lay_out(out, work, manifests, limit):
    """Moves the pieces into transfers, largest first into the first that has room; each gets the lists and scripts."""
    transfers = []
    pieces = sorted((p for m in manifests for p in m["pieces"]), key=lambda p: -p["bytes"])
    for piece in pieces:
        target = next((t for t in transfers if t["bytes"] + piece["bytes"] <= limit), None)
        if target is None:
            target = {"folder": out / f"transfer-{len(transfers) + 1:02d}", "bytes": 0, "files": []}
            target["folder"].mkdir()
            transfers.append(target)
        (work / piece["file"]).replace(target["folder"] / piece["file"])
        target["bytes"] += piece["bytes"]
        target["files"].append(piece["file"])
    for transfer in transfers:
        for script in SCRIPTS:
            shutil.copy2(HERE / script, transfer["folder"] / script)
        for path in work.glob("*.json"):
            shutil.copy2(path, transfer["folder"] / path.name)
    return transfers


def fill(args, jobs, limit):
    """Packs the jobs into args.out, which is new or empty; returns the transfers."""
    args.out.mkdir(parents=True, exist_ok=True)
    manifests, work = [], args.out / ".packing"
    work.mkdir()
    for part, stem, entries in jobs:
        splitter = Splitter(work, stem, limit)
        compress(lambda file, e=entries: write_tar(e, file), splitter, args.level, args.threads)
        manifests.append(splitter.close(part))
        print(f"{part}: {splitter.bytes / MIB:.1f} MiB in {len(splitter.pieces)} pieces", flush=True)
    transfers = lay_out(args.out, work, manifests, limit)
    shutil.rmtree(work)
    (args.out / "transfers.json").write_text(json.dumps(
        [{"folder": t["folder"].name, "bytes": t["bytes"], "files": t["files"]} for t in transfers], indent=1) + "\n")
    return transfers


def main():
    args = arguments()
    if args.out.exists() and any(args.out.iterdir()):
        raise Broken(f"{args.out} is not empty: name a new folder")
    limit = int(args.piece_mib * MIB) - ROOM_FOR_SCRIPTS
    with parts.temporary() as scratch:
        # Parts are generators: only when they are listed is it known that all of them are there.
        jobs = [(part, stem, list(entries)) for part, stem, entries in resolve(args, pathlib.Path(scratch))]
        stood = args.out.exists()
        try:
            transfers = fill(args, jobs, limit)
        except BaseException:
            for made in args.out.iterdir() if stood else ():
                shutil.rmtree(made) if made.is_dir() else made.unlink()
            if not stood:
                shutil.rmtree(args.out, ignore_errors=True)
            raise
    for t in transfers:
        print(f"{t['folder']}: {t['bytes'] / MIB:.1f} MiB: {' '.join(t['files'])}")
    return 0


if __name__ == "__main__":
    main_guard("pack", main)
