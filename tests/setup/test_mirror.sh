#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mirror.sh against configurations in both styles; prints KTAP.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. /etc/os-release
export XQ_APT_ETC
XQ_APT_ETC=$(mktemp -d)
trap 'rm -rf "$XQ_APT_ETC"' EXIT
number=0

expect() {
	local name=$1 archive=$2 wanted=$3 got
	number=$((number + 1))
	got=$("$here/mirror.sh" "$archive" 2>&1) || got="error: ${got#*: }"
	if [ "$got" = "$wanted" ]; then
		echo "ok $number $name"
	else
		echo "# wanted $wanted, got $got"
		echo "not ok $number $name"
	fi
}

configuration() {
	rm -rf "${XQ_APT_ETC:?}"/*
	mkdir "$XQ_APT_ETC/sources.list.d"
	cat >"$XQ_APT_ETC/$1"
}

echo "TAP version 14"
configuration sources.list <<END
deb-src http://source.example/debian $VERSION_CODENAME main
# deb http://comment.example/debian $VERSION_CODENAME main
deb [arch=amd64 trusted=yes] http://one.example/debian $VERSION_CODENAME main
deb http://two.example/security $VERSION_CODENAME-security main
END
expect "one line" main http://one.example/debian
expect "one line, security" security http://two.example/security

configuration sources.list.d/debian.sources <<END
Types: deb-src
URIs: http://source.example/debian
Suites: $VERSION_CODENAME

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: $VERSION_CODENAME

# the mirror
Types: deb deb-src
URIs: https://three.example/debian/
Suites: $VERSION_CODENAME
 $VERSION_CODENAME-updates
Components: main

Types: deb
URIs: http://four.example/security
Suites: $VERSION_CODENAME-security
END
expect "deb822" main https://three.example/debian/
expect "deb822, security" security http://four.example/security

# As Debian's images for clouds have it.
configuration sources.list.d/debian.sources <<END
Types: deb deb-src
URIs: mirror+file://$XQ_APT_ETC/mirrors/absent.list mirror+file://$XQ_APT_ETC/mirrors/debian.list
Suites: $VERSION_CODENAME
Components: main

Types: deb deb-src
URIs: mirror+file:$XQ_APT_ETC/mirrors/security.list
Suites: $VERSION_CODENAME-security
Components: main
END
mkdir "$XQ_APT_ETC/mirrors"
printf '%s\n' "# the mirrors" "" "file:/mnt/debian" "https://six.example/debian	priority:1 type:deb" "http://seven.example/debian" >"$XQ_APT_ETC/mirrors/debian.list"
printf 'https://eight.example/security' >"$XQ_APT_ETC/mirrors/security.list"
expect "a list of mirrors" main https://six.example/debian
expect "a list of mirrors, security" security https://eight.example/security

configuration sources.list.d/other.list <<END
deb http://vendor.example/apt stable main
deb file:/mnt/debian $VERSION_CODENAME main
END
expect "no network archive of this release" main \
	"error: apt's sources name no network archive of $VERSION_CODENAME; set XQ_MIRROR to the URI of one"
expect "no security archive" security ""
XQ_MIRROR=http://five.example/debian expect "told" main http://five.example/debian
echo "1..$number"
