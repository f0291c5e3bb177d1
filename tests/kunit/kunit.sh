#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: loads the KUnit suites and prints what they found, as KTAP.

module=/lib/modules/xqaccel_kunit.ko
if [ ! -e $module ] || [ ! -d /sys/kernel/debug/kunit ]; then
	echo "TAP version 14"
	echo "1..0 # SKIP the kernel has no KUnit"
	exit 4
fi
insmod $module || exit 1
echo "TAP version 14"
set -- /sys/kernel/debug/kunit/xqaccel_*/results
echo "1..$#"
# Each suite numbers itself as the first.
number=0
for results; do
	number=$((number + 1))
	sed -e '/KTAP version/d' -e '/^1\.\.1$/d' -e 's/^    /  /' -e "s/^\(not \)*ok 1 /\1ok $number /" "$results"
done
rmmod xqaccel_kunit
