#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fresh.sh BUILD RELEASE COMMAND: what somebody sees who has just installed this Debian release, with git, make and sudo and
# nothing else, clones this checkout's last commit and types COMMAND there. Nothing is cached. XQ_VECTORS lies beside the
# clone, read-only, if there is any. The last line says how it ended and how long it took. As root, for mount(8).
# What system.sh sets is not looked for there.
# shellcheck disable=SC2154
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
build=$(readlink -f "$1")
release=$2
command=$3
. "$here/system.sh"

if [ "$(id -u)" != 0 ]; then
	echo "fresh.sh: only root can make a system: sudo make check-fresh" >&2
	exit 1
fi
private_mounts "$0" "$@"

# What a login has and a daemon does without.
add_devices() {
	local number
	mknod -m 666 "$root/dev/tty" c 5 0
	mkdir -m 1777 "$root/dev/shm"
	mkdir "$root/dev/pts"
	mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	for number in 0:stdin 1:stdout 2:stderr; do
		ln -s "/proc/self/fd/${number%:*}" "$root/dev/${number#*:}"
	done
	mount -t sysfs -o ro sysfs "$root/sys"
}

add_user() {
	echo "127.0.1.1 $(hostname)" >>"$root/etc/hosts"
	inside useradd -m -s /bin/bash member
	echo 'member ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/member"
	git -C "$top" bundle create --quiet "$root/home/member/xqaccel.bundle" HEAD
	if [ -d "${XQ_VECTORS:=$top/../shared}" ]; then
		inside install -d -o member -g member /home/member/shared
		mount --bind -o ro "$XQ_VECTORS" "$root/home/member/shared"
	fi
}

# The system is the root of all that it sees, not a chroot, in which a user could not have a namespace; its processes end
# with this script.
# shellcheck disable=SC2016 # expanded inside
as_user() {
	setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --propagation private bash -c '
		root=$1 && shift && mount --rbind "$root" "$root" && cd "$root" && pivot_root . mnt &&
		exec chroot . bash -c "umount -l /mnt && mount -t proc proc /proc && exec \"\$@\"" bash "$@"' \
		bash "$root" setpriv --pdeathsig keep --reuid=member --regid=member --init-groups \
		env -i "${inside_environment[@]}" USER=member HOME=/home/member bash -c "$1" </dev/null
}

work=$build/systems/fresh-$release
rm -rf --one-file-system "$work"
mkdir -p "$work"
make_system fresh
add_devices
add_user
as_user 'git init --quiet -b main ~/xqaccel && cd ~/xqaccel && git fetch --quiet ../xqaccel.bundle HEAD &&
	git checkout --quiet FETCH_HEAD'

read -r load_before _ </proc/loadavg
status=0
TIMEFORMAT='%0R %0U %0S'
{ time as_user "cd ~/xqaccel && $command" 2>&1 | tee "$work/log"; } 2>"$work/time" || status=$?
read -r wall user system <"$work/time"
read -r load_after _ </proc/loadavg
echo "$release, $(git -C "$top" rev-parse --short HEAD), $command: status $status after $wall s of the wall," \
	"$((user + system)) s of processors, load $load_before to $load_after"
exit $status
