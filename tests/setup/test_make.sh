#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What make says of a place where it can't work, and what it would do for another architecture; prints KTAP.
set -euo pipefail

top=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0

# refuses NAME WORDS COMMAND...: the command fails, and its only line has these words
refuses() {
	local name=$1 words=$2 said status=0
	shift 2
	number=$((number + 1))
	said=$(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "$@" 2>&1) || status=$?
	if [ $status -ne 0 ] && [ "$(wc -l <<<"$said")" = 1 ] && grep -qF "$words" <<<"$said"; then
		echo "ok $number $name"
	else
		echo "# status $status, said: ${said:0:400}"
		echo "not ok $number $name"
	fi
}

echo "TAP version 14"
cd "$top"
refuses "an output folder with a space" "O= has a space" make -n help "O=$work/a b"
refuses "a cache with a space" "set XDG_CACHE_HOME" env "XDG_CACHE_HOME=$work/a b" make -n help
mkdir "$work/a b"
ln -s "$top"/* "$work/a b/"
refuses "a checkout with a space" "move it" make --no-print-directory -C "$work/a b" -n help
refuses "a kernel that is not in the list" "no kernel 5.10 in kernels.list" tests/setup/fetch-kernel.sh 5.10
refuses "headers that are not there" "apt-get install linux-headers-6.12.0-none" \
	make module "KDIR=/lib/modules/6.12.0-none/build" "O=$work/out"
refuses "a tree that is not there" "$work/none; KDIR= names a built kernel tree, or its headers" make module "KDIR=$work/none" "O=$work/out"
foreign=$([ "$(uname -m)" = aarch64 ] && echo x86 || echo arm64)
refuses "headers of another machine that are not there" "build; KDIR= names a built kernel tree, or its headers" \
	make module "ARCH=$foreign" KDIR=/lib/modules/6.12.0-none/build "O=$work/out"
refuses "an empty KDIR" "KDIR= is empty" make module KDIR= "O=$work/out"
refuses "an empty KDIR of the environment" "KDIR= is empty" env KDIR= make modules_install "O=$work/out"
refuses "modules_install for another machine without KDIR" "ARCH=$foreign wants KDIR=" make modules_install "ARCH=$foreign" "O=$work/out"
for variable in KDIR DESTDIR PREFIX LIBDIR INSTALL_MOD_PATH; do
	refuses "$variable with a space" "$variable= has a space in it" make -n help "$variable=$work/a b"
done
mkdir "$work/theirs"
touch "$work/theirs/file"
refuses "to clean a folder that nothing was built in" "remove it yourself" make clean "O=$work/theirs"
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -n lib "O=$work/theirs" >/dev/null 2>&1
refuses "to clean a folder that had other files before" "remove it yourself" make clean "O=$work/theirs"
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -n lib "O=$work/ours/cross-arm64" ARCH=arm64 >/dev/null 2>&1
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -n lib "O=$work/ours" >/dev/null 2>&1
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make clean "O=$work/ours" >/dev/null 2>&1
number=$((number + 1))
if [ -e "$work/theirs/file" ] && [ ! -e "$work/ours" ]; then
	echo "ok $number a folder that make made is removed, and no other"
else
	find "$work" -maxdepth 2 -printf '# %P\n'
	echo "not ok $number a folder that make made is removed, and no other"
fi

# The linker of another architecture does not know where its libraries are.
links() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -n ARCH=arm64 "O=$work/out" lib tools |
		sed -e ':more; /\\$/ { N; s/\\\n//; b more }' | grep -E '^aarch64-linux-gnu-gcc .* -o ' | grep -v -e ' -c '
}
number=$((number + 1))
all=$(links)
lost=$(grep -v -F -e "-L$work/out/cross-libraries/lib" <<<"$all" | grep -o -E -e ' -o [^ ]+' || true)
if [ -z "$lost" ] && grep -q -e ' -shared ' <<<"$all"; then
	echo "ok $number libraries and programs of arm64 are linked with its libraries"
else
	echo "# without them:${lost//$'\n'/}"
	echo "not ok $number libraries and programs of arm64 are linked with its libraries"
fi

# What is linked depends on a file that changes with the linker's flags, and what is compiled on one that changes with the
# compiler's; both only with them.
written() {
	local file=$work/out/stamp/$1
	shift
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "$@" make "O=$work/out" "$file" >/dev/null 2>&1
	stat -c %y "$file"
}
number=$((number + 1))
first=$(written link-flags LDFLAGS=-Wl,-O1)
same=$(written link-flags LDFLAGS=-Wl,-O1)
other=$(written link-flags LDFLAGS=-Wl,-O2)
all=$(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -pn "O=$work/out" ARCH="$(uname -m)" help)
programs=$(grep -E "^$work/out/(obj/bin/xq|i386/bin/xq-test-ioctl): " <<<"$all")
lost=$(grep -v "/stamp/link-flags" <<<"$programs" | cut -d : -f 1 || true)
if [ -n "$first" ] && [ "$first" = "$same" ] && [ "$same" != "$other" ] && [ -n "$programs" ] && [ -z "$lost" ]; then
	echo "ok $number a change of LDFLAGS links again"
else
	echo "# $first, $same, $other, not linked again: ${lost//$'\n'/ }"
	echo "not ok $number a change of LDFLAGS links again"
fi

# As `sudo make install` has another home, and with it another cache.
number=$((number + 1))
first=$(written flags -u XDG_CACHE_HOME "HOME=$work/a")
home=$(written flags -u XDG_CACHE_HOME "HOME=$work/b")
cache=$(written flags "XDG_CACHE_HOME=$work/c" CFLAGS_FOR_ANOTHER=-O3)
other=$(written flags CFLAGS=-O1)
lost=$(grep -E "^$work/out/(obj|i386|asan)/%\.o: %\.c" <<<"$all" | grep -v "/stamp/flags" || true)
if [ -n "$first" ] && [ "$first" = "$home" ] && [ "$home" = "$cache" ] && [ "$cache" != "$other" ] && [ -z "$lost" ]; then
	echo "ok $number a change of CFLAGS compiles again, and another cache does not"
else
	echo "# $first, with another home $home, with another cache $cache, with other flags $other; $lost"
	echo "not ok $number a change of CFLAGS compiles again, and another cache does not"
fi

# The link to the kernel's tree lies elsewhere, and what the tree has may change.
number=$((number + 1))
mkdir -p "$work/linux"
# shellcheck disable=SC2016
printf 'modules:\n\t@touch $(M)/xqaccel.ko; echo built >>log\n' >"$work/linux/Makefile"
for _ in 1 2; do
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make module "KDIR=$(realpath --relative-to=. "$work/linux")" "O=$work/out" >"$work/said" 2>&1 || true
done
if [ "$(cat "$work/linux/log" 2>/dev/null)" = $'built\nbuilt' ]; then
	echo "ok $number kbuild of a tree with a relative path is asked each time"
else
	sed 's/^/# /' "$work/said"
	echo "not ok $number kbuild of a tree with a relative path is asked each time"
fi

# A kernel that says what it was asked, and a depmod that does; its first build is done.
mkdir -p "$work/asked/include/config" "$work/bin"
echo 6.12-asked >"$work/asked/include/config/kernel.release"
# shellcheck disable=SC2016
printf 'modules modules_install:\n\t@echo $@ ARCH=$(ARCH) CROSS_COMPILE=$(CROSS_COMPILE) LLVM=$(LLVM) %s %s >>%s\n\t@touch $(M)/xqaccel.ko\n' \
	'STRIP=$(INSTALL_MOD_STRIP)' 'PATH=$(INSTALL_MOD_PATH)' "$work/asked/log" >"$work/asked/Makefile"
printf '#!/bin/sh\necho depmod "$@" >>%s/log\n' "$work/asked" >"$work/bin/depmod"
chmod +x "$work/bin/depmod"
ask() {
	: >"$work/asked/log"
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL PATH="$work/bin:$PATH" make "KDIR=$work/asked" "O=$work/out" "$@" >"$work/said" 2>&1
}
number=$((number + 1))
ask ARCH="$foreign" CROSS_COMPILE=other- LLVM=-15 INSTALL_MOD_STRIP=1 INSTALL_MOD_PATH=root modules_install || true
if [ "$(cat "$work/asked/log")" = "modules ARCH=$foreign CROSS_COMPILE=other- LLVM=-15 STRIP=1 PATH=root
modules_install ARCH=$foreign CROSS_COMPILE=other- LLVM=-15 STRIP=1 PATH=$top/root
depmod -a -b $top/root 6.12-asked" ]; then
	echo "ok $number kbuild learns for which machine it installs, and where"
else
	sed 's/^/# /' "$work/said" "$work/asked/log"
	echo "not ok $number kbuild learns for which machine it installs, and where"
fi

number=$((number + 1))
for option in -n -q -t; do
	ask "$option" modules_install module V=1 || true
	sed "s/^/# make $option: /" "$work/asked/log"
done >"$work/did"
ask -n modules_install V=1 || true
if [ ! -s "$work/did" ] && grep -q " -C $work/asked .* modules_install" "$work/said"; then
	echo "ok $number make -n, -q and -t do not run kbuild, and -n says what would be"
else
	cat "$work/did"
	sed 's/^/# /' "$work/said"
	echo "not ok $number make -n, -q and -t do not run kbuild, and -n says what would be"
fi

# In a checkout where nothing was compiled; what is not the library's stays.
number=$((number + 1))
mkdir -p "$work/dest/usr/bin" "$work/dest/usr/lib/pkgconfig" "$work/dest/usr/include/xqaccel" "$work/dest/usr/share/man/man1" \
	"$work/false"
touch "$work/dest/usr"/{bin/xq,bin/other,lib/libxqaccel.{a,so.1},lib/pkgconfig/xqaccel.pc,include/xqaccel/device.h,share/man/man1/xq.1}
for tool in gcc ccache ar strip protoc-c; do
	printf '#!/bin/sh\necho ran %s\nexit 1\n' $tool >"$work/false/$tool"
	chmod +x "$work/false/$tool"
done
for _ in first again; do
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL PATH="$work/false:$PATH" make uninstall "O=$work/none" PREFIX=/usr "DESTDIR=$work/dest" ||
		echo "ran and failed"
done >"$work/said" 2>&1
left=$(cd "$work/dest" && find . ! -type d && find . -name '*xqaccel*')
if [ "$left" = ./usr/bin/other ] && [ -d "$work/dest/usr/lib/pkgconfig" ] && ! grep -q '^ran ' "$work/said"; then
	echo "ok $number uninstall compiles nothing, and leaves what is not the library's"
else
	sed "s/^/# /" "$work/said"
	echo "# left: ${left//$'\n'/ }"
	echo "not ok $number uninstall compiles nothing, and leaves what is not the library's"
fi

# The compiler tells where a program's libraries are.
number=$((number + 1))
mkdir -p "$work/kernel/modules"
touch "$work/kernel/modules/modules.dep"
printf 'kernel/%s.ko\n' virtio_pci virtio_console 9pnet_virtio 9p >"$work/kernel/modules/modules.builtin"
if CC="env gcc" tests/vm/image.sh "$work/image" "$work/kernel" - /bin/ls >"$work/said" 2>&1 && [ -s "$work/image" ]; then
	echo "ok $number a guest's image with a compiler of two words"
else
	sed 's/^/# /' "$work/said"
	echo "not ok $number a guest's image with a compiler of two words"
fi
echo "1..$number"
