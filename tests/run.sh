#!/bin/sh
# Runs all tests: with cargo-nextest if it is installed, else with cargo test. Then the example of the embedding library.
set -u
status=0
cargo=${CARGO:-cargo}
if "$cargo" nextest --version >/dev/null 2>&1; then
  "$cargo" nextest run --workspace --no-fail-fast --hide-progress-bar --status-level fail --final-status-level fail </dev/null || status=$?
else
  "$cargo" test --workspace --no-fail-fast --lib --bins --tests </dev/null || status=$?
fi
"$cargo" test --quiet --doc --package sema-embed </dev/null || status=$?
exit $status
