#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the set-up says where it can't go on: its last line is what to do, and its exit status is not 0. Prints KTAP.
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
number=0

# refuses NAME WORDS COMMAND...: the command fails, and its last line has these words; but for what a make says of itself
refuses() {
	local name=$1 words=$2 said status=0
	shift 2
	number=$((number + 1))
	said=$(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "$@" 2>&1 </dev/null | grep -v '^make: \*\*\* .* Error [0-9]*$'; exit "${PIPESTATUS[0]}") || status=$?
	if [ $status -ne 0 ] && tail -n 1 <<<"$said" | grep -qF "$words"; then
		echo "ok $number $name"
	else
		echo "# status $status, said at last: $(tail -n 3 <<<"$said")" | sed '2,$s/^/# /'
		echo "not ok $number $name"
	fi
}

skips() {
	number=$((number + 1))
	echo "ok $number $1 # SKIP $2"
}

# unprivileged COMMAND...: as somebody who may not install packages or write to others' folders
unprivileged() {
	if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi
}
export -f unprivileged

# A program of this name that fails in front of the system's.
fails() {
	mkdir -p "$work/bin"
	printf '#!/bin/sh\necho "%s: no"\nexit 100\n' "$1" >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}

# In front of a command that mounts what nobody else sees.
private=(unshare --mount)
[ "$(id -u)" = 0 ] || private+=(--map-root-user)

echo "TAP version 14"
chmod 755 "$work"

# Nothing listens there.
refuses "no network: what is fetched" "XQ_MIRROR=URI" env XQ_CACHE="$work/cache" XQ_MIRROR=http://127.0.0.1:9/debian \
	XQ_MIRROR_SECURITY=http://127.0.0.1:9/security "$here/fetch-kernel.sh" 6.12

refuses "no network: make" "XQ_MIRROR=URI" env -u XQ_CACHE "XDG_CACHE_HOME=$work/none" XQ_MIRROR=http://127.0.0.1:9/debian \
	XQ_MIRROR_SECURITY=http://127.0.0.1:9/security make --no-print-directory -C "$top" "O=$work/out" "$work/out/stamp/kernel-6.12"

cp "$here/packages.sh" "$work/"
echo "no-such-package base" >"$work/packages.list"
fails apt-get
fails sudo
if [ "$(id -u)" = 0 ]; then
	refuses "no network: packages" "apt-get install --no-install-recommends no-such-package" env PATH="$work/bin:$PATH" "$work/packages.sh" base
else
	skips "no network: packages" "only root calls apt-get directly"
fi
# Without a terminal, where sudo could ask.
refuses "no sudo" "as root run: apt-get install --no-install-recommends no-such-package" \
	setsid -w env PATH="$work/bin:$PATH" bash -c "unprivileged '$work/packages.sh' base"

# A sudo that wants a password, in a make of two jobs on a terminal.
number=$((number + 1))
# shellcheck disable=SC2016
printf '#!/bin/sh\n[ "$1" != -n ] && exec "$@"\n' >"$work/bin/sudo"
printf 'all: one two\none two:\n\t@%s/packages.sh base\n' "$work" >"$work/Makefile"
printf '#!/bin/sh\nexit 0\n' >"$work/bin/apt-get"
# script(1) starts the SHELL, and dash keeps no functions for others.
said=$(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL PATH="$work/bin:$PATH" SHELL="$BASH" setsid -w script -qec \
	"bash -c \"unprivileged make -C '$work' -j 2\"" /dev/null 2>&1 </dev/null)
if [ "$(grep -c "packages (base)" <<<"$said")" = 2 ]; then
	echo "ok $number sudo asks on the terminal, in a parallel make"
else
	echo "# ${said//$'\n'/$'\n'# }"
	echo "not ok $number sudo asks on the terminal, in a parallel make"
fi
fails apt-get

# In place of the system's, the body on standard input, in a folder of its own.
apt_get() {
	{ printf '#!/bin/sh\ncd %s || exit\nheld() { echo "E: Could not get lock"; exit 100; }\n' "$work"; cat; } >"$work/bin/apt-get"
}
installs() {
	if [ "$(id -u)" != 0 ]; then skips "$1" "only root calls apt-get directly"; return; fi
	number=$((number + 1))
	if PATH="$work/bin:$PATH" sh -c "$2" >"$work/said" 2>&1; then
		echo "ok $number $1"
	else
		sed 's/^/# /' "$work/said"
		echo "not ok $number $1"
	fi
}
apt_get <<'END'
mkdir held || held; sleep 0.5; rmdir held
END
installs "two that install at once" "'$work/packages.sh' base & '$work/packages.sh' base && wait \$!"
apt_get <<'END'
case $* in
*update*) [ -e tried ] || { touch tried; held; }; touch updated ;;
*) [ -e updated ] ;;
esac
END
installs "lists that another has locked for a while" "'$work/packages.sh' base"

if "${private[@]}" true 2>/dev/null; then
	mkdir "$work/small"
	printf '%s\n' 'set -euo pipefail' ". '$here/cached.sh'" 'fill() { head -c 8M /dev/zero >file; }' 'cached thing fill' >"$work/fill.sh"
	refuses "a full disk: the cache" "make room" "${private[@]}" sh -c \
		"mount -t tmpfs -o size=4m small '$work/small' && XQ_CACHE='$work/small/cache' bash '$work/fill.sh'"
	refuses "a full disk: the output" "make room" "${private[@]}" sh -c \
		"mount -t tmpfs -o size=4m small '$work/small' && make --no-print-directory -C '$top' lib 'O=$work/small/out'"
	refuses "a read-only tree" "O=DIR" "${private[@]}" sh -c \
		"mount --bind '$top' '$top' && mount -o remount,bind,ro '$top' && make --no-print-directory -C '$top' lib O=tests/no-such-folder"
else
	for name in "a full disk: the cache" "a full disk: the output" "a read-only tree"; do
		skips "$name" "nothing can be mounted here"
	done
fi
refuses "a cache that can't be written" "XDG_CACHE_HOME=DIR" env XQ_CACHE=/proc/cache "$here/fetch-qemu.sh"
echo "1..$number"
