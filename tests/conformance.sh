#!/bin/sh
# Runs the conformance cases and compares the number of passed ones with the recorded number.
#
#   conformance.sh CASES SEMAC RECORD
#
# Fewer than recorded is a failure. More is a success, and time to raise the number in RECORD.
set -u
cases=$1 semac=$2 record=$3
if [ ! -f "$cases/run.py" ]; then
  echo "conformance: skipped, there are no cases in $cases"
  exit 0
fi
recorded=$(sed -n 's/^passed: //p' "$record")
mkdir -p target
"$cases/run.py" --cmd "$semac run {file}" --json target/conformance.json --retry 1 </dev/null |
  tee target/conformance.log
passed=$(sed -n 's/^\([0-9][0-9]*\) passed, [0-9][0-9]* failed$/\1/p' target/conformance.log | tail -n 1)
if [ "${passed:-0}" -lt "${recorded:-0}" ]; then
  echo "conformance: ${passed:-0} cases passed, $recorded did before (see target/conformance.json)"
  exit 1
fi
if [ "$passed" -gt "${recorded:-0}" ]; then
  echo "conformance: $passed cases pass, $record says ${recorded:-0}: raise it"
fi
