#!/bin/sh
# What ships holds no path of the machine that it was built on: sh tests/paths.sh FILE...
#
# The directory of the sources, those of the toolchain, of the packages and of registries, and the home directory are looked for.
set -u
cd "$(dirname "$0")/.."
places="$PWD
${CARGO_HOME:-$HOME/.cargo}
$(rustc --print sysroot)
$HOME/
registry/src/"
status=0
for file in "$@"; do
  if [ ! -s "$file" ]; then
    echo "$file: missing"
    status=1
    continue
  fi
  # Paths of sources are the proof that texts are found at all.
  if ! grep -aqF '.rs' "$file"; then
    echo "$file: holds no name of a source"
    status=1
  fi
  for place in $places; do
    if grep -aqF "$place" "$file"; then
      echo "$file: holds $place"
      grep -aoF "$place" "$file" | sort | uniq -c
      status=1
    fi
  done
done
exit $status
