# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# Sourced, by a script with a mount namespace of its own: fresh Debian systems to run programs in. As root.
# It reads $release and $work, the folder that systems are made in.

system_scripts=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

# private_mounts SCRIPT ARGUMENT...: runs the script again where what it mounts goes away with it.
private_mounts() {
	[ "${XQ_MOUNTS:-}" ] || XQ_MOUNTS=private exec unshare --mount --propagation private "$@"
}

# make_system KIND: a fresh one in $root, with what a chroot needs of its host.
make_system() {
	local device archive
	archive=$("$system_scripts/chroot.sh" "$release" "$1") || return 1
	root=$work/$1
	mkdir "$root"
	tar -C "$root" -xpf "$archive" || return 1
	mount -t proc proc "$root/proc"
	mount -t tmpfs -o mode=755 dev "$root/dev"
	for device in null:3 zero:5 full:7 random:8 urandom:9; do
		mknod -m 666 "$root/dev/${device%:*}" c 1 "${device#*:}"
	done
	ln -s /proc/self/fd "$root/dev/fd"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	# Nobody needs this system after a crash.
	echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
}

# What programs inside know of the host.
inside_environment=(PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 ${http_proxy:+http_proxy="$http_proxy"}
	${https_proxy:+https_proxy="$https_proxy"})

inside() {
	chroot "$root" env -i "${inside_environment[@]}" HOME=/root DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}
