#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-kernel.sh with an archive of our own in apt's place: which kernel it takes, and that a compiler that is too new for
# this system gets the C library that it wants; prints KTAP.
set -uo pipefail

if [ "$(uname -m)" != x86_64 ]; then
	printf '%s\n' "TAP version 14" "1..0 # SKIP the programs are those of x86-64"
	exit
fi
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{setup,debs,bin}
cp "$here"/{fetch-kernel.sh,cached.sh,kernels.list} "$work/setup/"
export XQ_CACHE=$work/cache
. "$here/../ktap/ktap.sh"

result() {
	ktap_equal "$@" "$work/said"
}

# package NAME [FOLDER]: what the folder holds; nothing without it
package() {
	local folder=${2:-$work/empty}
	mkdir -p "$folder/DEBIAN"
	printf '%s\n' "Package: $1" "Version: 1" "Architecture: all" "Maintainer: nobody" "Description: nothing" >"$folder/DEBIAN/control"
	dpkg-deb --root-owner-group -Znone -b "$folder" "$work/debs/$1.deb" >/dev/null
}

# kernel VERSION: the archive's newest
kernel() {
	local name=$1-amd64 root=$work/root-$1
	mkdir -p "$root/image/boot" "$root/image/lib/modules/$name" "$root/headers/usr/src/linux-headers-$name" \
		"$root/common/usr/src/linux-headers-$1-common" "$root/kbuild/usr/lib/linux-kbuild-$1/scripts"
	touch "$root/image/boot/vmlinuz-$name" "$root/image/lib/modules/$name/modules."{order,builtin}
	# No compiler is as new as this.
	echo CONFIG_GCC_VERSION=990000 >"$root/headers/usr/src/linux-headers-$name/.config"
	touch "$root/headers/usr/src/linux-headers-$name/"{Makefile,.kernelvariables}
	package "linux-image-$name" "$root/image"
	package "linux-headers-$name" "$root/headers"
	package "linux-headers-$1-common" "$root/common"
	package "linux-kbuild-$1" "$root/kbuild"
	cat >"$work/depends" <<-END
		linux-image-amd64 linux-image-$name (= 1)
		linux-headers-amd64 linux-headers-$name (= 1)
		linux-headers-$name linux-headers-$1-common (= 1), linux-kbuild-$1
	END
}

cat >"$work/setup/private-apt.sh" <<END
#!/bin/bash
shift
echo "\$*" >>"$work/asked"
[ ! -e "$work/offline" ] || exit 100
case \$1:\$2 in
apt-cache:--no-all-versions) sed -n "s/^\$4 /Depends: /p" "$work/depends" ;;
apt-get:download) shift 2; for name; do cp "$work/debs/\$name.deb" . || exit; done ;;
esac
END
echo 'echo nowhere' >"$work/setup/mirror.sh"
chmod +x "$work"/setup/*.sh

# What tells the kinds of files is not among the packages that the README asks for.
printf '#!/bin/sh\nexit 127\n' >"$work/bin/file"
chmod +x "$work/bin/file"
fetch() {
	PATH=$work/bin:$PATH "$work/setup/fetch-kernel.sh" newest 2>"$work/said"
}

for name in libc6 cpp-99-x86-64-linux-gnu libgcc-99-dev libgcc-s1 libisl23 libmpc3 libmpfr6 libgmp10 libzstd1 zlib1g \
	libstdc++6 gcc-99-x86-64-linux-gnu; do
	package "$name"
done

echo "TAP version 14"
kernel 98.1
result "$(fetch; echo "status $?")" "status 1" "a compiler without programs is a failure"
result "$(grep -c 'no program was found to run' "$work/said")" 1 "and a sentence"

mkdir -p "$work"/{gcc,libc}/usr/lib/x86_64-linux-gnu "$work/gcc/usr/bin"
cp -L /bin/true "$work/gcc/usr/bin/x86_64-linux-gnu-gcc-99"
printf '#!/bin/sh\n' >"$work/gcc/usr/bin/x86_64-linux-gnu-script"
chmod +x "$work/gcc/usr/bin/x86_64-linux-gnu-script"
package gcc-99-x86-64-linux-gnu "$work/gcc"
cp -L /lib64/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/libc.so.6 "$work/libc/usr/lib/x86_64-linux-gnu/"
chmod +x "$work"/libc/usr/lib/x86_64-linux-gnu/*
package libc6 "$work/libc"
first=$(fetch)
result "$(cat "$first/release")" 98.1-amd64 "a kernel with a compiler that is too new"
result "$(find "$first/compiler" -name '*.elf' -printf '%f\n')" x86_64-linux-gnu-gcc-99.elf "its programs are told from scripts and libraries"
result "$("$first/compiler/usr/bin/x86_64-linux-gnu-gcc-99" && echo "status $?")" "status 0" "and run under their own C library"

# The name of the newest is asked for once a day.
kernel 98.2
rm "$work/asked"
result "$(fetch)" "$first" "on the same day it is the same kernel"
result "$(cat "$work/asked" 2>/dev/null)" "" "and nobody is asked"
age() {
	find "$XQ_CACHE/kernel" -maxdepth 1 -type f ! -name '*.lock' -exec touch -d '25 hours ago' {} +
}
age
touch "$work/offline"
result "$(fetch)" "$first" "on the next day, without a network, it still is"
rm "$work/offline"
age
second=$(fetch)
result "$(cat "$second/release")" 98.2-amd64 "with a network it is the newest of that day"
kernel 98.3
rm -r "$second"
result "$(cat "$(fetch)/release")" 98.3-amd64 "what is not there any more is asked for anew"
ktap_plan
