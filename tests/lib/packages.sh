#!/bin/sh
# SPDX-License-Identifier: MIT
#
# packages.sh LIST STAMP: make sure that the Debian packages named in LIST are installed.  Installs what is
# missing where that is allowed (root, or sudo without a password, and no NOINSTALL=1); else prints the
# command that would do it, and fails.  STAMP is a makefile without content; it is made once, so that make
# need not restart each time.
set -eu
list=$1 stamp=$2
mkdir -p "$(dirname "$stamp")"

missing=
for package in $(sed 's/#.*//' "$list" | awk 'NF { print $1 }'); do
    case $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null) in
    ?i*) ;;
    *) missing="$missing $package" ;;
    esac
done

if [ -n "$missing" ]; then
    command="apt-get install -y --no-install-recommends$missing"
    echo "packages: missing:$missing" >&2
    if [ -n "${NOINSTALL:-}" ]; then
        as_root=no
    elif [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=sudo
    else
        as_root=no
    fi
    if [ "$as_root" = no ]; then
        echo "packages: cannot install them here; as root, run:" >&2
        echo "    apt-get update && $command" >&2
        exit 1
    fi
    log=$(dirname "$stamp")/packages.log
    echo "packages: installing them (log: $log)" >&2
    install() {
        $as_root env DEBIAN_FRONTEND=noninteractive $command </dev/null >>"$log" 2>&1
    }
    : >"$log"
    # Package lists may be absent or too old: then fetch them once and try again.
    install || { $as_root apt-get update </dev/null >>"$log" 2>&1; install; } || {
        tail -n 20 "$log" >&2
        echo "packages: apt-get failed (see above); once it is mended, run: $command" >&2
        exit 1
    }
fi
[ -e "$stamp" ] || echo "# Packages are checked each time that make starts." >"$stamp"
