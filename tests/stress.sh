#!/bin/sh
# Runs the programs of fixtures/programs with garbage collected at every safepoint.
#
#   stress.sh SEMAC
#
# SEMAC must be built with the feature gc-stress. What is wrong with the roots of the collector shows
# as a wrong output or a crash.
set -u
semac=$1
export SEMA_GC_STRESS=1
output=$(mktemp)
trap 'rm -f "$output"' EXIT
passed=0
failed=0
for source in fixtures/programs/*.sema; do
  name=$(basename "$source" .sema)
  # Each collection looks at the whole stack: a recursion a million deep takes hours.
  [ "$name" = deep-recursion ] && continue
  input=/dev/null
  [ -f "fixtures/programs/$name.in" ] && input=fixtures/programs/$name.in
  if timeout 300 "$semac" run "$source" <"$input" >"$output" 2>"$output.errors"
  then status=0
  else status=$?
  fi
  expected=$(sed -n 's/^;; exit: //p' "$source")
  if [ "$status" -eq "${expected:-0}" ] && cmp -s "$output" "fixtures/programs/$name.out"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "stress: $name failed with status $status"
    tail -n 20 "$output.errors"
  fi
done
rm -f "$output.errors"
echo "stress: $passed programs passed, $failed failed"
[ "$failed" -eq 0 ]
