#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check_module.sh BUILD KERNEL...: the driver compiles without a warning of the compiler (W=1), of sparse (C=2) or of
# modpost, on 6.12 also with the options off that a kernel may lack. BUILD is the Makefile's output folder,
# which has the unpacked kernels; KBUILD_FLAGS, an architecture for a cross compiler. Prints KTAP.
set -u

build=$(readlink -f "$1")
shift
top=$(dirname "$(readlink -f "$0")")/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
failed=0

# compile KERNEL [VARIABLE=VALUE...]: the output of kbuild in $work/log, what it complains of in $work/complaints
compile() {
	local kernel=$1 tree=$work/tree status
	shift
	rm -rf "$tree"
	mkdir "$tree"
	(cd "$top" && cp --parents Kbuild driver/*.[ch] uapi/linux/*.h "$tree/")
	# shellcheck disable=SC2086
	env -u MAKEFLAGS -u MFLAGS -u O -u ARCH make -C "$build/kernel-$kernel/build" M="$tree" W=1 ${KBUILD_FLAGS:-} \
		CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules >"$work/log" 2>&1
	status=$?
	# What BTF is made with does not matter where none is made.
	grep -v 'pahole version differs' "$work/log" | grep -E 'warning:|error:|WARNING|ERROR|\*\*\*' >"$work/complaints"
	[ $status = 0 ] && [ ! -s "$work/complaints" ]
}

# without KERNEL OPTION...: as for a kernel that lacks these options, which its autoconf.h and kbuild's variables say
without() {
	local kernel=$1 option
	local variables=()
	shift
	mkdir -p "$work/off/generated"
	cp -L "$build/kernel-$kernel/build/include/generated/autoconf.h" "$work/off/generated/"
	for option; do
		sed -i "/^#define CONFIG_$option /d" "$work/off/generated/autoconf.h"
		variables+=("CONFIG_$option=")
	done
	compile "$kernel" "NOSTDINC_FLAGS=-nostdinc -I$work/off" "${variables[@]}"
}

# sparse_reads KERNEL: whether this sparse knows what the kernel's headers are written in, and the processor they are for.
sparse_reads() {
	[[ ${KBUILD_FLAGS:-} != *ARCH=riscv* ]] || sparse --arch=riscv64 -march=rv64imac_zicsr_zifencei - 2>/dev/null <<<'' || return
	! grep -qrs __typeof_unqual__ "$build/kernel-$1"/root/usr/src/*-common/include/linux/compiler_types.h ||
		! sparse - 2>&1 <<<'static int a; static __typeof_unqual__(a) b;' | grep -q error:
}

# says WORDS VERSION PATCHLEVEL [VARIABLE=VALUE...]: whether Kbuild refuses a kernel of that version, which has all options
# but those of the variables, with these words; without words, whether it takes it
says() {
	local words=$1 version=$2 patchlevel=$3 said
	shift 3
	said=$(env -u MAKEFLAGS -u MFLAGS make -C "$top" -n -f Kbuild src=. VERSION="$version" PATCHLEVEL="$patchlevel" \
		KERNELVERSION="$version.$patchlevel" CONFIG_{MODULES,MMU,64BIT,HAS_IOMEM,HAS_DMA,OF,NET,DMA_SHARED_BUFFER}=y "$@" 2>&1)
	if [ -z "$words" ]; then
		[[ $said != *"xqaccel needs"* ]] || echo "$version.$patchlevel: $said"
	else
		[[ $said = *"xqaccel needs"*"$words"* ]] || echo "$version.$patchlevel $*: $said"
	fi
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
# Options that are off together, and what of the module's symbols would be there with them. Without PCI and without OF the
# other's bus is alone.
off="DEV_COREDUMP WANT_DEV_COREDUMP DEBUG_FS PM PM_SLEEP FAULT_INJECTION FAULT_INJECTION_DEBUG_FS|debugfs_create|dev_coredump|__pm_runtime|should_fail
IO_URING SYNC_FILE RESET_CONTROLLER|io_uring_cmd|sync_file_|reset_control_"
# A kernel for device trees may have either bus alone.
grep -q '^#define CONFIG_OF 1' "$build/kernel-6.12/build/include/generated/autoconf.h" && off+="
PCI PCI_MSI|pci_
OF|platform_driver|board_"
echo "1..$(($# * 2 + 2 * $(wc -l <<<"$off") + 1))"
{
	says "" 6 1
	says "" 10 0
	says "Linux 6.1 or later, and this is 5.15" 5 15
	says "Linux 6.1 or later, and this is 6.0" 6 0
	for option in MMU 64BIT HAS_IOMEM HAS_DMA OF NET DMA_SHARED_BUFFER; do
		says "CONFIG_$option" 6 12 "CONFIG_$option="
	done
} >"$work/complaints" 2>&1
[ ! -s "$work/complaints" ]
result $? "Kbuild refuses kernels that lack what the driver needs"
for kernel in "$@"; do
	if sparse_reads "$kernel"; then sparse=2; else sparse=0; fi
	compile "$kernel" C=$sparse
	result $? "Linux $kernel: no warning"
	if [ $sparse = 0 ]; then
		number=$((number + 1))
		echo "ok $number Linux $kernel: sparse # SKIP sparse $(sparse --version) can't read this kernel's headers"
		continue
	fi
	# kbuild goes on without sparse if it is not there.
	# Some are only for a kernel that can make failures on purpose.
	sources=$(find "$work/tree/driver" -name '*.o' | wc -l)
	checked=$(grep -c '^  CHECK ' "$work/log")
	echo "sparse saw $checked of $sources files" >"$work/complaints"
	[ "$checked" -ge "$sources" ]
	result $? "Linux $kernel: sparse saw every file"
done
# The proof that they were off: nothing of theirs is called, as nm tells of the whole module.
while IFS='|' read -r off calls; do
	# shellcheck disable=SC2086
	without 6.12 $off
	result $? "Linux 6.12 without $off: no warning"
	nm "$work/tree/xqaccel.ko" 2>&1 | grep -E "$calls|nm:" >"$work/complaints"
	[ ! -s "$work/complaints" ]
	result $? "Linux 6.12 without them: nothing of theirs is called"
done <<<"$off"
exit $failed
