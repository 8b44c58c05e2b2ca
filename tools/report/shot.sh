#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Picture of a report page: shot.sh report.html out.png [width] [height] [dark]
set -eu
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
page=$(realpath "$1")
dark=""
[ "${5:-}" = dark ] && dark="--blink-settings=preferredColorScheme=0"
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$profile" ${dark:+"$dark"} \
  --screenshot="$2" --window-size="${3:-1200},${4:-3000}" "file://$page" 2>/dev/null
