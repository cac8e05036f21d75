#!/bin/sh
# Prints the functions that a start runs, for tools/start-functions.txt: their symbols without hashes.
# Needs valgrind.
#
#   CARGO_PROFILE_RUNTIME_STRIP=none make runtime && make semac
#   tools/start-functions.sh dist/semac dist/sema-rt > tools/start-functions.txt
set -eu
semac=$1 runtime=$2
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$semac" build "$here/fixtures/programs/hello.sema" --runtime "$runtime" -o "$work/hello" >&2
valgrind --tool=callgrind --demangle=no --callgrind-out-file="$work/profile" "$work/hello" >/dev/null 2>&1
# Definitions are `fn=(number) name` or `cfn=...`; `'2` marks recursion.
sed -n "s/^c\{0,1\}fn=([0-9]*) \(.*\)/\1/p" "$work/profile" |
  sed "s/'[0-9]*\$//; s/17h[0-9a-f]*E\$//" | grep '^[_a-z]' | sort -u
