#!/bin/sh
# Runs the conformance cases and compares the number of passed ones with the recorded number.
#
#   conformance.sh CASES SEMAC RECORD [run|built|wasm|stress]
#
# run     each program with `semac run`; the number is `passed` in RECORD
# built   each program as an executable, those that evaluate code at run time with the runtime that
#         contains the compiler (which lies beside SEMAC); the number is `built` in RECORD
# wasm    each program that evaluates no code at run time as a module of WebAssembly, under Node's WASI; the number is
#         `wasm` in RECORD (lower: there are no processes, no network and no terminals)
# stress  like run, with a SEMAC that collects garbage at every safepoint; the number is `stress` in
#         RECORD (lower: programs that ask `gc/collect` how much it found are told that nothing was left)
#
# Cases that fail and are not in tests/conformance-open.txt run again, alone; those that fail again are
# named. Fewer than recorded is a failure. More is a success, and time to raise the number in RECORD, which
# stays a few below what passes on a quiet machine, because some cases depend on time.
set -u
cases=$1 semac=$2 record=$3 mode=${4:-run}
if [ ! -f "$cases/run.py" ]; then
  echo "conformance: skipped, there are no cases in $cases"
  exit 0
fi
mkdir -p target
log=target/conformance-$mode.log
: >"$log"

open=tests/conformance-open.txt

# Runs the cases of a folder; the reports go to target/conformance-NAME.json and -NAME-again.json.
cases_of() {
  name=$1 folder=$2
  shift 2
  report=target/conformance-$name.json
  "$cases/run.py" --cases "$folder" --json "$report" "$@" </dev/null | tee -a "$log"
  again=$(tests/conformance_open.py --pattern "$open" "$report")
  if [ -n "$again" ]; then
    report=target/conformance-$name-again.json
    "$cases/run.py" --cases "$folder" --json "$report" --id "$again" --jobs 1 --retry 2 "$@" </dev/null |
      tee -a "$log"
    tests/conformance_open.py "$open" "$report"
  fi
}

case $mode in
run)
  key=passed
  cases_of run "$cases" --cmd "$semac run {file}"
  ;;
stress)
  key=stress
  export SEMA_GC_STRESS=1 SEMAC_STACK_MB=16
  cases_of stress "$cases" --cmd "$semac run {file}" --timeout 60 \
    --env SEMA_GC_STRESS --env SEMAC_STACK_MB
  ;;
built)
  key=built
  split=target/conformance-cases
  rm -rf "$split"
  mkdir -p "$split/slim" "$split/dynamic"
  for file in "$cases"/*.jsonl; do
    name=$(basename "$file")
    grep -v '"dynamic": true' "$file" >"$split/slim/$name" || rm "$split/slim/$name"
    grep '"dynamic": true' "$file" >"$split/dynamic/$name" || rm "$split/dynamic/$name"
  done
  # Some cases are about how a program fails that semac would not build.
  allow=$(printf -- '--allow %s ' W0201 W0202 W0401 W0405 W0407 W0409 W0209)
  cases_of slim "$split/slim" --build-cmd "$semac build $allow{file} -o {out}"
  cases_of dynamic "$split/dynamic" --build-cmd "$semac build --dynamic $allow{file} -o {out}"
  ;;
wasm)
  key=wasm
  split=target/conformance-cases
  rm -rf "$split/wasm"
  mkdir -p "$split/wasm"
  for file in "$cases"/*.jsonl; do
    grep -v '"dynamic": true' "$file" >"$split/wasm/$(basename "$file")" || rm "$split/wasm/$(basename "$file")"
  done
  allow=$(printf -- '--allow %s ' W0201 W0202 W0401 W0405 W0407 W0409 W0209)
  cases_of wasm "$split/wasm" --build-cmd "$PWD/tests/wasm_program.sh $semac {file} {out} $allow"
  ;;
*)
  echo "conformance: unknown mode $mode" >&2
  exit 2
  ;;
esac

recorded=$(sed -n "s/^$key: //p" "$record")
passed=$(sed -n 's/^\([0-9][0-9]*\) passed, [0-9][0-9]* failed$/\1/p' "$log" |
  awk '{ sum += $1 } END { print sum + 0 }')
echo "conformance ($mode): $passed cases pass, $record says ${recorded:-0}"
if [ "$passed" -lt "${recorded:-0}" ]; then
  echo "conformance ($mode): fewer than before (see target/conformance-*.json)"
  exit 1
fi
if [ "$passed" -gt $((${recorded:-0} + 5)) ]; then
  echo "conformance ($mode): raise the number"
fi
