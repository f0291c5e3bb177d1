#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel_doc.sh BUILD: scripts/kernel-doc of Linux 6.12 reads every comment that claims to be for it without a warning:
# all parameters, members and return values are described. BUILD is the Makefile's output folder. Prints KTAP.
set -u

here=$(dirname "$(readlink -f "$0")")
. "$here/tree.sh"
top=$(readlink -f "$here/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
script=$(find -L "${1:-build}/kernel-6.12/root/usr/lib" -path '*/scripts/kernel-doc' 2>/dev/null | head -n 1)
script=${script:-$(kernel_file scripts/kernel-doc)} || skip_all "no kernel with scripts/kernel-doc in the cache"

echo "TAP version 14"
echo "1..2"
cd "$top" || exit 1
"$script" -none -Wall driver/*.[ch] uapi/linux/*.h >"$work/complaints" 2>&1
[ ! -s "$work/complaints" ]
result $? "kernel-doc: driver and uapi" "$work/complaints"

# The proof that it looks: a member that nobody describes.
sed '/^struct xqaccel_queue {/a\	u32 planted;' driver/queue.h >"$work/queue.h"
"$script" -none -Wall "$work/queue.h" >"$work/complaints" 2>&1
grep -q "'planted' not described" "$work/complaints"
result $? "kernel-doc finds a planted mistake" "$work/complaints"
finish
