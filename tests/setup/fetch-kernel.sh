#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-kernel.sh NAME [ARCHITECTURE]: prints the folder of a Debian kernel of kernels.list, unpacked and not installed,
# of amd64, arm64 or riscv64:
#	release		its name, as in uname -r
#	vmlinuz, modules/	the image, compressed or not, and what is /lib/modules/RELEASE on a system
#	build/		kbuild tree for out-of-tree modules: make -C FOLDER/build M=...
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
. /etc/os-release
series=$1
architecture=${2:-amd64}
# shellcheck disable=SC2034 # read by cached.sh
cache_words=$architecture
case $architecture in
amd64) compiler=gcc triplet=x86-64-linux-gnu boots=vmlinuz ;;
arm64) compiler=aarch64-linux-gnu-gcc triplet=aarch64-linux-gnu boots=vmlinuz ;;
riscv64) compiler=riscv64-linux-gnu-gcc triplet=riscv64-linux-gnu boots=vmlinux ;;
*)
	echo "fetch-kernel.sh: no architecture '$architecture', only amd64, arm64 and riscv64" >&2
	exit 2
	;;
esac

release=$(awk -v name="$series" -v column="$([ "$VERSION_CODENAME" = bookworm ] && echo 2 || echo 3)" \
	'$1 == name { print $column }' "$here/kernels.list")
if [ -z "$release" ]; then
	echo "fetch-kernel.sh: no kernel $series in kernels.list, which has: $(awk '!/^#/ { printf "%s ", $1 }' \
		"$here/kernels.list")" >&2
	exit 2
fi

# Debian has this architecture from trixie on.
[ "$architecture" != riscv64 ] || release=${release/bookworm*/trixie}

# The programs that a module is built with run here, all else is the kernel's.
of_target() {
	XQ_APT_ARCH=$architecture "$@"
}

# dependency PACKAGE PATTERN: the names that match among what a package depends on.
dependency() {
	of_target candidate_field "$release" "$1" Depends | sed 's/[,|]/\n/g' | awk '{ print $1 }' | grep -Ex "$2" || true
}

fetch_kernel() {
	local image headers common kbuild name modules
	echo "  FETCH   Linux $series ($release, $architecture)"
	of_target "$here/private-apt.sh" "$release" apt-cache stats >/dev/null
	image=$(dependency "linux-image-$architecture" 'linux-image-[0-9].*')
	headers=$(dependency "linux-headers-$architecture" 'linux-headers-[0-9].*')
	name=${image#linux-image-}
	case $series:$name in
	newest:[0-9]* | "$series:$series".*) ;;
	*)
		echo "fetch-kernel.sh: $release has Linux '$name', expected $series" >&2
		return 1
		;;
	esac
	common=$(dependency "$headers" 'linux-headers-.*-common')
	kbuild=$(dependency "$headers" 'linux-kbuild-.*')
	# From Linux 7 on the image is an empty package, and what it was are three others.
	# shellcheck disable=SC2046
	of_target unpack_debs "$release" root "$image" "$headers" "$common" \
		$(dependency "$image" "linux-(base|binary|modules)-${name//[.+]/.}")
	unpack_debs "$release" root "$kbuild"

	echo "$name" >release
	modules=$(find root -type d -path "*/lib/modules/$name")
	# Headers may have a file of this name, too.
	mv "$(find root -path 'root/usr/src' -prune -o -type f \( -name $boots -o -name "$boots-$name" \) -print)" vmlinuz
	mv "$modules" modules
	rm -f modules/build modules/source
	list_dependencies "$name"
	fix_headers "$headers" "$common" "$kbuild"
	bring_c_library
	bring_compiler
	rm -rf root/boot root/usr/share
}

# modules.dep is made when a kernel is installed, and this one is not.
list_dependencies() {
	mkdir -p base/lib/modules
	ln -s "$PWD/modules" "base/lib/modules/$1"
	PATH=$PATH:/sbin:/usr/sbin depmod -b "$PWD/base" "$1"
	rm -r base
}

# The headers name each other by absolute paths, and a compiler that need not be installed.
fix_headers() {
	local src=root/usr/src file
	ln -s "$src/$1" build
	for file in "$src/$1/Makefile" "$src/$1/.kernelvariables"; do
		[ ! -f "$file" ] || sed -i -e 's|^KBUILD_OUTPUT=|KBUILD_OUTPUT := |' -e "s|/usr/src/$2|\$(dir \$(lastword \$(MAKEFILE_LIST)))../$2|" \
			-e "s|/usr/src/$1|\$(realpath \$(dir \$(lastword \$(MAKEFILE_LIST))))|" "$file"
	done
	sed -i -e 's|gcc-[0-9]*|gcc|g' -e '/CROSS_COMPILE *:\{0,1\}= *[a-z0-9_]*-linux-gnu-/d' "$src/$2/.kernelvariables" \
		"$src/$1/.kernelvariables" 2>/dev/null || true
	find "$src" -type l | while read -r file; do
		case $(readlink "$file") in
		/usr/lib/linux-kbuild-*) ln -sfn "../../lib/$3/${file##*/}" "$file" ;;
		*/lib/linux-kbuild-*) ;;
		/*) echo "fetch-kernel.sh: unexpected link $file -> $(readlink "$file")" >&2 ;;
		esac
	done
	# The package lacks this script, and without it kbuild runs no checker.
	# shellcheck disable=SC2016
	if [ ! -e "root/usr/lib/$3/scripts/checker-valid.sh" ] && grep -qs checker-valid "$src/$2/Makefile"; then
		printf '#!/bin/sh\ncommand -v "$1" >/dev/null && echo 1\n' >"root/usr/lib/$3/scripts/checker-valid.sh"
		chmod +x "root/usr/lib/$3/scripts/checker-valid.sh"
	fi
}

# Programs that are too new for this system run under the C library of their own release.
bring_c_library() {
	local needy
	needy=$(find root/usr/lib/linux-kbuild-* -type f -perm -1 -exec sh -c \
		'ldd "$1" 2>&1 | grep -q "not found"' sh {} \; -print)
	[ -n "$needy" ] || return 0
	unpack_debs "${release%-backports}" libc libc6 libelf1t64 zlib1g libzstd1 libssl3t64
	run_under "$PWD/libc" <<<"$needy"
}

# A kernel takes options of the compiler that it was built with; this system's may be older.
bring_compiler() {
	local wanted have assembler=()
	wanted=$(sed -n 's/^CONFIG_GCC_VERSION=\([0-9]*\)[0-9]\{4\}$/\1/p' build/.config)
	have=$("$compiler" -dumpversion)
	[ "${have%%.*}" -lt "$wanted" ] || return 0
	# A compiler that is not installed finds no cross assembler, and an older one does not know all that it writes, nor an
	# older linker the relocations.
	[ "$architecture" = amd64 ] || assembler=("binutils-$triplet" libjansson4 libsframe1)
	unpack_debs "${release%-backports}" compiler libc6 "gcc-$wanted-$triplet" "cpp-$wanted-$triplet" "${assembler[@]}" \
		"libgcc-$wanted-dev" libgcc-s1 libisl23 libmpc3 libmpfr6 libgmp10 libzstd1 zlib1g libstdc++6
	find compiler -type f -perm -1 ! -name '*.so' ! -name '*.so.*' -exec sh -c \
		'[ "$(head -c 4 "$1")" = "$(printf "\177ELF")" ]' sh {} \; -print | run_under "$PWD/compiler"
	sed -i -e "1i xq_folder := \$(realpath \$(dir \$(lastword \$(MAKEFILE_LIST)))../../../..)" \
		-e "s|\$(CROSS_COMPILE)gcc|\$(xq_folder)/compiler/usr/bin/${triplet/x86-/x86_}-gcc-$wanted|" build/.kernelvariables
	[ ${#assembler[@]} = 0 ] || {
		mkdir -p "compiler/usr/$triplet/bin"
		ln -sf "../../bin/$triplet-as" "compiler/usr/$triplet/bin/as"
		# shellcheck disable=SC2016
		sed -i '2i export PATH := $(xq_folder)/compiler/usr/bin:$(PATH)' build/.kernelvariables
	}
}

# run_under ROOT: the programs that it reads the names of, one at least, run under the C library below ROOT.
run_under() {
	local program libc wrapped=
	while read -r program; do
		libc=$(realpath -m --relative-to="$(dirname "$program")" "$1")/usr/lib/x86_64-linux-gnu
		mv "$program" "$program.elf"
		cat >"$program" <<-END
			#!/bin/sh
			libc=\$(dirname "\$(readlink -f "\$0")")/$libc
			exec "\$libc/ld-linux-x86-64.so.2" --library-path "\$libc" --argv0 "\$0" "\$(readlink -f "\$0").elf" "\$@"
		END
		chmod +x "$program"
		wrapped=yes
	done
	[ "$wrapped" ] || {
		echo "fetch-kernel.sh: no program was found to run under the C library in $1" >&2
		return 1
	}
}

# newest_words: sets what tells today's newest kernel from others. The archive is asked once a day, or if there is nothing else;
# when it does not answer, its last answer stands for another day.
newest_words() {
	local answer=$XQ_CACHE/kernel/newest-$architecture-$release image
	cache_words="$architecture $(cat "$answer" 2>/dev/null || true)"
	[ -z "$(find "$answer" -mmin -1440 2>/dev/null)" ] || [ ! -d "$(cache_folder "$1")" ] || return 0
	image=$(dependency "linux-image-$architecture" 'linux-image-[0-9].*')
	if [ -z "$image" ]; then
		touch -c "$answer"
	elif mkdir -p "${answer%/*}" 2>/dev/null; then
		echo "$image" >"$answer.$$"
		mv "$answer.$$" "$answer"
		# shellcheck disable=SC2034 # read by cached.sh
		cache_words="$architecture $image"
	fi
}

folder=kernel/$series-$architecture-$VERSION_CODENAME
[ "$series" != newest ] || newest_words "$folder"
cached "$folder" fetch_kernel
