#!/bin/sh
# Installs packages of the distribution that tests need as peers: debian.sh PACKAGE...
# Fails where that is not possible; the tests are then skipped. Only one of these runs at a time.
command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || exit 1
lock=${TMPDIR:-/tmp}/semac-test-peers.lock
exec 9>"$lock"
if command -v flock >/dev/null; then flock 9; fi
export DEBIAN_FRONTEND=noninteractive
apt-get install -y --no-install-recommends "$@" >/dev/null 2>&1 </dev/null ||
  { apt-get update >/dev/null 2>&1 && apt-get install -y --no-install-recommends "$@" >/dev/null 2>&1 </dev/null; }
