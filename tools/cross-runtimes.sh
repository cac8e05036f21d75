#!/bin/sh
# Builds the runtimes of another platform: cross-runtimes.sh PROCESSOR DESTINATION [TIER...]
# PROCESSOR: aarch64 or riscv64 (or one of semac's names for the platform). The runtimes, static and at a fixed address
# as those for this machine, go to DESTINATION/TRIPLE/sema-rt-TIER, where semac looks for them.
#
# Needs the cross compiler of the distribution (for the parts in C, and to link) and rustup for Rust's standard library; the
# status is 3 where these cannot be had.
set -e
case $1 in
  *aarch64*|*arm64*) rust=aarch64 name=aarch64 ;;
  *riscv64*) rust=riscv64gc name=riscv64 ;;
  *) echo "cross-runtimes: '$1' is no platform that runtimes are built for here: aarch64 or riscv64" >&2; exit 2 ;;
esac
destination=$2
shift 2
[ $# -gt 0 ] || set -- core std net full
triple=$rust-unknown-linux-gnu
cross=$name-linux-gnu-
if ! command -v "${cross}gcc" >/dev/null; then
  echo "cross-runtimes: there is no ${cross}gcc; on Debian: apt-get install gcc-$name-linux-gnu" >&2
  exit 3
fi
# musl where this toolchain can get it: no other library makes executables that are as small.
target=$(sh "$(dirname "$0")/runtime-target.sh" "$triple" "$rust-unknown-linux-musl")
if [ ! -d "$(rustc --print target-libdir --target "$target" 2>/dev/null)" ]; then
  if ! rustup target add "$target" >/dev/null 2>&1; then
    echo "cross-runtimes: this toolchain has no standard library for $target, and rustup cannot get it" >&2
    exit 3
  fi
fi
under=$(echo "$target" | tr - _)
upper=$(echo "$under" | tr a-z A-Z)
export SEMA_LINK_PREFIX="$cross"
export "CC_$under=${cross}gcc" "CFLAGS_$under=-Os -U_FORTIFY_SOURCE -fno-stack-protector"
export "CARGO_TARGET_${upper}_LINKER=$(cd "$(dirname "$0")" && pwd)/link-runtime.sh"
mkdir -p "$destination/$triple"
for tier in "$@"; do
  features=
  [ "$tier" = core ] || features="--features $tier"
  ${CARGO:-cargo} build --profile runtime --package sema-rt --bin sema-rt $features --target "$target"
  cp "${CARGO_TARGET_DIR:-target}/$target/runtime/sema-rt" "$destination/$triple/sema-rt-$tier"
done
