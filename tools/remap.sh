#!/bin/sh
# Prints the options of rustc by which what ships names no directory of the machine that it was built on, and so does not
# depend on them. Packages lose the name of the registry that they came from as well: it differs between mirrors, and there are
# hundreds of their paths in a runtime.
#
#   remap.sh [SOURCES]
set -eu
sources=${1:-$PWD}
home=${CARGO_HOME:-$HOME/.cargo}
# Where packages will lie is known when they are there.
for folder in "$home"/registry/src/*/; do [ -d "$folder" ] || "${CARGO:-cargo}" fetch --locked --quiet >&2; done
# Of several options that fit the last one counts.
printf '%s ' "--remap-path-prefix=$sources=/semac" "--remap-path-prefix=$home=/cargo"
for folder in "$home"/registry/src/*/; do
  [ -d "$folder" ] && printf '%s ' "--remap-path-prefix=${folder%/}="
done
