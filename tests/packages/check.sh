#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh BUILD RELEASE...: the Debian packages as their users meet them, in fresh systems of these releases. Each builds
# them, installs them beside its own kernel, boots that kernel in the VM with the accelerator, where users try it, and
# purges them. As root, for chroot(8) and mount(8). BUILD is the Makefile's output folder; prints KTAP.
# Most functions are called by check(), and what system.sh sets is not looked for there.
# shellcheck disable=SC2154,SC2317,SC2329
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
build=$(readlink -f "$1")
shift

if [ "$(id -u)" != 0 ]; then
	printf '%s\n' "TAP version 14" "1..0 # SKIP only root can make a chroot: sudo make check-packages"
	exit 0
fi
. "$here/system.sh"
private_mounts "$0" "$build" "$@"

number=0
failed=0

result() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number $release: $2"
	else
		failed=1
		tail -n 40 "$log" | sed 's/^/# /'
		echo "not ok $number $release: $2"
		return 1
	fi
}

build_packages() {
	make_system build || return 1
	mkdir "$root/checkout" "$root/packages"
	mount --bind -o ro "$top" "$root/checkout"
	inside /checkout/libxqaccel/debian/build.sh /packages || return 1
	mv "$root/packages" "$work/packages"
}

check_packages() {
	mkdir "$root/packages"
	mount --bind "$work/packages" "$root/packages"
	inside sh -c 'lintian --allow-root --fail-on error,warning /packages/*.changes'
}

# The README's program, as it is printed there, with what the packages have and the system that built them.
program_runs() {
	# shellcheck disable=SC2016
	sed -n '/^```c$/,/^```$/{/^```/d;p}' "$top/README.md" >"$root/packages/example.c"
	sed -n '/^prints$/,/^## /{s/^    //p}' "$top/README.md" >"$work/wanted"
	inside sh -c 'dpkg -i /packages/libxqaccel1_*.deb /packages/libxqaccel-dev_*.deb' || return 1
	inside gcc -Wall -Werror /packages/example.c -lxqaccel -o /packages/example || return 1
	inside env XQACCEL_DEVICE=soft /packages/example >"$work/printed" && diff "$work/wanted" "$work/printed"
}

# A static program needs the libraries that pkg-config names, of which the system that built the packages has all.
static_program_runs() {
	# shellcheck disable=SC2016 # expanded inside
	inside sh -c 'gcc -static /packages/example.c $(pkg-config --static --libs xqaccel) -o /packages/example' || return 1
	inside env XQACCEL_DEVICE=soft /packages/example >"$work/printed" && diff "$work/wanted" "$work/printed" || return 1
	# shellcheck disable=SC2016 # expanded inside
	inside sh -ec 'for library in $(pkg-config --static --libs-only-l xqaccel); do
		package=$(dpkg -S "$(readlink -f "$(gcc -print-file-name="lib${library#-l}.a")")" | sed "s/[:,].*//")
		echo "$library: $package"
		case " libc6-dev libxqaccel-dev $(dpkg-query -W -f "\${Depends}" libxqaccel-dev)" in
		*" $package"[,\ ]* | *" $package") ;;
		*) echo "libxqaccel-dev does not depend on it" && exit 1 ;;
		esac
	done'
}

# The driver as a later version, in packages/next.
make_next_package() {
	local package tree=$work/next version later
	package=$(echo "$work"/packages/xqaccel-dkms_*.deb)
	version=$(dpkg-deb -f "$package" Version)
	later=$version.1
	dpkg-deb -R "$package" "$tree" || return 1
	mv "$tree/usr/src/xqaccel-$version" "$tree/usr/src/xqaccel-$later"
	sed -i "s/${version//./\\.}/$later/g" "$tree"/DEBIAN/* "$tree/usr/src/xqaccel-$later/dkms.conf"
	mkdir "$root/packages/next"
	dpkg-deb --root-owner-group -b "$tree" "$root/packages/next/xqaccel-dkms.deb"
}

# Every path but those of package lists, logs and caches.
paths() {
	find "$root" -xdev \( -path "$root/var/cache" -o -path "$root/var/log" -o -path "$root/var/lib/apt" -o -path "$root/tmp" \
		-o -path "$root/packages" \) -prune -o -printf '%P\n' | LC_ALL=C sort
}

install_packages() {
	make_system user || return 1
	kernel=$(ls "$root/lib/modules")
	inside useradd -m member
	inside useradd -m stranger
	paths >"$work/before"
	mkdir "$root/packages"
	cp "$work"/packages/*.deb "$root/packages/"
	rm -f "$root"/packages/*-dbgsym_*
	make_next_package || return 1
	# The lists are as old as the archive of the system is.
	inside sh -c 'apt-get install -y --no-install-recommends /packages/*.deb || {
		apt-get update && apt-get install -y --no-install-recommends /packages/*.deb; }' || return 1
	inside usermod -aG xqaccel member
}

module_is_built() {
	inside dkms status xqaccel
	inside dkms status xqaccel | grep -F "$kernel" | grep -q installed && inside modinfo -k "$kernel" xqaccel
}

# The guest's image has no driver: the one that it loads is the package's.
boot() {
	mkdir -p "$work/kernel-$release"
	echo "$kernel" >"$work/kernel-$release/release"
	cp "$root/boot/vmlinuz-$kernel" "$work/kernel-$release/vmlinuz"
	ln -s "$root/lib/modules/$kernel" "$work/kernel-$release/modules"
	"$top/tests/vm/image.sh" "$work/image-$release.cpio" "$work/kernel-$release" - "$here/guest.sh" || return 1
	"$top/tests/vm/run" --kernel "$release" --build "$work" --qemu "$build/qemu/qemu-system-x86_64" --no-driver \
		--vectors "$root" --timeout 900 --log "$work/vm.log" --command guest.sh
}

# Built for the kernel as the first one was, and alone.
next_is_installed() {
	inside dpkg -i /packages/next/xqaccel-dkms.deb && module_is_built &&
		[ "$(inside dkms status xqaccel | sed 's/,.*//')" = "xqaccel/$(inside dpkg-deb -f /packages/next/xqaccel-dkms.deb Version)" ]
}

# What came along too, even if it is something that the compiler recommends: libc6-dev.
purge_packages() {
	inside apt-get purge -y libxqaccel1 libxqaccel-dev xqaccel-tools libggml-xqaccel xqaccel-dkms &&
		inside apt-get autoremove -y --purge -o APT::AutoRemove::RecommendsImportant=false
}

# Keys that DKMS has made for itself are its own.
nothing_is_left() {
	rm -rf "$root/packages"
	paths | diff "$work/before" - | grep '^[<>]' | grep -v ' var/lib/dkms/mok\.' >"$work/left"
	cat "$work/left"
	grep xqaccel "$root/etc/group" "$root/etc/gshadow"
	[ ! -s "$work/left" ] && ! grep -q xqaccel "$root/etc/group" "$root/etc/gshadow"
}

# check NAME FUNCTION
check() {
	"$2" >"$log" 2>&1
	result $? "$1"
}

guest_results() {
	local line
	while read -r line; do
		case $line in
		"ok "*) result 0 "in the VM: ${line#ok }" ;;
		"not ok "*) result 1 "in the VM: ${line#not ok }" ;;
		esac
	done <"$work/guest.log"
}

check_release() {
	check "the packages are built" build_packages || return
	check "lintian has no complaint" check_packages
	check "a program is compiled and runs" program_runs
	check "a static program needs no other package" static_program_runs
	check "they are installed" install_packages || return
	check "DKMS has built the module" module_is_built
	boot >"$work/guest.log" 2>&1
	cp "$work/guest.log" "$log"
	guest_results
	[ "$(tail -n 1 "$work/guest.log")" = "guest.sh: done" ]
	result $? "in the VM: nothing else goes wrong"
	check "a later version of the driver replaces it" next_is_installed
	check "they are purged" purge_packages
	check "nothing is left" nothing_is_left
}

echo "TAP version 14"
for release; do
	work=$build/systems/$release
	rm -rf --one-file-system "$work"
	mkdir -p "$work"
	log=$work/log
	check_release
done
echo "1..$number"
exit $failed
