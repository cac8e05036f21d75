#!/bin/sh
# Builds the runtimes of another platform: cross-runtimes.sh PROCESSOR DESTINATION [TIER...]
# PROCESSOR: aarch64, riscv64 or wasm32 (or one of semac's names for the platform). The runtimes, static and at a fixed address
# as those for this machine, go to DESTINATION/TRIPLE/sema-rt-TIER, where semac looks for them.
#
# Needs the cross compiler of the distribution (for the parts in C, and to link) and rustup for Rust's standard library; for
# WebAssembly rustup is enough. The status is 3 where these cannot be had.
set -e
case $1 in
  *aarch64*|*arm64*) rust=aarch64 name=aarch64 ;;
  *riscv64*) rust=riscv64gc name=riscv64 ;;
  *wasm*) rust=wasm32 name=wasm32 ;;
  *) echo "cross-runtimes: '$1' is no platform that runtimes are built for here: aarch64, riscv64 or wasm32" >&2; exit 2 ;;
esac
destination=$2
shift 2

# Brings Rust's standard library for a target.
standard_library() {
  [ -d "$(rustc --print target-libdir --target "$1" 2>/dev/null)" ] && return
  if ! rustup target add "$1" >/dev/null 2>&1; then
    echo "cross-runtimes: this toolchain has no standard library for $1, and rustup cannot get it" >&2
    exit 3
  fi
}

# Puts what was built, FILE, where it belongs, PATH.
place() {
  "$(dirname "$0")/place-runtime.sh" "${CARGO_TARGET_DIR:-target}/$target/runtime/$1" "$2" sema-rt "${features#--features }" "$target"
}

if [ $rust = wasm32 ]; then
  # Rust brings the linker and the C library, and nothing is in C. There is no network, so there are no tiers above std.
  target=wasm32-wasip1
  [ $# -gt 0 ] || set -- core std
  standard_library $target
  mkdir -p "$destination/$target"
  for tier in "$@"; do
    features=
    [ "$tier" = core ] || features="--features $tier"
    ${CARGO:-cargo} build --profile runtime --package sema-rt --bin sema-rt $features --target $target
    place sema-rt.wasm "$destination/$target/sema-rt-$tier"
  done
  exit
fi
[ $# -gt 0 ] || set -- core std net full
triple=$rust-unknown-linux-gnu
cross=$name-linux-gnu-
if ! command -v "${cross}gcc" >/dev/null; then
  echo "cross-runtimes: there is no ${cross}gcc; on Debian: apt-get install gcc-$name-linux-gnu" >&2
  exit 3
fi
# musl where this toolchain can get it: no other library makes executables that are as small.
target=$(sh "$(dirname "$0")/runtime-target.sh" "$triple" "$rust-unknown-linux-musl")
standard_library "$target"
under=$(echo "$target" | tr - _)
upper=$(echo "$under" | tr a-z A-Z)
export SEMA_LINK_PREFIX="$cross"
export "CC_$under=${cross}gcc" "CFLAGS_$under=-U_FORTIFY_SOURCE -fno-stack-protector"
export "CARGO_TARGET_${upper}_LINKER=$(cd "$(dirname "$0")" && pwd)/link-runtime.sh"
mkdir -p "$destination/$triple"
for tier in "$@"; do
  features=
  [ "$tier" = core ] || features="--features $tier"
  ${CARGO:-cargo} build --profile runtime --package sema-rt --bin sema-rt $features --target "$target"
  place sema-rt "$destination/$triple/sema-rt-$tier"
done
