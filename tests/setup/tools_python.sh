#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the interpreter of the virtual environment `tools`; fails, saying how to make it, without it.
python="${ASSAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/assay}/venvs/tools/bin/python"
if [ ! -x "$python" ]; then
  echo "$python is not there: run ./assay-up compilers tools" >&2
  exit 3
fi
ORT_DISABLE_TELEMETRY=1 exec "$python" "$@"
