#!/bin/bash
# SPDX-License-Identifier: MIT
#
# build.sh FOLDER [-A]: builds the Debian packages of this checkout in FOLDER, with -A the driver's alone. It works on a copy,
# because dpkg-buildpackage wants debian/ at the top; what that prints is in FOLDER/build.log.
set -euo pipefail

top=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
mkdir -p "$1"
out=$(readlink -f "$1")
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$top/libxqaccel/debian/changelog")
source=$out/xqaccel-$version

echo "  DEB     xqaccel $version"
rm -rf "$source" "$out"/*.deb
mkdir "$source"
for name in Documentation Kbuild LICENSES MAINTAINERS Makefile README.md driver emulator libxqaccel tests uapi; do
	cp -r "$top/$name" "$source/"
done
find "$source" -name __pycache__ -prune -exec rm -r {} +
mv "$source/libxqaccel/debian" "$source/debian"
cd "$source"
# What this make was told is not for that one.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u O -u V -u Q DEB_BUILD_OPTIONS="parallel=${JOBS:-$(nproc)} ${DEB_BUILD_OPTIONS:-}" \
	dpkg-buildpackage -us -uc "${2:--b}" >"$out/build.log" 2>&1 || {
	tail -n 30 "$out/build.log"
	echo "dpkg-buildpackage failed; what it said is in $out/build.log"
	exit 1
} >&2
cd "$out"
rm -r "$source"
printf '          %s\n' *.deb
