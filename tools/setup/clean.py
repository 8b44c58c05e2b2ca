# SPDX-License-Identifier: Apache-2.0
"""Deletes what assay-up put into the cache folder, and nothing else that may lie there."""

import shutil

from common import cache_dir, main_guard, say

OURS = ("venvs", "models", "maven", "locks")


def main():
    base = cache_dir()
    found = [base / name for name in OURS if (base / name).is_dir()]
    for folder in found:
        say(f"deleting {folder}")
        shutil.rmtree(folder)
    if not found:
        say(f"{base} holds nothing of assay's")
    return 0


if __name__ == "__main__":
    main_guard(main)
