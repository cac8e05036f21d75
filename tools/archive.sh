#!/bin/sh
# Makes the archive of a release: archive.sh OUTPUT.tar.gz [NAME]
#
# One directory, NAME, with an installation in it (tools/stage.sh) and SHA256SUMS of all its files. Equal files give equal
# bytes: owners, times (SOURCE_DATE_EPOCH, else 1970) and order are fixed. Beside it goes OUTPUT.tar.gz.sha256.
set -eu
umask 022
output=${1:?usage: archive.sh OUTPUT.tar.gz [NAME]}
name=${2:-$(basename "$output" .tar.gz)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sh "$(dirname "$0")/stage.sh" "$work/$name"
(cd "$work/$name" && find . -type f ! -name SHA256SUMS | LC_ALL=C sort | sed 's|^\./||' | tr '\n' '\0' | xargs -0 sha256sum) \
  > "$work/SHA256SUMS"
mv "$work/SHA256SUMS" "$work/$name/SHA256SUMS"
chmod 644 "$work/$name/SHA256SUMS"
mkdir -p "$(dirname "$output")"
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-0}" --format=ustar \
  --directory="$work" "$name" | gzip --no-name -${COMPRESSION:-9} > "$output.new"
mv "$output.new" "$output"
(cd "$(dirname "$output")" && sha256sum "$(basename "$output")") > "$output.sha256"
