#!/bin/sh
# Puts an installation of semac below a directory: stage.sh DIRECTORY
#
# The directory is the prefix: bin, lib/semac/runtimes, share. What goes in comes from the environment:
#   SEMAC     the compiler                            [dist/semac]
#   RUNTIME   the runtime that is installed as sema-rt, which runs bundles; [the highest tier of RUNTIMES, else dist/sema-rt]
#   DYNAMIC   the runtime with the compiler           [dist/sema-rt-dynamic]
#   RUNTIMES  the folder with the runtimes by target  [dist/runtimes]
#   NOTICES   the licences of what is linked          [dist/NOTICES.txt]
set -eu
umask 022
prefix=${1:?usage: stage.sh DIRECTORY}
root=$(cd "$(dirname "$0")/.." && pwd)
semac=${SEMAC:-$root/dist/semac}
dynamic=${DYNAMIC:-$root/dist/sema-rt-dynamic}
runtimes=${RUNTIMES:-$root/dist/runtimes}
notices=${NOTICES:-$root/dist/NOTICES.txt}
host=$(rustc -vV | sed -n 's/^host: //p')
runtime=${RUNTIME:-}
for tier in full net std; do
  if [ -z "$runtime" ] && [ -f "$runtimes/$host/sema-rt-$tier" ]; then
    runtime=$runtimes/$host/sema-rt-$tier
  fi
done
runtime=${runtime:-$root/dist/sema-rt}
for file in "$semac" "$runtime" "$dynamic" "$notices"; do
  [ -f "$file" ] || { echo "stage.sh: there is no $file; make builds it" >&2; exit 1; }
done

# Copies a file that is there complete or not at all, also when the old one is running.
put() {
  mkdir -p "$(dirname "$3")"
  cp "$2" "$3.new"
  chmod "$1" "$3.new"
  mv "$3.new" "$3"
}

put 755 "$semac" "$prefix/bin/semac"
put 755 "$runtime" "$prefix/bin/sema-rt"
put 755 "$dynamic" "$prefix/lib/semac/runtimes/$host/sema-rt-dynamic"
# What it is made of: bills of materials and notices of licences are made of that.
[ ! -f "$dynamic.components.json" ] ||
  put 644 "$dynamic.components.json" "$prefix/lib/semac/runtimes/$host/sema-rt-dynamic.components.json"
if [ -d "$runtimes" ]; then
  (cd "$runtimes" && find . -type f -name 'sema-rt-*' | LC_ALL=C sort) | while read -r file; do
    case $file in
      *.json) mode=644 ;;
      *) mode=755 ;;
    esac
    put $mode "$runtimes/$file" "$prefix/lib/semac/runtimes/$file"
  done
fi
for page in LICENSE README.md CHANGELOG.md docs/guide.md docs/shipping.md docs/codes.md docs/builtins.md; do
  put 644 "$root/$page" "$prefix/share/doc/semac/$(basename "$page")"
done
put 644 "$notices" "$prefix/share/doc/semac/NOTICES.txt"
"$semac" --quiet man --output "$prefix/share/man/man1"
completion() {
  mkdir -p "$(dirname "$2")"
  "$semac" completions "$1" > "$2"
  chmod 644 "$2"
}
completion bash "$prefix/share/bash-completion/completions/semac"
completion zsh "$prefix/share/zsh/site-functions/_semac"
completion fish "$prefix/share/fish/vendor_completions.d/semac.fish"
