#!/bin/sh
# Builds a program as a module of WebAssembly and a script that runs it under Node's WASI, as executables are run: wasm_program.sh
# SEMAC SOURCE OUTPUT [OPTION...]. The program sees the folder that it is started in as / and /tmp as /tmp.
semac=$1 source=$2 output=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
"$semac" build --target wasm32-wasip1 "$@" "$source" -o "$output.wasm" || exit
cat >"$output" <<SCRIPT
#!/bin/sh
exec node --no-warnings "$here/peers/node-wasi.mjs" --dir "\$PWD::/" --dir /tmp::/tmp "$output.wasm" "\$@"
SCRIPT
chmod +x "$output"
