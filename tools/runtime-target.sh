#!/bin/sh
# Prints the target that runtimes are built for: MUSL if this toolchain has it or can get it,
# else HOST. Usage: runtime-target.sh HOST MUSL
host=$1
musl=$2
libraries=$(rustc --print target-libdir --target "$musl" 2>/dev/null)
if [ ! -d "$libraries" ] && command -v rustup >/dev/null 2>&1; then
  # No network is no reason to fail: the host's target works too, with larger executables.
  timeout 120 rustup target add "$musl" >/dev/null 2>&1
fi
if [ -d "$libraries" ]; then echo "$musl"; else echo "$host"; fi
