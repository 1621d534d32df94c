# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

# What every gate shares; a gate sources this file first. A gate is a list of checks. All of them run, also after one
# has failed, so that one run tells everything; the last line says how many passed.

set -euo pipefail
gate=$(basename "$0")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cache=$root/.cache/gates
cd "$root"
mkdir -p "$cache"
if [ -d "$root/.venv/bin" ]; then
  PATH=$root/.venv/bin:$PATH
fi

# The checkout under the name that Python and Ansible know it by: a link, so that edits are live.
collections=${ANSIBLE_COLLECTIONS_PATH:-$root/.ansible/collections}
collections=${collections%%:*}
if [ ! -e "$collections/ansible_collections/postroom/mail" ]; then
  mkdir -p "$collections/ansible_collections/postroom"
  ln -sfn "$root" "$collections/ansible_collections/postroom/mail"
fi
export ANSIBLE_COLLECTIONS_PATH=$collections PYTHONPATH=$collections
export ANSIBLE_NOCOLOR=1 NO_COLOR=1
# Compiled once for all gates, outside the checkout.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX=$root/.cache/pycache

# The files of the checkout, NUL-separated: with those not committed yet, without those that are deleted.
files() {
  git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' name; do
      if [ -e "$name" ]; then printf '%s\0' "$name"; fi
    done
}

# copy_to FOLDER: all of them, and nothing else that lies about.
copy_to() {
  mkdir -p "$1"
  files | xargs -0 cp -a --parents -t "$1"
}

passed=0
failed=()

# check NAME COMMAND...: run one check and remember how it ended.
check() {
  local name=$1
  shift
  printf '\n==> %s: %s\n' "$gate" "$name"
  if "$@"; then
    passed=$((passed + 1))
  else
    printf 'FAILED: %s: %s\n' "$gate" "$name"
    failed+=("$name")
  fi
}

finish() {
  printf '\n'
  local name
  for name in "${failed[@]}"; do
    printf 'FAILED: %s: %s\n' "$gate" "$name"
  done
  printf '%s: %d passed, %d failed\n' "$gate" "$passed" "${#failed[@]}"
  [ "${#failed[@]}" -eq 0 ]
}
