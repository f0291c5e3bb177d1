#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What every file of the tree must satisfy; prints KTAP.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
. tests/ktap/ktap.sh

files() {
	git ls-files -- "$@" | while read -r file; do [ -f "$file" ] && echo "$file"; done
}

without_licence() {
	files '*.[chS]' '*.py' '*.sh' '*.mk' Makefile Kbuild | while read -r file; do
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier:' || echo "$file: no licence in its first lines"
	done
}

shell_scripts() {
	files | while read -r file; do
		case $file in
		*.sh) echo "$file" ;;
		*) head -n 1 "$file" 2>/dev/null | tr -d '\0' | grep -qE '^#!.*\b(ba|da)?sh$' && echo "$file" ;;
		esac
	done
}

# In a kernel tree that file builds the kselftests; those of the library and what only this project's guest needs are not
# for there.
not_in_kselftest_makefile() {
	local program all
	# Without the kernel's part.
	# shellcheck disable=SC2016
	all=$( (sed 's/^include .*//' tests/kselftest/Makefile && printf 'show:; @echo $(TEST_GEN_PROGS)\n') | make -s -f - show)
	grep -lE '^TEST_HARNESS_MAIN|^int main\(' tests/kselftest/*.c | while read -r program; do
		program=$(basename "$program" .c)
		case $program in
		queue | network | limited) continue ;;
		esac
		[[ " $all " == *" $program "* ]] || echo "tests/kselftest/Makefile: no $program"
	done
}

# Each difference between kernels is in one file, under the version that made it.
versions_elsewhere() {
	grep -rnE '\bLINUX_VERSION_CODE\b|\bKERNEL_VERSION\(' driver uapi Kbuild | grep -v '^driver/compat\.h:'
	grep -q 'LINUX_VERSION_CODE' driver/compat.h || echo "driver/compat.h: no version is looked at"
	grep -oE 'KERNEL_VERSION\([0-9]+, [0-9]+' driver/compat.h | sed 's/.*(//; s/, /./' | sort -u | while read -r version; do
		grep -qE "^(/| )\* $version: " driver/compat.h || echo "driver/compat.h: no entry says what $version changed"
	done
}

echo "TAP version 14"
if git rev-parse --git-dir >/dev/null 2>&1; then
	ktap_silent "every source file names its licence" < <(without_licence)
	ktap_silent "shellcheck" < <(shell_scripts | xargs -r shellcheck -e SC1091 -f gcc 2>&1)
	ktap_silent "no blanks at the end of lines of C" < <(files '*.[ch]' | xargs -r grep -nE '[[:space:]]$')
	# The words are written so that this file does not contain them.
	ktap_silent "nothing left open" < <(files | xargs -r grep -nIE '\b(TO[D]O[:(]|FIX[M]E|X[X]X\b)')
else
	for name in "every source file names its licence" "shellcheck" "no blanks at the end of lines of C" "nothing left open"; do
		number=$((number + 1))
		echo "ok $number $name # SKIP not a git checkout"
	done
fi
ktap_silent "the Makefile of the kselftests has each of them" < <(not_in_kselftest_makefile)
ktap_silent "versions of the kernel are looked at in driver/compat.h, by its entries" < <(versions_elsewhere)
ktap_silent "the library exports what its headers declare" < <(tests/static/exports.py headers)
ktap_silent "each function of the library has its manual page" < <(tests/static/exports.py pages)
ktap_silent "manual pages are well-formed" < <(tests/static/exports.py form)
ktap_plan
