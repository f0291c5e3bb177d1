#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# chroot.sh RELEASE fresh|build|user: prints the archive of a Debian system, which is made once, as root:
#	fresh	what the README asks for
#	build	what the packages are built with
#	user	what somebody has who will install them: the release's kernel, its headers and DKMS
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../setup/cached.sh"
release=$1
kind=$2

case $kind in
fresh) packages=git,make,sudo ;;
build)
	control=$here/../../libxqaccel/debian/control
	packages=build-essential,lintian,$(sed -n 's/ *([^)]*)//g; s/-compat//; s/^Build-Depends: //p' "$control" | tr -d ' ')
	;;
user) packages=linux-image-amd64,linux-headers-amd64,dkms,systemd,udev ;;
*)
	echo "usage: chroot.sh RELEASE fresh|build|user" >&2
	exit 2
	;;
esac
# For cache_folder.
# shellcheck disable=SC2034
cache_words="$packages"

make_archive() {
	echo "  CHROOT  $release, $kind"
	mmdebstrap --quiet --variant=minbase --include="$packages" "$release" root.tar "$("$here/../setup/mirror.sh" main)" \
		</dev/null
}

folder=$(cached "chroot/$release-$kind" make_archive)
echo "$folder/root.tar"
