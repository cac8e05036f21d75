#!/bin/sh
# Runs each fuzz target for a while, from the seeds and what earlier runs found.
#
#   fuzz/run.sh [SECONDS [TARGET...]]
#
# Needs nightly Rust and cargo-fuzz (`cargo install cargo-fuzz`). An input that fails is left in
# fuzz/artifacts; mend, then put it into fuzz/seeds/TARGET.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
if ! cargo fuzz --version >/dev/null 2>&1; then
  echo "fuzz: needs nightly Rust and cargo-fuzz: cargo install cargo-fuzz" >&2
  exit 1
fi
mkdir -p fuzz/corpus/reader fuzz/corpus/module fuzz/corpus/archive fuzz/corpus/machine \
  fuzz/corpus/text_formats fuzz/corpus/data fuzz/corpus/packed fuzz/corpus/terminal \
  fuzz/corpus/network
cp compiler/core/tests/reader-seeds/* fuzz/corpus/reader/
cp -f fixtures/bench/*.sema fuzz/corpus/reader/
cp -f fuzz/corpus/reader/* fuzz/corpus/data/
cp fixtures/format/v1/*.semac fuzz/corpus/module/
# Modules and archives of real programs: made here, because the formats change.
semac=${SEMAC:-dist/semac}
for program in fixtures/programs/*.sema; do
  name=$(basename "$program" .sema)
  "$semac" compile "$program" -o "fuzz/corpus/module/$name.semac" >/dev/null 2>&1 || continue
  # Those that are run count their steps, so that the machine can end them.
  "$semac" compile --stoppable "$program" -o "fuzz/corpus/machine/$name.semac" >/dev/null 2>&1 || continue
done
# An archive without the runtime before it: the trailer says where it starts (docs/vfs.md).
"$semac" build fixtures/app/main.sema --include fixtures/app -o fuzz/corpus/app >/dev/null
python3 - <<'END'
import struct
data = open("fuzz/corpus/app", "rb").read()
start, length = struct.unpack("<QQ", data[-48:-32])
open("fuzz/corpus/archive/app", "wb").write(data[start:start + length])
END
cp docs/*.md Cargo.toml fuzz/corpus/text_formats/
for target in ${*:-reader module archive machine text_formats data packed terminal network}; do
  echo "== $target"
  mkdir -p "fuzz/seeds/$target"
  cargo +nightly fuzz run --fuzz-dir fuzz "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 \
    -fork=1 -ignore_timeouts=1 -ignore_ooms=1 -ignore_crashes=0
done
