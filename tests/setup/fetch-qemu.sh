#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-qemu.sh: prints the folder of QEMU 10.0's source as Debian 13 patches it.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"

fetch_qemu() {
	echo "  FETCH   QEMU source (trixie)"
	apt_try trixie apt-get source --download-only --only-source qemu >/dev/null
	dpkg-source --no-check -x ./*.dsc source >unpack.log
	case $(cat source/VERSION) in
	10.0.*) ;;
	*)
		echo "fetch-qemu.sh: trixie has QEMU $(cat source/VERSION), expected 10.0.x" >&2
		return 1
		;;
	esac
	basename ./*.dsc .dsc >source/DEBIAN_VERSION
	rm ./*.tar.* ./*.dsc
}

folder=$(cached qemu-source fetch_qemu)
echo "$folder/source"
