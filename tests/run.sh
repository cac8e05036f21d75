#!/bin/sh
# Runs all tests: with cargo-nextest if it is installed, else with cargo test.
set -u
cargo=${CARGO:-cargo}
if "$cargo" nextest --version >/dev/null 2>&1; then
  "$cargo" nextest run --workspace --no-fail-fast --hide-progress-bar --status-level fail --final-status-level fail </dev/null
else
  "$cargo" test --workspace --no-fail-fast --lib --bins --tests </dev/null
fi
