#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What was fetched into a cache that is gone is fetched again, whatever its stamp says; what is there is not. Prints KTAP.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder"/{stamp,i386,bench/{peers,runtimes},cache/lib}
touch "$folder/cache/"{release,versions}
number=0

# check NAME STAMP LINK there|gone [VARIABLE...]: what make would do where the stamp is newer than anything.
check() {
	local name=$1 stamp=$2 link=$3 state=$4 would count
	shift 4
	number=$((number + 1))
	touch -d '1 hour' "$folder/stamp/packages-"{base,debug,cross-arm64} "$folder/$stamp"
	ln -sfn "$folder/$([ "$state" = there ] && echo cache || echo nothing)" "$folder/$link"
	would=$(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -n "O=$folder" "$@" "$folder/$stamp" 2>&1)
	count=$(grep -c -e 'setup/debug-kernel\.sh' -e 'setup/fetch-.*\.sh' -e 'bench/.*/build\.sh' <<<"$would")
	if [ "$count" -eq "$([ "$state" = gone ] && echo 1 || echo 0)" ]; then
		echo "ok $number $name"
	else
		echo "${would//$'\n'/$'\n'# }" | sed '1s/^/# /'
		echo "not ok $number $name"
	fi
}

echo "TAP version 14"
for kernel in 6.12 6.12-kasan; do
	check "$kernel that is in the cache" stamp/kernel-$kernel kernel-$kernel there
	check "$kernel that is gone" stamp/kernel-$kernel kernel-$kernel gone
done
check "libraries for i386 that are in the cache" stamp/i386-libraries i386/libraries there
check "libraries for i386 that are gone" stamp/i386-libraries i386/libraries gone
if [ "$(uname -m)" = x86_64 ]; then
	check "libraries for arm64 that are in the cache" stamp/cross-libraries cross-libraries there ARCH=arm64
	check "libraries for arm64 that are gone" stamp/cross-libraries cross-libraries gone ARCH=arm64
fi
for peers in peers runtimes; do
	check "$peers of benchmarks that are in the cache" bench/$peers/stamp bench/$peers/fetched there
	check "$peers of benchmarks that are gone" bench/$peers/stamp bench/$peers/fetched gone
done
echo "1..$number"
