#!/bin/sh
# Hardened programs under kernels for other processors, in emulated machines: kernels.sh [DIRECTORY]
#
# No part of the tests: it downloads two kernels of Debian (140 MB) into DIRECTORY [target/kernels] and builds the runtimes of tier
# std for AArch64 and RISC-V. Needs apt-get, qemu-system-arm, qemu-system-misc, opensbi, and what `make test` has built.
set -eu
cd "$(dirname "$0")/.."
kernels=${1:-target/kernels}
mkdir -p "$kernels"
kernels=$(cd "$kernels" && pwd)
target=${CARGO_TARGET_DIR:-target}

# The kernel for a processor: NAME ARCHITECTURE PACKAGE. A configuration of its own keeps apt away from this system's packages.
kernel() {
  [ -f "$kernels/$1" ] && return
  work=$kernels/$1.work
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/etc" "$work/files"
  : > "$work/status"
  # Where this system's packages come from.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
  [ -n "$mirror" ] || { echo "kernels.sh: apt knows no mirror" >&2; exit 1; }
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" > "$work/etc/sources.list"
  cat > "$work/apt.conf" <<END
APT::Architecture "$2";
APT::Architectures { "$2"; };
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Dir::Etc::sourcelist "$work/etc/sources.list";
Dir::Etc::sourceparts "-";
END
  (
    cd "$work"
    export APT_CONFIG="$work/apt.conf"
    apt-get update -q >/dev/null
    package=$(apt-cache depends "$3" | awk '/Depends: linux-image/ { print $2; exit }')
    apt-get download -q "$package"
  )
  dpkg-deb -x "$work"/linux-image-*.deb "$work/files"
  cp "$work"/files/boot/vmlinu* "$kernels/$1"
  rm -rf "$work"
}

kernel aarch64 arm64 linux-image-cloud-arm64
kernel riscv64 riscv64 linux-image-riscv64
for processor in aarch64 riscv64; do
  [ -f dist/runtimes/$processor*-linux-gnu/sema-rt-std ] || make runtimes TARGET=$processor TIERS=std
done
export SEMAC_TEST_KERNELS="$kernels" SEMAC_TEST_RUNTIMES="$PWD/dist/runtimes"
export SEMAC_TEST_SEMAC="$PWD/$target/debug/semac" SEMAC_TEST_RUNTIME="$PWD/$target/debug/sema-rt"
exec ${CARGO:-cargo} nextest run --package sema-tests --test hardening the_kernels_of_other_processors
