#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# clang.sh BUILD: clang compiles the library, the device model and the tools without a warning, and they link. What it makes is
# in a folder of its own in BUILD, the Makefile's output folder. Skipped where there is no clang. Prints KTAP.
set -uo pipefail

out=$(readlink -f "$1")/clang
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
echo "TAP version 14"
if ! command -v clang >/dev/null; then
	echo "1..0 # SKIP no clang here: apt-get install clang"
	exit 0
fi
echo "1..1"
mkdir -p "$out"
# Nothing is run, so it need not be fast, only compiled with what tells of unused and uninitialized values.
if env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory "O=$out" CC=clang CFLAGS=-O1 WERROR=1 -k tools >"$out/log" 2>&1; then
	echo "ok 1 make CC=clang tools: no warning"
else
	grep -E 'warning:|error:|undefined reference|\*\*\*' "$out/log" | head -n 40 | sed 's/^/# /'
	echo "not ok 1 make CC=clang tools: no warning"
	exit 1
fi
