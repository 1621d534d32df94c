# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

# What every bootstrap script shares: where things are, how a step is announced, and how it stops.
# A script sets ROOT (the checkout) before it reads this file.

# shellcheck disable=SC2034  # these are used by the scripts that read this file
VENV=$ROOT/.venv
CACHE=$ROOT/.cache
# What was done to the machine itself; make demo-down and make clean name it.
# shellcheck disable=SC2034
NOTES=$CACHE/machine-notes

say() { printf '==> %s\n' "$*"; }

# One sentence for the person in front of the machine, then the end.
die() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# Debian, Ubuntu and their kin: the only family on which a missing package is installed for the caller.
is_debian() { command -v apt-get >/dev/null && [ -e /etc/debian_version ]; }

# What was done to the machine itself, once each.
note() {
    mkdir -p "$CACHE"
    grep -qsxF "$*" "$NOTES" || echo "$*" >>"$NOTES"
}

# install_packages NAME...: quietly; what apt says is shown only when it fails. A NAME? is installed where there is one.
install_packages() {
    local log=$CACHE/apt.log name packages=()
    mkdir -p "$CACHE"
    # A list that cannot be fetched may be that of an archive nobody needs here: the installation itself will tell.
    apt-get -q -o DPkg::Lock::Timeout=300 update >"$log" 2>&1 </dev/null || true
    for name in "$@"; do
        case $name in
            *\?) ! apt-cache show "${name%\?}" >/dev/null 2>&1 || packages+=("${name%\?}") ;;
            *) packages+=("$name") ;;
        esac
    done
    # Other packages' services are none of our business: needrestart, where there is one, stays out of it.
    if ! DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${packages[@]}" >>"$log" 2>&1 </dev/null; then
        tail -n 15 "$log" >&2
        die "apt-get could not install ${packages[*]}; the whole story is in $log."
    fi
    note "installed with apt-get: ${packages[*]}"
}
