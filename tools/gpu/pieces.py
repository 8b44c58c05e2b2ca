# SPDX-License-Identifier: Apache-2.0
"""Streams cut into numbered pieces, and put together again: every piece and the whole carry a SHA-256.

A part is one xz stream of a tar. `NAME.json` beside its pieces says what belongs to it:
{"format": 1, "part": "assay", "bytes": 9, "sha256": "...", "pieces": [{"file", "bytes", "sha256"}]}.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

FORMAT = 1
CHUNK = 1 << 20
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


class Broken(Exception):
    """One line: what, where, what was expected, how to mend it. `code` is the exit code."""

    def __init__(self, message, code=2):
        super().__init__(message)
        self.code = code


def main_guard(name, main):
    """Runs main() and turns an expected failure into one line and its exit code."""
    try:
        sys.exit(main())
    except Broken as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(error.code)
    except OSError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(3)


def sha256_file(path):
    """SHA-256 of a file's bytes, as hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Splitter:
    """A file that is only written: what comes is cut into pieces `stem.0000`, `stem.0001`, ... of `limit` bytes."""

    def __init__(self, folder, stem, limit):
        self._folder, self._stem, self._limit = pathlib.Path(folder), stem, limit
        self._file, self._left, self._hash = None, 0, None
        self._whole, self.bytes, self.pieces = hashlib.sha256(), 0, []

    def write(self, data):
        self._whole.update(data)
        self.bytes += len(data)
        while data:
            if self._left == 0:
                self._finish()
                name = f"{self._stem}.{len(self.pieces):04d}"
                self._file, self._left = open(self._folder / name, "wb"), self._limit
                self._hash = hashlib.sha256()
                self.pieces.append({"file": name, "bytes": 0, "sha256": ""})
            part, data = data[:self._left], data[self._left:]
            self._file.write(part)
            self._hash.update(part)
            self._left -= len(part)
            self.pieces[-1]["bytes"] += len(part)

    def _finish(self):
        if self._file is not None:
            self._file.close()
            self.pieces[-1]["sha256"] = self._hash.hexdigest()
            self._file = None

    def close(self, part):
        """Ends the last piece, writes `part`'s manifest beside the pieces and returns it."""
        self._finish()
        manifest = {"format": FORMAT, "part": part, "bytes": self.bytes,
                    "sha256": self._whole.hexdigest(), "pieces": self.pieces}
        (self._folder / f"{self._stem}.json").write_text(json.dumps(manifest, indent=1) + "\n")
        return manifest


def compress(fill, splitter, level, threads):
    """Runs `fill(file)`; what it writes goes through xz into the splitter. `fill` runs in this thread."""
    import threading
    xz = subprocess.Popen(["xz", "-c", f"-{level}", f"-T{threads}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def drain():
        while data := xz.stdout.read(CHUNK):
            splitter.write(data)

    reader = threading.Thread(target=drain)
    reader.start()
    try:
        fill(xz.stdin)
    finally:
        xz.stdin.close()
        reader.join()
        xz.stdout.close()
        code = xz.wait()
    if code != 0:
        raise Broken(f"xz ended with {code}", 3)


def _is_piece(piece):
    return (isinstance(piece, dict) and isinstance(piece.get("file"), str) and
            PLAIN_NAME.fullmatch(piece["file"]) and isinstance(piece.get("bytes"), int) and
            piece["bytes"] > 0 and re.fullmatch(r"[0-9a-f]{64}", str(piece.get("sha256"))))


def read_manifest(path):
    """A checked manifest: names are plain (no path leaves the folder), sizes and hashes are given. Raises Broken."""
    try:
        found = json.loads(pathlib.Path(path).read_text())
    except (OSError, ValueError) as error:
        raise Broken(f"{path}: not a list of pieces ({error})") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Broken(f"{path}: not a list of pieces of format {FORMAT}")
    pieces = found.get("pieces")
    if (not isinstance(found.get("part"), str) or not isinstance(pieces, list) or not pieces or
            not all(_is_piece(p) for p in pieces) or
            not re.fullmatch(r"[0-9a-f]{64}", str(found.get("sha256"))) or
            sum(p["bytes"] for p in pieces) != found.get("bytes")):
        raise Broken(f"{path}: a field is absent or does not fit (part, bytes, sha256, pieces); pack it again")
    return found


def check_piece(path, piece):
    """'' when the file is the piece, else what is wrong with it."""
    if not path.is_file():
        return "is not there"
    if path.stat().st_size != piece["bytes"]:
        return f"has {path.stat().st_size} bytes, expected {piece['bytes']}"
    return "" if sha256_file(path) == piece["sha256"] else "has another SHA-256 than its list says"


def joined(folder, manifest):
    """Yields the bytes of a part, piece by piece; raises Broken when the whole does not have its SHA-256."""
    whole = hashlib.sha256()
    for piece in manifest["pieces"]:
        with open(pathlib.Path(folder) / piece["file"], "rb") as file:
            while data := file.read(CHUNK):
                whole.update(data)
                yield data
    if whole.hexdigest() != manifest["sha256"]:
        raise Broken(f"{folder}: {manifest['part']} put together has another SHA-256 than its list says; carry it again")
