#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Formats all C++ sources in place; with --check changes nothing and exits 1 when a file is not formatted.
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in
  "") mode="-i" ;;
  --check) mode="--dry-run --Werror --ferror-limit=1" ;;
  *) echo "usage: tools/format.sh [--check]" >&2; exit 2 ;;
esac
command -v clang-format >/dev/null || { echo "clang-format is not installed: apt-get install clang-format" >&2; exit 3; }
# shellcheck disable=SC2086
find include src compilers bench tests -type f \( -name '*.cc' -o -name '*.h' -o -name '*.inl' -o -name '*.c' \) -print0 |
  sort -z | xargs -0 clang-format $mode
