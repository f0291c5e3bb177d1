#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mirror.sh main|security: prints the URI of the Debian archive that the system's own apt configuration uses,
# in deb822 or one-line style, or what XQ_MIRROR and XQ_MIRROR_SECURITY say. A system without a security archive
# prints nothing for it; one without any archive is an error.
set -euo pipefail

archive=$1
etc=${XQ_APT_ETC:-/etc/apt}
. /etc/os-release

# Prints "URI SUITE" for every enabled binary source.
entries() {
	local file
	for file in "$etc/sources.list" "$etc"/sources.list.d/*.list; do
		[ -e "$file" ] || continue
		sed -n -e 's/\[[^]]*\]//' -e 's/^[[:space:]]*deb[[:space:]][[:space:]]*//p' "$file" | awk '{ print $1, $2 }'
	done
	for file in "$etc"/sources.list.d/*.sources; do
		[ -e "$file" ] || continue
		awk -v RS= '{
			uris = suites = types = ""; enabled = 1
			n = split($0, line, "\n")
			for (i = 1; i <= n; i++) {
				if (line[i] ~ /^#/)
					continue
				if (match(line[i], /^[A-Za-z-]+:/)) {
					field = tolower(substr(line[i], 1, RLENGTH - 1))
					value = substr(line[i], RLENGTH + 1)
				} else
					value = line[i]
				if (field == "uris") uris = uris " " value
				if (field == "suites") suites = suites " " value
				if (field == "types") types = types " " value
				if (field == "enabled" && value ~ /no/) enabled = 0
			}
			if (!enabled || (" " types " ") !~ / deb /)
				next
			nu = split(uris, u, " "); ns = split(suites, s, " ")
			for (i = 1; i <= nu; i++) for (j = 1; j <= ns; j++) print u[i], s[j]
		}' "$file"
	done
}

# debootstrap may leave a file: or a codename of its own; only network archives of this release count. A list of archives is a file
# of this system, which is nothing to a system that is made from here: its first archive is.
pick() {
	local uri
	entries | awk -v want="$1" '$2 == want { print $1 }' | while read -r uri; do
		case $uri in
		mirror+file:*) uri=$(awk '/^(https?|tor\+https?):/ { print $1; exit }' "/${uri#mirror+file:*/}" 2>/dev/null || true) ;;
		esac
		case $uri in
		http:* | https:* | mirror+http:* | mirror+https:* | tor+http:* | tor+https:*) echo "$uri" ;;
		esac
	done | sed -n 1p
}

case $archive in
main)
	uri=${XQ_MIRROR:-$(pick "$VERSION_CODENAME")}
	if [ -z "$uri" ]; then
		echo "mirror.sh: apt's sources name no network archive of $VERSION_CODENAME; set XQ_MIRROR to the URI of one" >&2
		exit 1
	fi
	echo "$uri"
	;;
security)
	echo "${XQ_MIRROR_SECURITY:-$(pick "$VERSION_CODENAME-security")}"
	;;
*)
	echo "usage: mirror.sh main|security" >&2
	exit 2
	;;
esac
