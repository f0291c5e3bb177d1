#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# debug-kernel.sh [--cached] kasan|kcsan: prints the folder of a kernel that tells every mistake, as fetch-kernel.sh
# prints those of Debian's kernels. It is built from Debian's linux-source-6.12 and tests/debug/*.config, once for each
# state of these files, of this script and of the compiler. With --cached nothing is built: exit status 1 if it is absent.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
configs=$(readlink -f "$here/../debug")
only_cached=
if [ "${1:-}" = --cached ]; then
	only_cached=yes
	shift
fi
kind=$1
case $kind in
kasan | kcsan) ;;
*)
	echo "debug-kernel.sh: no kernel $kind (kasan and kcsan are known)" >&2
	exit 2
	;;
esac

fetch_source() {
	echo "  FETCH   linux-source-6.12 (trixie)"
	unpack_debs trixie root linux-source-6.12
	mv root/usr/src/linux-source-6.12.tar.xz linux.tar.xz
	rm -r root
}

# The configuration asked for, and the proof that it is what was got.
configure() {
	local fragments=("$configs/kernel.config" "$configs/$kind.config") line missing=
	"${make[@]}" tinyconfig >/dev/null
	(cd source/build && ../scripts/kconfig/merge_config.sh -m .config "${fragments[@]}") >/dev/null
	"${make[@]}" olddefconfig >/dev/null
	while read -r line; do
		case $line in
		"# "*) ! grep -q "^${line:2:-11}=" source/build/.config ;;
		*) grep -qxF "$line" source/build/.config ;;
		esac || missing="$missing$line"$'\n'
	done < <(grep -hE '^(# )?CONFIG_' "${fragments[@]}")
	if [ "$missing" ]; then
		printf 'debug-kernel.sh: not in the finished configuration:\n%s' "$missing"
		return 1
	fi
}

# The build folder lies in the source, so that paths are relative and ccache hits from anywhere.
build_kernel() {
	local CCACHE_DIR=$XQ_CACHE/ccache CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=2G make
	export CCACHE_DIR CCACHE_NOHASHDIR CCACHE_MAXSIZE
	make=(env -u MAKEFLAGS -u MFLAGS -u O -u ARCH -u V nice make -s "-j${JOBS:-$(nproc)}" -C source O=build ARCH=x86_64
		"CC=ccache gcc" KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=xqaccel KBUILD_BUILD_HOST=xqaccel)
	mkdir -p source/build
	echo "  UNPACK  linux-source-6.12"
	tar -C source --strip-components=1 -xf "$1/linux.tar.xz"
	configure
	echo "  KERNEL  6.12-$kind (16 minutes of one processor)"
	"${make[@]}" bzImage modules
	"${make[@]}" kernelrelease >release
	cp source/build/arch/x86/boot/bzImage vmlinuz
	cp source/build/.config config
	mkdir modules
	cp source/build/modules.builtin modules/
	touch modules/modules.dep
	"${make[@]}" -j1 run-command KBUILD_RUN_COMMAND="\$(srctree)/scripts/package/install-extmod-build $PWD/build"
	rm -rf source
}

[ "$only_cached" ] || source_folder=$(cached kernel/source-6.12 fetch_source)
# Both are for cache_folder.
# shellcheck disable=SC2034
cache_inputs=("$configs/kernel.config" "$configs/$kind.config")
# shellcheck disable=SC2034
cache_words=$(gcc --version | head -n 1)
folder=kernel/6.12-$kind
if [ "$only_cached" ]; then
	[ -d "$(cache_folder "$folder")" ] || exit 1
	cache_folder "$folder"
	exit 0
fi
cached "$folder" build_kernel "$source_folder"
