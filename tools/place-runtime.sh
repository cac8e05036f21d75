#!/bin/sh
# Puts a runtime that was built where semac finds it: place-runtime.sh BUILT DESTINATION PACKAGE FEATURES TARGET
#
# The copy gets the licences of what it contains, which programs then have too, and beside it goes the list of its crates,
# DESTINATION.components.json (tools/components.py).
set -eu
built=${1:?} destination=${2:?} package=${3:?} features=$4 target=${5:?}
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$(dirname "$destination")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$root/tools/components.py" "$package" "$features" "$target" "$work/components.json" "$work/notices.txt"
cp "$built" "$destination.new"
# A tool for this machine: what runtimes are compiled with is not meant for it.
env -u RUSTFLAGS "${CARGO:-cargo}" run --quiet --manifest-path "$root/Cargo.toml" --package sema-vfs --example append_notices -- \
  "$destination.new" < "$work/notices.txt"
cp "$work/components.json" "$destination.components.json"
mv "$destination.new" "$destination"
