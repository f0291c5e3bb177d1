#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the checks of this folder share; they source it. The kernel's own tools for source come with a debug kernel that is
# in the cache (`make debug-kernel`); nothing is fetched or built here. Results are printed as KTAP.
number=0
failed=0
setup=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../setup

# kernel_file PATH: of the kernel's source, from whichever debug kernel in the cache has it
kernel_file() {
	local kind folder
	for kind in kasan kcsan; do
		folder=$("$setup/debug-kernel.sh" --cached "$kind" 2>/dev/null) || continue
		if [ -e "$folder/build/$1" ]; then
			echo "$folder/build/$1"
			return 0
		fi
	done
	return 1
}

# skip_all REASON
skip_all() {
	echo "TAP version 14"
	echo "1..0 # SKIP $1"
	exit 0
}

# result STATUS NAME FILE: with the lines of the file if it failed
result() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number $2"
	else
		failed=1
		head -n 60 "$3" | sed 's/^/# /'
		echo "not ok $number $2"
	fi
}

finish() {
	exit "$failed"
}
