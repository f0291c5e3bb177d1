#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# abi.sh check|update BUILD: compares the binary interface of BUILD's shared library with libxqaccel/libxqaccel.abi, or
# writes that file anew. New functions are no difference. What a program that was linked before would stumble over is: a
# function that is gone, or a type, an enumerator or a structure that another has become.
set -euo pipefail

top=$(dirname "$(readlink -f "$0")")/../..
what=$1
build=$2
baseline=$top/libxqaccel/libxqaccel.abi

# describe FILE: the interface of the library, without what only its sources see.
describe() {
	abidw --headers-dir "$top/libxqaccel/include/xqaccel" --drop-private-types --exported-interfaces-only \
		--no-comp-dir-path --no-corpus-path --no-show-locs --out-file "$1" "$build/lib/libxqaccel.so.1"
}

case $what in
check)
	describe "$build/lib/libxqaccel.abi"
	abidiff --no-added-syms "$baseline" "$build/lib/libxqaccel.abi" || {
		echo "the binary interface has changed; if that is meant: make abi-baseline"
		exit 1
	}
	;;
update) describe "$baseline" ;;
*)
	echo "usage: abi.sh check|update BUILD" >&2
	exit 2
	;;
esac
