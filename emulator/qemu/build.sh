#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# build.sh OUT TARGET ARCHIVE...: builds OUT/qemu-system-TARGET, QEMU with the accelerator, whose guests are x86_64 or
# aarch64.
#
# ARCHIVEs are the static libraries of the device model (compiled by the Makefile, so that instruction set flags have one
# home). The files of this folder appear as hw/xqaccel in a copy of QEMU's source, where also
#	hw/xqaccel/lib/		has the archives, and
#	hw/xqaccel/top		is the top of this checkout, for include paths.
# The finished binary is kept in the cache, keyed by all that goes into it; QEMU_SRC=DIR builds another source tree
# (10.0 or compatible), which is copied and not changed. With QEMU_CACHED_ONLY=1 there is no OUT/qemu-system-TARGET
# afterwards unless it was in the cache.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
mkdir -p "$1"
out=$(readlink -f "$1")
target=$2
program=qemu-system-$target
shift 2
: "${XQ_CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/xqaccel}"
export CCACHE_DIR=$XQ_CACHE/ccache CCACHE_BASEDIR=$out CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=2G
kept_binaries=12

configure_flags=(
	--target-list="$target-softmmu" --without-default-features --disable-download --enable-system --enable-tcg
	--enable-attr --enable-virtfs --disable-docs --disable-install-blobs --disable-debug-info
	--without-default-devices "--with-devices-$target=xqaccel"
)
# Machines of arm64 describe themselves in a device tree.
[ "$target" != aarch64 ] || configure_flags+=(--enable-fdt=system)
[ ! -e /dev/kvm ] || configure_flags+=(--enable-kvm)

if [ -n "${QEMU_SRC:-}" ]; then
	source=$(readlink -f "$QEMU_SRC")
else
	source=$("$top/tests/setup/fetch-qemu.sh")
fi

overlay_files() {
	find "$here" -maxdepth 1 -type f ! -name '*.sh' | LC_ALL=C sort
}

# The name of the binary in the cache: a hash over all inputs.
content_key() {
	{
		if [ -n "${QEMU_SRC:-}" ]; then
			find "$source" -name .git -prune -o -type f -printf '%P %s %T@\n' | LC_ALL=C sort
		else
			cat "$source/DEBIAN_VERSION"
		fi
		echo "${configure_flags[@]}"
		. /etc/os-release && echo "$VERSION_CODENAME"
		gcc -dumpfullversion
		overlay_files | while read -r file; do echo "${file##*/}"; cat "$file"; done
		cat "$@" "$top"/driver/xq_*.h "$top"/emulator/device/*.h "$top"/uapi/linux/*.h
	} | sha256sum | cut -c 1-20
}

# Only files that changed are replaced, so that an edit costs an incremental build.
replace_if_changed() {
	if cmp -s - "$1" <"$1.new"; then rm "$1.new"; else mv "$1.new" "$1"; fi
}

prepare_source() {
	local file archive
	if [ "$(cat "$out/source.from" 2>/dev/null)" != "$source" ]; then
		rm -rf "$out/source" "$out/build" "$out/source.from"
		# Hard links cost seconds and no space; across file systems it has to be a copy.
		cp -al "$source" "$out/source" 2>/dev/null || { rm -rf "$out/source"; cp -a "$source" "$out/source"; }
		echo "$source" >"$out/source.from"
	fi
	mkdir -p "$out/source/hw/xqaccel/lib"
	find "$out/source/hw/xqaccel" -type l -delete
	overlay_files | while read -r file; do ln -s "$file" "$out/source/hw/xqaccel/"; done
	ln -s "$here/devices-$target.mak" "$out/source/hw/xqaccel/devices.mak"
	ln -s "$top" "$out/source/hw/xqaccel/top"
	for archive in "$@"; do
		ln -s "$(readlink -f "$archive")" "$out/source/hw/xqaccel/lib/"
	done
	ln -sfn ../../../hw/xqaccel/devices.mak "$out/source/configs/devices/$target-softmmu/xqaccel.mak"
	for file in meson.build:"subdir('xqaccel')" Kconfig:"source xqaccel/Kconfig"; do
		{ cat "$source/hw/${file%%:*}"; echo "${file#*:}"; } >"$out/source/hw/${file%%:*}.new"
		replace_if_changed "$out/source/hw/${file%%:*}"
	done
}

configure() {
	local compiler=gcc
	[ -e "$out/build/build.ninja" ] && [ "$(cat "$out/build/flags" 2>/dev/null)" = "${configure_flags[*]}" ] && return
	command -v ccache >/dev/null && compiler="ccache gcc"
	echo "  CONF    QEMU $(cat "$source/VERSION")"
	rm -rf "$out/build"
	mkdir "$out/build"
	(
		cd "$out/build"
		PYTHONPATH=$("$top/tests/setup/fetch-meson.sh")
		export PYTHONPATH
		../source/configure --cc="$compiler" --host-cc=gcc "${configure_flags[@]}" >configure.log 2>&1 </dev/null || {
			tail -n 20 configure.log >&2
			return 1
		}
		echo "${configure_flags[*]}" >flags
	)
}

# ninja's "[n/m]" as one line that moves on a terminal, and a line now and then elsewhere.
compile() {
	local step=200
	PYTHONPATH=$("$top/tests/setup/fetch-meson.sh")
	export PYTHONPATH
	[ ! -t 1 ] || step=1
	ninja -C "$out/build" "$program" 2>&1 </dev/null | tee "$out/ninja.log" | awk -v step="$step" '
		/^\[[0-9]+\/[0-9]+\]/ {
			split(substr($1, 2), n, /[\/\]]/)
			if (step == 1) printf "\r  QEMU    %d/%d ", n[1], n[2]
			else if (n[1] % step == 0) printf "  QEMU    %d/%d\n", n[1], n[2]
			fflush(); moved = 1
		}
		END { if (moved && step == 1) print "" }' || {
		grep -A 30 -m 1 '^FAILED' "$out/ninja.log" >&2 || tail -n 30 "$out/ninja.log" >&2
		return 1
	}
}

# A source edited while it was compiled would put the wrong binary under a key; then it is not kept.
store() {
	[ "$(content_key "$@")" = "$key" ] || return 0
	mkdir -p "$XQ_CACHE/qemu/$key"
	cp "$out/build/$program" "$XQ_CACHE/qemu/$key/new.$$"
	mv "$XQ_CACHE/qemu/$key/new.$$" "$XQ_CACHE/qemu/$key/$program"
	find "$XQ_CACHE/qemu" -mindepth 1 -maxdepth 1 -printf '%T@ %p\n' | sort -rn | tail -n +$((kept_binaries + 1)) |
		cut -d ' ' -f 2- | xargs -r rm -rf
}

exec 8>"$out/lock"
flock 8
key=$(content_key "$@")
if [ ! -x "$XQ_CACHE/qemu/$key/$program" ]; then
	if [ -n "${QEMU_CACHED_ONLY:-}" ]; then
		rm -f "$out/$program"
		exit 0
	fi
	prepare_source "$@"
	configure
	compile
	store "$@"
	binary=$out/build/$program
else
	touch "$XQ_CACHE/qemu/$key"
	binary=$XQ_CACHE/qemu/$key/$program
fi
cp "$binary" "$out/$program.new"
mv "$out/$program.new" "$out/$program"
