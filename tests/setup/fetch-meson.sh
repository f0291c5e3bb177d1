#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-meson.sh: prints a folder for PYTHONPATH that holds meson >= 1.5, which QEMU requires and bookworm lacks.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
. /etc/os-release
case $VERSION_CODENAME in
bookworm) release=bookworm-backports ;;
*) release=trixie ;;
esac

fetch_meson() {
	echo "  FETCH   meson ($release)"
	unpack_debs "$release" . meson
}

folder=$(cached "meson-$VERSION_CODENAME" fetch_meson)
echo "$folder/usr/lib/python3/dist-packages"
