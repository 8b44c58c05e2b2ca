# SPDX-License-Identifier: Apache-2.0
"""Writes a requirements.txt anew: every package of the closure with its version and SHA-256.

What is asked for stands in the file itself, in the lines `# wants: PACKAGE`; pip resolves them for
Debian's Python, and nothing is installed. Run it to move a pin, then look at the difference.
"""

import argparse
import json
import pathlib
import re
import tempfile

from common import SetupError, main_guard, run
from venvs import PYTHON

HEAD = """# SPDX-License-Identifier: Apache-2.0
# Made by: tools/setup/lock.py {name}   (change a "wants" line, then run it again)
"""


def locked_text(name, wants):
    """The file's new text; `wants` are pip requirement specifiers."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        run([PYTHON, "-m", "venv", folder / "venv"], "making a scratch environment")
        report = folder / "report.json"
        run([folder / "venv/bin/python", "-m", "pip", "install", "--no-input", "--dry-run",
             "--disable-pip-version-check", "--ignore-installed", "--report", report, *wants],
            f"resolving {name}")
        items = json.loads(report.read_text())["install"]
    lines = []
    for item in items:
        package = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
        digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{package}=={item['metadata']['version']} --hash=sha256:{digest}")
    head = HEAD.format(name=name) + "".join(f"# wants: {want}\n" for want in wants)
    return head + "\n".join(sorted(lines)) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="a requirements.txt with `# wants:` lines")
    path = pathlib.Path(parser.parse_args().file)
    wants = re.findall(r"^# wants: (\S+)$", path.read_text(), re.MULTILINE)
    if not wants:
        raise SetupError(f"{path}: has no line `# wants: PACKAGE`", 2)
    path.write_text(locked_text(path.as_posix(), wants))
    return 0


if __name__ == "__main__":
    main_guard(main)
