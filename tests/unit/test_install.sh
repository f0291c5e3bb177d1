#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What a user of the installed library meets: installation, pkg-config, the README's example as it is printed, static
# linking, C++, symbols, manual pages and the binary interface. Run from the top of the checkout after `make lib tools`.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
number=0
status=0

result() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number $2"
	else
		sed 's/^/# /' "$work/log"
		echo "not ok $number $2"
		status=1
	fi
}

installs() {
	env -u MAKEFLAGS -u MFLAGS make -s install O="$O" PREFIX="$prefix" && [ -x "$prefix/bin/xq" ] && [ -e "$prefix/lib/libxqaccel.so.1" ] &&
		[ -e "$prefix/include/linux/xqaccel.h" ] && [ -e "$prefix/include/xqaccel/device.h" ]
}

# All that was there before stays, and nothing else does.
uninstalls() {
	local other=$work/other
	mkdir -p "$other/bin" && touch "$other/bin/somebody-elses" || return 1
	env -u MAKEFLAGS -u MFLAGS make -s install O="$O" PREFIX="$other" && [ -e "$other/lib/libxqaccel.so.1" ] &&
		env -u MAKEFLAGS -u MFLAGS make -s uninstall O="$O" PREFIX="$other" || return 1
	{ find "$other" ! -type d && find "$other" -name '*xqaccel*'; } >"$work/left"
	[ "$(cat "$work/left")" = "$other/bin/somebody-elses" ] || { cat "$work/left"; return 1; }
}

# The first C block of the README, and what it says the program prints.
readme_example() {
	# shellcheck disable=SC2016
	sed -n '/^```c$/,/^```$/{/^```/d;p}' README.md >"$work/example.c"
	[ "$(wc -l <"$work/example.c")" -le 40 ] || { echo "the example is long"; return 1; }
	# shellcheck disable=SC2046
	cc -Wall -Wextra -Werror "$work/example.c" $(pkg-config --cflags --libs xqaccel) -o "$work/example" &&
		sed -n '/^prints$/,/^## /{s/^    //p}' README.md >"$work/want" &&
		XQACCEL_DEVICE=soft "$work/example" >"$work/got" && diff "$work/want" "$work/got"
}

# The program in the library's description, and what it prints there.
network_example() {
	sed -n '/^   #include <stdio.h>$/,/^   }$/s/^   //p' Documentation/library.rst >"$work/network.c"
	# shellcheck disable=SC2046
	cc -Wall -Wextra -Werror "$work/network.c" $(pkg-config --cflags --libs xqaccel) -o "$work/network" &&
		sed -n '/^prints$/,/^Parameters/{/^   [-0-9]/s/^   //p}' Documentation/library.rst >"$work/wanted" &&
		XQACCEL_DEVICE=soft "$work/network" >"$work/printed" && diff "$work/wanted" "$work/printed"
}

# The example of models, which is no longer than the documentation says.
model_example() {
	[ "$(wc -l <libxqaccel/examples/classify.c)" -le 40 ] || { echo "the example is long"; return 1; }
	# shellcheck disable=SC2046
	cc -Wall -Wextra -Werror libxqaccel/examples/classify.c $(pkg-config --cflags --libs xqaccel) -o "$work/classify" &&
		! "$work/classify" /dev/null 2>"$work/said" && grep -q '^/dev/null: ' "$work/said"
}

links_statically() {
	# shellcheck disable=SC2046
	cc "$work/example.c" $(pkg-config --cflags xqaccel) "$prefix/lib/libxqaccel.a" \
		$(pkg-config --static --libs-only-l xqaccel | sed 's/-lxqaccel //') -o "$work/static" &&
		XQACCEL_DEVICE=soft "$work/static" >"$work/got" && diff "$work/want" "$work/got" &&
		! ldd "$work/static" | grep libxqaccel
}

# Every header alone, in C11 and in C++.
includes() {
	for header in "$prefix"/include/xqaccel/*.h; do
		echo "#include <xqaccel/${header##*/}>" >"$work/one.c"
		cc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$prefix/include" "$work/one.c" || return 1
		g++ -std=c++11 -Wall -Wextra -Werror -fsyntax-only -x c++ -I"$prefix/include" "$work/one.c" || return 1
	done
}

# What is installed has no more in it than it needs, and each function's page is found under its name.
stripped() {
	for file in "$prefix/bin/xq" "$prefix/lib/libxqaccel.so.1" "$prefix/lib/libxqaccel.a"; do
		! readelf -SW "$file" | grep -F .debug_ || { echo "$file has debug information"; return 1; }
	done
	[ "$(stat -Lc %s "$prefix/lib/libxqaccel.so.1")" -lt 4000000 ] || { echo "the library is large"; return 1; }
}

manual() {
	sed -nE 's/^\t(xq_\w+);$/\1/p' libxqaccel/libxqaccel.map | while read -r name; do
		grep -qw "$name" "$prefix/share/man/man3/$name.3" || { echo "no page $name.3"; return 1; }
	done
}

# What was installed goes into the Debian packages, each file into one, and what they want besides is there.
packages_take_all() {
	mkdir -p "$work/package/debian/tmp/usr/lib" && cp -r libxqaccel/debian "$work/package/" &&
		cp -a "$prefix"/{bin,include,share} "$work/package/debian/tmp/usr/" &&
		cp -a "$prefix/lib" "$work/package/debian/tmp/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)" &&
		cd "$work/package" && debian/rules override_dh_auto_install-arch XQ_MAKE=: && dh_install && dh_missing --fail-missing || return 1
	find debian -mindepth 3 -path 'debian/*/usr/*' ! -path 'debian/tmp/*' -type f -printf '%P\n' | cut -d / -f 2- | sort | uniq -d >"$work/twice"
	[ ! -s "$work/twice" ] || { cat "$work/twice"; return 1; }
}

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
echo "KTAP version 1"
echo "1..12"
installs >"$work/log" 2>&1
result $? "it installs"
uninstalls >"$work/log" 2>&1
result $? "it uninstalls, and nothing of others"
readme_example >"$work/log" 2>&1
result $? "the example in README.md, as it is printed"
network_example >"$work/log" 2>&1
result $? "the network in Documentation/library.rst, as it is printed"
model_example >"$work/log" 2>&1
result $? "libxqaccel/examples/classify.c"
links_statically >"$work/log" 2>&1
result $? "static linking"
includes >"$work/log" 2>&1
result $? "each header alone, in C and C++"
tests/static/exports.py "$O" >"$work/log" 2>&1
result $? "the symbols are those of libxqaccel.map"
stripped >"$work/log" 2>&1
result $? "without debug information"
manual >"$work/log" 2>&1
result $? "the manual, under every function's name"
tests/static/abi.sh check "$O" >"$work/log" 2>&1
result $? "the library's binary interface is that of libxqaccel.abi"
(packages_take_all) >"$work/log" 2>&1
result $? "the Debian packages take every file"
exit $status
