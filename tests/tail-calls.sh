#!/bin/sh
# Whether a runtime goes from handler to handler by jumps: programs of every kind of instruction, which would need
# megabytes of stack else, run with 128 KB. (256 KB are what `compiler/core/tests/dispatch.rs` gives them.)
#
#   tail-calls.sh SEMAC RUNTIME
set -eu
semac=$1 runtime=$2
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for counted in "" --stoppable; do
  # The first word is an option or nothing.
  "$semac" build $counted --runtime "$runtime" compiler/core/tests/dispatch.sema -o "$folder/dispatch" >"$folder/log" 2>&1 || {
    cat "$folder/log" >&2
    exit 1
  }
  printed=$(ulimit -s 128 && "$folder/dispatch") || printed="status $?"
  if [ "$printed" != 3000 ]; then
    echo "tail-calls: 3000 expected, got: $printed ($runtime ${counted:-not counted})" >&2
    exit 1
  fi
done
