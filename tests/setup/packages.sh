#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# packages.sh GROUP...: installs the Debian packages of these groups of packages.list that are missing,
# as root or through sudo. Without either it prints the one command to run. A name that ends in "?" is left out where
# this release of Debian does not have it.
set -eu

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
elif command -v sudo >/dev/null && [ -t 0 ]; then
	as_root=sudo
else
	echo "Missing Debian packages; as root run: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt_get() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 "$@" </dev/null >"$log" 2>&1
}

echo "  APT     $(echo "$missing" | wc -w) packages ($*)"
# The package lists may be absent or older than the pool, so a first failure means: update, then try again.
# shellcheck disable=SC2086
apt_get install --no-install-recommends $missing && exit 0
if ! apt_get update; then
	cat "$log" >&2
	echo "packages.sh: apt-get update failed (see above); continuing with the lists at hand" >&2
fi
# shellcheck disable=SC2086
apt_get install --no-install-recommends $missing && exit 0
cat "$log" >&2
echo "packages.sh: apt could not install them (see above); when it can, with a network and room in /var, run the same" \
	"command again, or as root: apt-get install --no-install-recommends$missing" >&2
exit 1
