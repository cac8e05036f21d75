#!/bin/sh
# Installs packages where that can be done without asking; what needs them is skipped elsewhere.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >/dev/null 2>&1 ||
    { apt-get update -q >/dev/null 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >/dev/null 2>&1; }
fi
for package in "$@"; do
  command -v "$package" >/dev/null || echo "$package is not installed"
done
exit 0
