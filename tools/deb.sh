#!/bin/sh
# Makes a Debian package: deb.sh DIRECTORY VERSION; prints its path. Needs dpkg-deb. Equal files give equal bytes.
set -eu
umask 022
directory=${1:?usage: deb.sh DIRECTORY VERSION}
version=${2:?usage: deb.sh DIRECTORY VERSION}
root=$(cd "$(dirname "$0")/.." && pwd)
architecture=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/semac
sh "$root/tools/stage.sh" "$stage/usr"
# Where Debian wants them.
find "$stage/usr/share/man" "$stage/usr/share/doc/semac/CHANGELOG.md" -type f -exec gzip --no-name -9 {} +
mv "$stage/usr/share/zsh/site-functions" "$stage/usr/share/zsh/vendor-completions"
cat "$root/LICENSE" "$stage/usr/share/doc/semac/NOTICES.txt" > "$stage/usr/share/doc/semac/copyright"
rm "$stage/usr/share/doc/semac/LICENSE" "$stage/usr/share/doc/semac/NOTICES.txt"
mkdir "$stage/DEBIAN"
(cd "$stage" && find usr -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 md5sum) > "$stage/DEBIAN/md5sums"
size=$(du -k -s --apparent-size "$stage/usr" | cut -f1)
cat > "$stage/DEBIAN/control" <<END
Package: semac
Version: $version
Architecture: $architecture
Maintainer: ${DEB_MAINTAINER:-The semac project <semac@localhost>}
Installed-Size: $size
Depends: libc6, libgcc-s1
Section: devel
Priority: optional
Description: ahead-of-time compiler for Sema
 Compiles programs written in Sema, a Lisp, into single executable files that
 need nothing else to run. The package holds the compiler, its runtimes, manual
 pages and completions for shells.
END
find "$stage" -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-0}" {} +
mkdir -p "$directory"
package=$directory/semac_${version}_$architecture.deb
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0} dpkg-deb --root-owner-group -Z${DEB_COMPRESSION:-xz} --build "$stage" "$package" >&2
echo "$package"
