#!/bin/sh
# Runs small trials of a semac (a folder each, with a runner beside them) and fails if fewer pass than the numbers say.
# usage: trials.sh TRIALS SEMAC NUMBERS
set -eu
trials=$1 semac=$2 numbers=$3
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The runner's status says whether all pass; what counts is how many.
python3 "$trials/run.py" "$semac" >"$log" || true
grep -v '^PASS' "$log"
passed=$(sed -n 's/^\([0-9]*\) passed, .*/\1/p' "$log")
wanted=$(sed -n 's/^trials: //p' "$numbers")
echo "trials: ${passed:-none} pass, $numbers says $wanted"
[ "${passed:-0}" -ge "$wanted" ]
