#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check_module.sh BUILD KERNEL...: the driver compiles without a warning of the compiler (W=1), of sparse (C=2) or of
# modpost. BUILD is the Makefile's output folder, which has the unpacked kernels. Prints KTAP.
set -u

build=$(readlink -f "$1")
shift
top=$(dirname "$(readlink -f "$0")")/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
failed=0

# compile KERNEL C: the output of kbuild in $work/log
compile() {
	local tree=$work/$1
	mkdir "$tree"
	cp -r "$top/Kbuild" "$top/driver" "$top/uapi" "$tree/"
	env -u MAKEFLAGS -u MFLAGS -u O -u ARCH make -C "$build/kernel-$1/build" M="$tree" W=1 "C=$2" \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$work/log" 2>&1
}

# sparse_reads KERNEL: whether this sparse knows what the kernel's headers are written in.
sparse_reads() {
	! grep -qrs __typeof_unqual__ "$build/kernel-$1"/root/usr/src/*-common/include/linux/compiler_types.h ||
		! sparse - 2>&1 <<<'static int a; static __typeof_unqual__(a) b;' | grep -q error:
}

result() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number $2"
	else
		failed=1
		sed 's/^/# /' "$work/complaints" | head -n 40
		echo "not ok $number $2"
	fi
}

echo "TAP version 14"
echo "1..$(($# * 2))"
for kernel in "$@"; do
	if sparse_reads "$kernel"; then sparse=2; else sparse=0; fi
	compile "$kernel" $sparse
	status=$?
	# What BTF is made with does not matter where none is made.
	grep -v 'pahole version differs' "$work/log" | grep -E 'warning:|error:|WARNING|ERROR|\*\*\*' >"$work/complaints"
	[ $status = 0 ] && [ ! -s "$work/complaints" ]
	result $? "Linux $kernel: no warning"
	if [ $sparse = 0 ]; then
		number=$((number + 1))
		echo "ok $number Linux $kernel: sparse # SKIP sparse $(sparse --version) can't read this kernel's headers"
		continue
	fi
	# kbuild goes on without sparse if it is not there.
	sources=$(find "$top/driver" -name '*.c' | wc -l)
	checked=$(grep -c '^  CHECK ' "$work/log")
	echo "sparse saw $checked of $sources files" >"$work/complaints"
	[ "$checked" -ge "$sources" ]
	result $? "Linux $kernel: sparse saw every file"
done
exit $failed
