#!/bin/sh
# Prints the Python that has wasmtime, after installing it into a folder of its own if need be. Fails where that is not possible;
# the tests are then skipped. Only one of these runs at a time.
folder=${SEMAC_TEST_PEERS:-$(dirname "$0")/../../target/peers}/wasmtime
python=$folder/bin/python
if [ ! -x "$python" ] || ! "$python" -c 'import wasmtime' 2>/dev/null; then
  command -v python3 >/dev/null || exit 1
  mkdir -p "$folder"
  exec 9>"$folder.lock"
  if command -v flock >/dev/null; then flock 9; fi
  if ! "$python" -c 'import wasmtime' 2>/dev/null; then
    python3 -m venv "$folder" >/dev/null 2>&1 </dev/null || exit 1
    "$python" -m pip install --quiet wasmtime >/dev/null 2>&1 </dev/null || exit 1
  fi
fi
"$python" -c 'import wasmtime' 2>/dev/null && (cd "$folder/bin" && echo "$PWD/python")
