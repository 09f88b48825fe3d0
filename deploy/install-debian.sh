#!/bin/sh
# Install what deploy/debian-packages.txt lists and this machine lacks. Needs root or sudo only if something is missing.
set -eu
cd "$(dirname "$0")"

say() { printf 'install-debian: %s\n' "$*" >&2; }

# The packages whose command is not found.
missing() {
    sed 's/#.*//' debian-packages.txt | while read -r package command _; do
        if [ -n "$package" ] && ! command -v "$command" >/dev/null; then
            printf '%s ' "$package"
        fi
    done
}

# The units that packages would start and that nobody asked for.
units() {
    sed 's/#.*//' debian-packages.txt | while read -r _ _ units; do
        printf '%s ' "$units"
    done
}

lacking=$(missing)
if [ -z "$lacking" ]; then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    say "this is no Debian or Ubuntu: install these yourself: $lacking"
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    say "run as root, or install sudo: these packages are missing: $lacking"
    exit 1
fi

# Debian starts what it installs. A unit masked for the time of the installation is left alone, and what was there
# before stays as it is.
unwanted=
if [ -d /run/systemd/system ]; then
    for unit in $(units); do
        if ! systemctl cat "$unit" >/dev/null 2>&1; then
            $as_root systemctl mask --runtime --quiet "$unit"
            unwanted="$unwanted $unit"
        fi
    done
fi

say "installing $lacking"
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of packages, and a prefix that may be empty
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $lacking
for unit in $unwanted; do
    $as_root systemctl unmask --runtime --quiet "$unit"
    $as_root systemctl disable --quiet "$unit" || true # not there: it was only recommended
done
lacking=$(missing)
if [ -n "$lacking" ]; then
    say "still missing after the installation: $lacking"
    exit 1
fi
