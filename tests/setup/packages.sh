#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# packages.sh GROUP...: installs the Debian packages of these groups of packages.list that are missing,
# as root or through sudo. Without either it prints the one command to run. A name that ends in "?" is left out where
# this release of Debian does not have it.
set -eu
LOCK_TRIES=60

# A make and those it calls for other machines ask at once, and nobody can be made to wait for apt's lock of its lists.
if [ -r /var/lib/apt/lists ]; then
	exec 9</var/lib/apt/lists
	flock 9
fi

wanted=$(awk -v groups=" $* " '!/^#/ && index(groups, " " $2 " ") { print $1 }' "$(dirname "$0")/packages.list")

missing=
for package in $wanted; do
	case $package in
	*\?)
		package=${package%\?}
		apt-cache show "$package" >/dev/null 2>&1 || continue
		;;
	esac
	case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
	*"ok installed") ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	as_root='sudo -n'
elif command -v sudo >/dev/null && { true </dev/tty; } 2>/dev/null; then
	# It asks for the password there, whatever our input is: in a parallel make that is a terminal's for one command at a time.
	as_root=sudo
else
	echo "Missing Debian packages; as root run: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt_get() {
	$as_root env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 "$@" \
		</dev/null >"$log" 2>&1 9<&-
}
# What the system runs by itself every day may hold that lock.
update() {
	tries=0
	until apt_get update; do
		tries=$((tries + 1))
		grep -q 'Could not get lock' "$log" && [ "$tries" -le "$LOCK_TRIES" ] || return 1
		sleep 5
	done
}

echo "  APT     $(echo "$missing" | wc -w) packages ($*)"
# The package lists may be absent or older than the pool, so a first failure means: update, then try again.
# shellcheck disable=SC2086
apt_get install --no-install-recommends $missing && exit 0
if ! update; then
	cat "$log" >&2
	echo "packages.sh: apt-get update failed (see above); continuing with the lists at hand" >&2
fi
# shellcheck disable=SC2086
apt_get install --no-install-recommends $missing && exit 0
cat "$log" >&2
echo "packages.sh: apt could not install them (see above); when it can, with a network and room in /var, run the same" \
	"command again, or as root: apt-get install --no-install-recommends$missing" >&2
exit 1
