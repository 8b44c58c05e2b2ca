#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# On the machine that has no network: installs what pack.py made, and runs (docs/gpu-machine.md).
#   there.sh install PIECES_DIR HOME_DIR      0: all is installed; 3: pieces are still missing (they are named)
#   there.sh run PLAN.toml OUT [--home HOME_DIR] [--compilers a,b] [--seconds N]
folder=$(cd "$(dirname "$0")" && pwd) || exit 3
for python in python3 python3.12 python3.11; do
  if command -v "$python" >/dev/null 2>&1 && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    exec "$python" -B "$folder/there.py" "$@"
  fi
done
echo "there: needs Python 3.11 or newer, and none is on PATH: apt-get install python3" >&2
exit 3
