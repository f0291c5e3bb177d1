#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# make_mistakes.sh NAME...: in the guest, makes these mistakes of xqaccel_mistakes.c, each marked in the kernel's log.

echo 4 >/proc/sys/kernel/hung_task_timeout_secs
echo "TAP version 14"
echo "1..$#"
number=0
failed=0
for name; do
	number=$((number + 1))
	echo "mistake: $name" >/dev/kmsg
	if insmod /lib/modules/xqaccel_mistakes.ko "mistake=$name" && rmmod xqaccel_mistakes; then
		echo "ok $number $name"
	else
		echo "not ok $number $name"
		failed=1
	fi
done
echo "mistake: over" >/dev/kmsg
exit $failed
