#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A kernel whose cache is gone is made again, whatever its stamp says; one that is there is not. Prints KTAP.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/stamp" "$folder/cache"
touch "$folder/cache/release"
number=0

# check NAME KERNEL there|gone: what make would do where the stamp is newer than anything.
check() {
	local kernel=$2 would count
	number=$((number + 1))
	touch -d '1 hour' "$folder/stamp/packages-base" "$folder/stamp/packages-debug" "$folder/stamp/kernel-$kernel"
	ln -sfn "$folder/$([ "$3" = there ] && echo cache || echo nothing)" "$folder/kernel-$kernel"
	would=$(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -n "O=$folder" "$folder/stamp/kernel-$kernel" 2>&1)
	count=$(grep -c -e 'setup/debug-kernel\.sh' -e 'setup/fetch-kernel\.sh' <<<"$would")
	if [ "$count" -eq "$([ "$3" = gone ] && echo 1 || echo 0)" ]; then
		echo "ok $number $1"
	else
		echo "${would//$'\n'/$'\n'# }" | sed '1s/^/# /'
		echo "not ok $number $1"
	fi
}

echo "TAP version 14"
for kernel in 6.12 6.12-kasan; do
	check "$kernel that is in the cache" $kernel there
	check "$kernel that is gone" $kernel gone
done
echo "1..$number"
