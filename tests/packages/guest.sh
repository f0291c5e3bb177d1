#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Runs in the VM: a system that has the packages installed is in /vectors, read-only. Above it lies memory; its udev finds
# the accelerator, and its users try it; then a later version is installed, and purged. Prints "ok WHAT" or "not ok WHAT",
# and "guest.sh: done" at last.

modprobe() {
	chroot "${system:-/vectors}" /sbin/modprobe "$@"
}

# check WHAT COMMAND...
check() {
	what=$1
	shift
	if "$@"; then echo "ok $what"; else echo "not ok $what"; fi
}

inside() {
	chroot $system /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root SYSTEMD_IGNORE_CHROOT=1 "$@"
}

# as USER COMMAND: a login, with the limits that it has
as() {
	inside su -l "$1" -c "$2"
}

# node: who may use the device
node() {
	inside stat -c '%U %G %a' /dev/xqaccel0
}

# npy FILE ROWS COLUMNS: an int8 matrix of whatever bytes busybox consists of
npy() {
	{
		printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '|i1', 'fortran_order': False, 'shape': ($2, $3), }"
		head -c $(($2 * $3)) /bin/busybox
	} >"$1"
}

same_product() {
	npy $system/tmp/a.npy 37 300
	npy $system/tmp/b.npy 300 41
	as member 'cd && xq gemm /tmp/a.npy /tmp/b.npy --device /dev/xqaccel0 -o device.npy &&
		xq gemm /tmp/a.npy /tmp/b.npy --device soft -o soft.npy && cmp device.npy soft.npy'
}

modprobe overlay || exit 1
system=/mnt
mount -t tmpfs memory /host
mkdir /host/above /host/work
mount -t overlay -o lowerdir=/vectors,upperdir=/host/above,workdir=/host/work overlay $system || exit 1
for folder in proc sys dev; do
	mount --rbind /$folder $system/$folder
done
# For dkms, a script of bash.
ln -s /proc/self/fd $system/dev/fd

check "the module is not there before" sh -c '! grep -q ^xqaccel /proc/modules'
inside /lib/systemd/systemd-udevd --daemon
inside udevadm trigger --action=add --subsystem-match=pci
inside udevadm settle --timeout=120
check "udev loads it for the device" grep -q ^xqaccel /proc/modules
check "the node is the group's, 0660" [ "$(node)" = "root xqaccel 660" ]
check "a member of the group sees the device" as member 'xq info --device /dev/xqaccel0'
check "a member may lock memory" [ "$(as member 'ulimit -l')" = unlimited ]
check "a member multiplies, with the software device's bits" same_product
check "somebody else is refused" sh -c "! chroot $system su -l stranger -c 'xq info --device /dev/xqaccel0'"

# Without kernels to build for, which is for the host to try, and without depmod, which would read all of the system's modules.
mkdir -p $system/etc/dkms
touch $system/etc/dkms/no-autoinstall
ln -sf /bin/true $system/sbin/depmod
# As if the module had been loaded first, and udevd had read the rule before there was a group.
inside groupdel xqaccel
inside udevadm control --reload
inside chmod 0600 /dev/xqaccel0
inside chgrp root /dev/xqaccel0
exec 3<>$system/dev/xqaccel0
check "a later version is installed while a file is open" inside dpkg -i /packages/next/xqaccel-dkms.deb
inside udevadm settle --timeout=120
check "the node is the group's again" [ "$(node)" = "root xqaccel 660" ]
check "the module has stayed" [ "$(cat /sys/module/xqaccel/refcnt)" -ge 1 ]
inside usermod -aG xqaccel member
check "a member multiplies with it" same_product
check "the package is purged while a file is open" inside dpkg --purge xqaccel-dkms
check "its group is gone" sh -c "! grep -q ^xqaccel: $system/etc/group"
check "the node is root's" [ "$(node)" = "root root 600" ]
exec 3>&-
check "the module goes" inside rmmod xqaccel
inside udevadm control --exit
echo "guest.sh: done"
