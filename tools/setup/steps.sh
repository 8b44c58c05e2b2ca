# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The steps of ./assay-up. Messages go to standard error; standard output carries results only.

PRESET=release
TEST_PRESET=release         # everything but the label `slow`
ALL_TESTS_PRESET=release-all
DEMO_PLAN=examples/demo.toml
SLOW_RESULTS=docs/results/slow.md

say() { echo "assay-up: $*" >&2; }

# step TEXT COMMAND...: says what starts, and how long it took when it ended well.
step() {
  local text=$1 start=$EPOCHREALTIME
  shift
  say "$text ..."
  "$@"
  say "$text: done in $(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN{printf "%.1f", b-a}') s"
}

python3_setup() {
  local script=$1
  shift
  PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "tools/setup/$script" "$@"
}

# A list of packages is tools/setup/NAME.txt.
wanted_packages() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "tools/setup/$1.txt"; }

missing_packages() {
  local have
  # dpkg-query ends with 1 when a name is unknown to it: that name is simply not installed.
  # shellcheck disable=SC2046
  have=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $(wanted_packages "$1") 2>/dev/null |
    sed -n 's/^installed //p' || true)
  comm -23 <(wanted_packages "$1" | sort -u) <(sort -u <<<"$have")
}

# apt_install LIST [sudo]
apt_install() {
  local list=$1
  shift
  local -a root=("$@") missing
  mapfile -t missing < <(missing_packages "$list")
  quietly "${root[@]}" apt-get update
  quietly "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 install -y \
    --no-install-recommends "${missing[@]}"
}

# install_packages [LIST]: what is missing of that list, `debian` when none is named.
install_packages() {
  local list=${1:-debian} missing
  if ! command -v dpkg-query >/dev/null; then
    say "this is not Debian: expecting what tools/setup/$list.txt names to be here already"
    return
  fi
  missing=$(missing_packages "$list" | tr '\n' ' ')
  if [ -z "$missing" ]; then
    say "packages of $list.txt: all there"
  elif [ "$(id -u)" = 0 ]; then
    step "packages of $list.txt: $missing" apt_install "$list"
  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    step "packages of $list.txt, by sudo: $missing" apt_install "$list" sudo
  else
    say "packages of $list.txt are missing and this is neither root nor sudo. Have someone run:"
    say "  apt-get update && apt-get install -y --no-install-recommends $missing"
    exit 3
  fi
  missing=$(missing_packages "$list" | tr '\n' ' ')
  if [ -n "$missing" ]; then
    say "apt-get ended well, but these are still missing: $missing"
    exit 3
  fi
}

# build_assay [TARGET]: everything, or `product` (no tests, no benchmarks).
build_assay() {
  local jobs=${ASSAY_JOBS:-$(nproc)} openvino
  local -a options=() target=(${1:+--target "$1"})
  openvino=$(python3_setup venvs.py --site-packages openvino)
  if [ -n "$openvino" ]; then
    options+=("-DASSAY_OPENVINO_CMAKE_DIR=$openvino/openvino/cmake")
  fi
  step "configure" quietly cmake --preset "$PRESET" "${options[@]}"
  step "build with $jobs at once" quietly cmake --build --preset "$PRESET" "${target[@]}" -j "$jobs"
}

# Shows a program's output only when it fails, and on a terminal its last line while it works.
quietly() {
  local log
  log=$(mktemp)
  if [ -t 2 ]; then
    "$@" 2>&1 | tee "$log" | { while IFS= read -r line; do
      printf '\r\033[K%.78s' "$line" >&2
    done; printf '\r\033[K' >&2; }
  else
    "$@" >"$log" 2>&1
  fi || {
    local code=$?
    cat "$log" >&2
    rm -f "$log"
    say "failed: $*"
    exit "$code"
  }
  rm -f "$log"
}

set_up_all() {
  install_packages
  python3_setup venvs.py --all tools
  build_assay "$@"
  python3_setup models.py --all
}

run_demo() {
  local folder=$1 code=0
  say "demo audit: $DEMO_PLAN into $folder"
  build/$PRESET/bin/assay audit "$DEMO_PLAN" --out "$folder" >&2 || code=$?
  if [ "$code" != 0 ]; then
    say "the audit ended with $code; the same command goes on from where it stopped"
    exit "$code"
  fi
  readlink -f "$folder/report.html"
}

run_tests() {
  local code=0 start=$EPOCHSECONDS log
  if [ "$1" != --all ]; then
    say "tests (all that are not slow)"
    exec ctest --preset "$TEST_PRESET"
  fi
  say "tests, the slow ones too"
  log=$(mktemp)
  ctest --preset "$ALL_TESTS_PRESET" | tee "$log" || code=$?
  record_slow "$((EPOCHSECONDS - start))" "$(grep -E 'tests passed' "$log" || echo 'no summary')"
  rm -f "$log"
  return "$code"
}

# One line a run: which commit, on what machine, how long, with what result.
record_slow() {
  local seconds=$1 result=$2 commit machine
  commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo "no commit")
  [ -z "$(git status --porcelain 2>/dev/null)" ] || commit="$commit with changes"
  machine=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
  machine="${machine:-$(uname -m)}, $(nproc) CPUs, $(uname -sr)"
  mkdir -p "$(dirname "$SLOW_RESULTS")"
  if [ ! -f "$SLOW_RESULTS" ]; then
    printf '# Slow tests\n\nMade by `./assay-up test --all`, a line a run.\n\n%s\n%s\n' \
      '| date (UTC) | commit | machine | seconds | result |' '| --- | --- | --- | --- | --- |' \
      >"$SLOW_RESULTS"
  fi
  printf '| %s | %s | %s | %s | %s |\n' "$(date -u +'%F %H:%M')" "$commit" "$machine" "$seconds" \
    "$result" >>"$SLOW_RESULTS"
  say "recorded in $SLOW_RESULTS"
}
