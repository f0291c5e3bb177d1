#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# test_dkms.sh BUILD KERNEL...: the package of the driver holds together, and DKMS builds what is in it for these kernels,
# whose headers are in BUILD. Nothing is installed. Prints KTAP.
# Functions are called by check().
# shellcheck disable=SC2317,SC2329
set -uo pipefail

build=$(readlink -f "$1")
shift
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
failed=0

# check NAME FUNCTION [ARGUMENT...]
check() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@" >"$work/log" 2>&1; then
		echo "ok $number $name"
	else
		failed=1
		tail -n 40 "$work/log" | sed 's/^/# /'
		echo "not ok $number $name"
	fi
}

package_version() {
	sed -n '1s/.*(\(.*\)).*/\1/p' libxqaccel/debian/changelog
}

one_version() {
	grep -xF "XQ_LIB_VERSION := $(package_version)" libxqaccel/build.mk && grep -x "#define XQACCEL_DRIVER_VERSION.\"$(package_version)\"" driver/device.h
}

# This checkout, as it is where kbuild has been called in it.
copy_checkout() {
	mkdir "$work/checkout"
	tar -c --exclude=./.git --exclude='./build*' . | tar -C "$work/checkout" -x
	touch "$work"/checkout/{driver/left.o,driver/.left.o.cmd,driver/left.mod,uapi/linux/.left.h.cmd}
}

build_package() {
	"$work/checkout/libxqaccel/debian/build.sh" "$work" -A && dpkg-deb -x "$work"/xqaccel-dkms_*.deb "$work/root"
}

lintian_agrees() {
	lintian --allow-root --fail-on error,warning "$work"/*.changes
}

# What kbuild would not find in the package.
whole_driver() {
	diff -r -X .gitignore driver "$work/root/usr/src/xqaccel-$(package_version)/driver" &&
		diff -r -X .gitignore uapi "$work/root/usr/src/xqaccel-$(package_version)/uapi"
}

nothing_left_in() {
	! find "$1" -name '*left*' | grep .
}

dkms_builds() {
	local release
	release=$(cat "$build/kernel-$1/release")
	# Kernels whose headers are installed have pahole; those in BUILD are only unpacked.
	env MAKEFLAGS="-- CONFIG_DEBUG_INFO_BTF_MODULES=" dkms build -m xqaccel -v "$(package_version)" -k "$release" --kernelsourcedir "$build/kernel-$1/build" \
		--dkmstree "$work/dkms" --sourcetree "$work/root/usr/src" --force || {
		cat "$work"/dkms/xqaccel/*/build/make.log
		return 1
	}
	find "$work/dkms/xqaccel/$(package_version)/$release" -name 'xqaccel.ko*' -exec modinfo -F vermagic {} + |
		grep -F "$release "
}

# passed_over RELEASE: DKMS has a status of its own for a kernel that the package is not for.
passed_over() {
	dkms build -m xqaccel -v "$(package_version)" -k "$1" --kernelsourcedir "$work/other" --dkmstree "$work/dkms" \
		--sourcetree "$work/root/usr/src" --force
	[ $? = 77 ]
}

others_are_passed_over() {
	local release
	mkdir "$work/other"
	printf 'CONFIG_%s=y\n' 64BIT MMU DMA_SHARED_BUFFER >"$work/other/.config"
	for release in 4.19.0-27-amd64 5.10.0-1-amd64 6.0.0-1-amd64; do
		passed_over "$release" || return 1
	done
	for release in 6.1.0-1-amd64 6.10.0 7.0.0 10.0.0; do
		! passed_over "$release" || return 1
	done
	sed -i /DMA_SHARED_BUFFER/d "$work/other/.config"
	passed_over 6.1.0-1-amd64
}

# What somebody does who has a kernel's headers and no packages.
make_builds() {
	local kernel=$1 release
	release=$(cat "$build/kernel-$1/release")
	# On a board nobody installs packages for a module.
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory -C "$work/checkout" modules_install \
		"KDIR=$build/kernel-$kernel/build" "O=$work/out" "INSTALL_MOD_PATH=$work/modules" PACKAGES=/nonexistent &&
		find "$work/modules/lib/modules/$release" -name 'xqaccel.ko*' -exec modinfo -F vermagic {} + | grep -F "$release "
}

# modprobe and udev find it.
depmod_was_run() {
	local folder
	folder=$work/modules/lib/modules/$(cat "$build/kernel-$1/release")
	grep '/xqaccel\.ko' "$folder/modules.dep" && grep '^alias pci:.* xqaccel$' "$folder/modules.alias"
}

echo "TAP version 14"
check "package, library and driver have one version" one_version
copy_checkout
check "the package is built" build_package
check "lintian has no complaint" lintian_agrees
check "the whole driver is in it" whole_driver
check "nothing is in it that a kbuild has left" nothing_left_in "$work/root"
mkdir "$work/dkms"
for kernel; do
	check "DKMS builds it for Linux $kernel" dkms_builds "$kernel"
done
check "DKMS passes over kernels that it is not for" others_are_passed_over
check "make modules_install KDIR= for Linux $1" make_builds "$1"
check "nothing of an earlier kbuild is among its sources" nothing_left_in "$work/out"
check "make modules_install runs depmod" depmod_was_run "$1"
echo "1..$number"
exit $failed
