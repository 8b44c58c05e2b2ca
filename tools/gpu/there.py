#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""On the machine that has no network: installs the pieces that pack.py made, and runs an audit (docs/gpu-machine.md).

    there.sh install PIECES_DIR HOME_DIR
    there.sh run PLAN.toml OUT [--home HOME_DIR] [--compilers a,b] [--seconds 540]

Pieces may arrive over several calls, in any order: what is whole is kept in HOME_DIR/pieces, and a part is unpacked when
all of its pieces are there. Nothing outside HOME_DIR is written.

Exit codes: 0 done; 1 `run` only: a step failed; 2 bad arguments, or pieces that are damaged or not what they should be;
3 something is missing: pieces still to come, a program, the installation.
"""

import argparse
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from pieces import Broken, check_piece, joined, main_guard, read_manifest  # noqa: E402

ROOTS = ("assay", "cache", "python", "files")


def home_default():
    """$ASSAY_GPU_HOME, else the home folder that this file was installed in, else ~/assay-gpu."""
    if os.environ.get("ASSAY_GPU_HOME"):
        return pathlib.Path(os.environ["ASSAY_GPU_HOME"])
    for folder in pathlib.Path(__file__).resolve().parents:
        if (folder / "assay" / "bin" / "assay").is_file() and (folder / "installed").is_dir():
            return folder
    return pathlib.Path.home() / "assay-gpu"


def keep_pieces(source, home):
    """Copies whole pieces and their lists into home/pieces; a list that changed drops the pieces of the older one."""
    kept = home / "pieces"
    kept.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob("*.json")):
        if path.name == "transfers.json":
            continue
        manifest, mine = read_manifest(path), kept / path.name
        if mine.is_file() and mine.read_text() != path.read_text():
            for piece in read_manifest(mine)["pieces"]:
                (kept / piece["file"]).unlink(missing_ok=True)
        if not mine.is_file() or mine.read_text() != path.read_text():
            shutil.copyfile(path, mine)
        if _installed(home, mine, manifest):
            continue
        for piece in manifest["pieces"]:
            here = path.parent / piece["file"]
            if here.is_file() and check_piece(kept / piece["file"], piece):
                wrong = check_piece(here, piece)
                if wrong:
                    raise Broken(f"{here}: {wrong}; carry it again")
                shutil.copyfile(here, kept / (piece["file"] + ".part"))
                os.replace(kept / (piece["file"] + ".part"), kept / piece["file"])
    return sorted(kept.glob("*.json"))


def _installed(home, path, manifest):
    done = home / "installed" / (path.stem + ".sha256")
    return done.is_file() and done.read_text().strip() == manifest["sha256"]


def _checked(member, home):
    """The member when it stays below one of ROOTS of home; raises Broken."""
    there = pathlib.PurePosixPath(member.name)
    if there.is_absolute() or ".." in there.parts or there.parts[:1] == () or there.parts[0] not in ROOTS:
        raise Broken(f"{member.name}: a path outside of {', '.join(ROOTS)}; nothing more is unpacked")
    if not (member.isreg() or member.issym()):
        raise Broken(f"{member.name}: neither a file nor a link; nothing more is unpacked")
    return tarfile.data_filter(member, str(home))


def unpack(home, manifest):
    """Unpacks one whole part below home. xz is a program there; Python's own lzma does where it is not."""
    xz = shutil.which("xz")
    if not xz:
        raise Broken("xz is not here: apt-get install xz-utils", 3)
    child = subprocess.Popen([xz, "-dc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    wrong = []

    def feed():
        try:
            for data in joined(home / "pieces", manifest):
                child.stdin.write(data)
        except (Broken, OSError) as error:
            wrong.append(error)
        finally:
            child.stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        with tarfile.open(fileobj=io.BufferedReader(child.stdout, 1 << 20), mode="r|") as tar:
            for member in tar:
                member = _checked(member, home)  # before anything is touched: its name may lead outside
                target = home / member.name
                if target.is_symlink() or target.is_file():
                    target.unlink()
                tar.extract(member, home, set_attrs=True, filter="data")
    except tarfile.TarError as error:
        wrong.append(Broken(f"{manifest['part']}: {error}"))
    finally:
        child.stdout.close()
        feeder.join()
        code = child.wait()
    if wrong:
        raise wrong[0]
    if code not in (0, -13):  # the tar may end before the stream's last padding was read
        raise Broken(f"{manifest['part']}: xz ended with {code}")


def mend_environments(home):
    """Gives every environment its interpreter: the one carried along, else /usr/bin/pythonX.Y."""
    for site in sorted((home / "cache" / "venvs").glob("*/lib/python3*")):
        venv, name = site.parents[1], site.name
        if venv.is_symlink() or not re.fullmatch(r"python3\.\d+", name):
            continue
        carried = home / "python" / "bin" / name
        python = carried if carried.is_file() else pathlib.Path(shutil.which(name) or "/usr/bin/" + name)
        (venv / "bin").mkdir(exist_ok=True)
        for link, target in (("python3", str(python)), ("python", "python3"), (name, "python3")):
            (venv / "bin" / link).unlink(missing_ok=True)
            (venv / "bin" / link).symlink_to(target)
        (venv / "pyvenv.cfg").write_text(
            f"home = {python.parent}\ninclude-system-site-packages = false\nexecutable = {python}\n")


def install(source, home):
    """Keeps, joins, checks and unpacks; says what is missing. Returns the exit code."""
    if not source.is_dir():
        raise Broken(f"{source}: no folder of pieces")
    home.mkdir(parents=True, exist_ok=True)
    home = home.resolve()
    (home / "installed").mkdir(exist_ok=True)
    lists, missing = keep_pieces(source.resolve(), home), []
    if not lists:
        raise Broken(f"{source}: no list of pieces (*.json) below it; give the folder that pack.py made")
    for path in lists:
        manifest = read_manifest(path)
        if _installed(home, path, manifest):
            print(f"{manifest['part']}: is installed")
            continue
        absent = [p["file"] for p in manifest["pieces"] if check_piece(home / "pieces" / p["file"], p)]
        if absent:
            missing += absent
            print(f"{manifest['part']}: missing {len(absent)} of {len(manifest['pieces'])}: {' '.join(absent)}")
            continue
        unpack(home, manifest)
        (home / "installed" / (path.stem + ".sha256")).write_text(manifest["sha256"] + "\n")
        for piece in manifest["pieces"]:
            (home / "pieces" / piece["file"]).unlink()
        print(f"{manifest['part']}: installed", flush=True)
    mend_environments(home)
    return 3 if missing else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    sub = commands.add_parser("install", help="join, check and unpack pieces")
    sub.add_argument("pieces", type=pathlib.Path)
    sub.add_argument("home", type=pathlib.Path)
    sub = commands.add_parser("run", help="doctor, conformance, audit, smoke; evidence into OUT")
    sub.add_argument("plan", type=pathlib.Path)
    sub.add_argument("out", type=pathlib.Path)
    sub.add_argument("--home", type=pathlib.Path, default=home_default())
    sub.add_argument("--compilers", default="", help="whose conformance is checked (default: those of the plan that are installed)")
    sub.add_argument("--seconds", type=int, default=540, help="for all steps together (default 540)")
    sub.add_argument("--skip", default="", help="steps to leave out: doctor,smoke,conformance,audit")
    sub.add_argument("--run-folder", type=pathlib.Path, help="where the audit's evidence grows (default HOME/runs/PLAN)")
    args = parser.parse_args()
    if args.command == "install":
        return install(args.pieces, args.home)
    import there_run
    return there_run.run(args)


if __name__ == "__main__":
    main_guard("there", main)
