#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# clang.sh BUILD: clang compiles the library, the device model and the tools without a warning, and they link; it also compiles
# the driver for 6.12, whose headers are in BUILD, the Makefile's output folder. What it makes is in a folder of its own
# there. Skipped where there is no clang. Prints KTAP.
set -uo pipefail

build=$(readlink -f "$1")
out=$build/clang
here=$(dirname "$(readlink -f "$0")")
. "$here/tree.sh"
cd "$here/../.." || exit 1
command -v clang >/dev/null || skip_all "no clang here: apt-get install clang"
echo "TAP version 14"
echo "1..3"
mkdir -p "$out"

# Nothing is run, so it need not be fast, only compiled with what tells of unused and uninitialized values.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory "O=$out" CC=clang CFLAGS=-O1 WERROR=1 -k tools >"$out/log" 2>&1
status=$?
grep -E 'warning:|error:|undefined reference|\*\*\*' "$out/log" >"$out/complaints"
result $status "make CC=clang tools: no warning" "$out/complaints"

# Debian configures its kernels for gcc, with options that clang does not know or has by other names; they change what is
# generated, not what is told of the source. That the result lacks them is what objtool says, and it is not used.
cat >"$out/kernel-clang" <<'END'
#!/bin/bash
for word; do
	shift
	case $word in
	-mrecord-mcount | -mfunction-return=* | -fconserve-stack | -ftrivial-auto-var-init=zero) ;;
	*) set -- "$@" "$word" ;;
	esac
done
exec clang "$@" -Qunused-arguments -Wno-unknown-warning-option
END
chmod +x "$out/kernel-clang"

# compile_driver: what clang says of the driver's own lines is in complaints
compile_driver() {
	env -u MAKEFLAGS -u MFLAGS -u O -u ARCH make -C "$build/kernel-6.12/build" M="$out/driver-tree" CC="$out/kernel-clang" W=1 -k \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$out/driver-log" 2>&1
	local status=$?
	grep -E "^$out/driver-tree/[a-z]+/.*(warning|error):" "$out/driver-log" >"$out/complaints"
	[ $status = 0 ] || grep -E 'error:|ERROR|\*\*\*' "$out/driver-log" >>"$out/complaints"
	[ $status = 0 ] && [ ! -s "$out/complaints" ]
}

rm -rf "$out/driver-tree"
mkdir "$out/driver-tree"
cp --parents Kbuild driver/*.[ch] uapi/linux/*.h "$out/driver-tree/"
compile_driver && [ -e "$out/driver-tree/xqaccel.ko" ]
result $? "the driver for Linux 6.12: no warning" "$out/complaints"
# A mistake that gcc does not tell: the check above can fail.
echo 'int planted(int a); int planted(int a) { if ((a == 1)) a = a; return a; }' >>"$out/driver-tree/driver/module.c"
! compile_driver && grep -q "self-assign\|parentheses-equality" "$out/complaints"
result $? "a mistake in it is told" "$out/complaints"
finish
