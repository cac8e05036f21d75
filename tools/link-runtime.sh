#!/bin/sh
# The linker of the runtime: cc, after the functions that every start runs (tools/start-functions.txt)
# were put side by side. The kernel maps files 64 KB at a time, so a start that needs a little of every
# part of the code pays for all parts (docs/adr/0003-runtime-executables.md).
#
# Sections named `.text.startup*` come first in the linker's own script; each function has a section.
# A name that no longer fits costs a page fault and nothing else.
#
# The tables for unwinding go as well: the standard library brings them, and the compiler's option not to
# make them is ignored when it is linked. With musl, those of libraries in C go, too.
#
# SEMA_LINK_PREFIX names the tools of another platform: aarch64-linux-gnu- for aarch64-linux-gnu-gcc.
set -e
prefix=${SEMA_LINK_PREFIX:-}
list=$(dirname "$0")/start-functions.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
renames=$work/renames
# Where the library of C lies that Rust brings, if that is what is linked.
musl=
for argument in "$@"; do
  case $argument in */self-contained) [ ! -f "$argument/libc.a" ] || musl=$argument ;; esac
done
if command -v "${prefix}objdump" >/dev/null && command -v "${prefix}objcopy" >/dev/null; then
  # Each argument moves to the end, perhaps as a copy.
  for argument in "$@"; do
    shift
    case $argument in
      *.rcgu.o)
        # Symbols end in a hash that is not part of the list: 17h, sixteen digits, E.
        "${prefix}objdump" -h "$argument" | awk -v list="$list" '
          BEGIN { while ((getline name < list) > 0) wanted[name] = 1 }
          $2 ~ /^\.text\./ {
            name = substr($2, 7)
            sub(/17h[0-9a-f]+E$/, "", name)
            if (name in wanted) print "--rename-section " $2 "=.text.startup." ++count
          }' >"$renames"
        # Nothing unwinds (panic=abort), so tables that say how are 9 % of the file for nothing.
        echo "--remove-section .eh_frame" >>"$renames"
        "${prefix}objcopy" "@$renames" "$argument" ;;
      # Two names of the compiler's own objects stand for the table's beginning and end.
      */crtbegin*.o | */crtend*.o) ;;
      *.rlib | *.o)
        if [ -n "$musl" ]; then
          copy=$work/$(basename "$argument")
          "${prefix}objcopy" --remove-section .eh_frame "$argument" "$copy"
          argument=$copy
        fi ;;
    esac
    set -- "$@" "$argument"
  done
  if [ -n "$musl" ]; then
    "${prefix}objcopy" --remove-section .eh_frame "$musl/libc.a" "$work/libc.a"
    # Found before the other one.
    set -- "-L$work" "$@" -Wl,--no-eh-frame-hdr
  fi
fi
if [ -n "$prefix" ]; then "${prefix}gcc" "$@"; else cc "$@"; fi
