#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# coccicheck.sh: the semantic patches of Linux 6.12 (scripts/coccinelle, all that can report) find nothing in the driver. A
# patch that takes longer than its limit, or that spatch cannot run, is a failure and not a skip. Prints KTAP.
set -u

here=$(dirname "$(readlink -f "$0")")
. "$here/tree.sh"
top=$(readlink -f "$here/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
patches=$(kernel_file scripts/coccinelle) || skip_all "no debug kernel with scripts/coccinelle in the cache: \`make debug-kernel\`"
command -v spatch >/dev/null || skip_all "no spatch"

limit=120		# seconds of wall time for each patch, which takes half a second on an idle machine

# Semantic patches with parts in OCaml, whose compiler this is not worth: a table of another driver; pointers compared with
# 0, which sparse tells of.
cat >"$work/not-run" <<'EOF'
api/check_bq27xxx_data.cocci
null/badzero.cocci
EOF

# What may be said: a regular expression for the line
cat >"$work/excepted" <<'EOF'
# These files are for programs and the device's model, too, which have neither ARRAY_SIZE() nor min() and max().
^driver/xq_.*\.h:.*WARNING: Use ARRAY_SIZE
^driver/xq_.*\.h:.*WARNING opportunity for (min|max)\(\)
# It is the same comparison of another product: the function before it writes the variable.
^driver/xq_work_operators\.h:.*duplicated argument to && or \|\|
# xq->ending counts clients on their way out, it is not the references of the one that is freed.
^driver/client\.c:.*WARNING: atomic_dec_and_test variation before object free
# fence->unmet counts what the jobs wait for; the fence has references of its own, one of which the work gets.
^driver/fence\.c:.*WARNING: atomic_dec_and_test variation before object free
EOF

# look PATCH FOLDER: what it has to say of the folder
look() {
	local status
	timeout "$limit" spatch -D report --very-quiet --no-show-diff --no-includes --include-headers --jobs 1 \
		--cocci-file "$patches/$1" --dir "$2" >"$work/said" 2>"$work/errors" </dev/null
	status=$?
	if [ $status = 124 ]; then
		echo "$1: not done in $limit s"
	elif [ $status != 0 ]; then
		echo "$1: spatch ended with $status"
		cat "$work/errors"
	fi
	grep -v '^#' "$work/excepted" >"$work/patterns"
	grep -vE -f "$work/patterns" "$work/said"
}

echo "TAP version 14"
echo "1..3"
mkdir "$work/driver"
cp "$top"/driver/*.[ch] "$work/driver/"
find "$patches" -name '*.cocci' -exec grep -l '^virtual report' {} + | sed "s|^$patches/||" | sort |
	grep -vxF -f "$work/not-run" >"$work/list"
cd "$work" || exit 1
while read -r patch; do
	look "$patch" driver
done <list >complaints
complained=0
[ ! -s complaints ] || complained=1
result $complained "coccicheck: $(wc -l <list) semantic patches over the driver" "$work/complaints"

# The proof that it looks: what a patch is for.
mkdir planted
cat >planted/planted.c <<'EOF'
#include <linux/slab.h>

int planted(struct mutex *lock, int *memory, int *other)
{
	mutex_lock(lock);
	if (other)
		kfree(other);
	kfree(memory);
	if (*memory)
		return -EINVAL;
	mutex_unlock(lock);
	return 0;
}
EOF
: >complaints
for patch in free/ifnullfree.cocci locks/mini_lock.cocci free/kfree.cocci; do
	look "$patch" planted | grep -q 'planted.c:' || echo "$patch: found nothing" >>complaints
done
[ ! -s complaints ]
result $? "coccicheck finds planted mistakes" "$work/complaints"

# And that a limit which is over is told.
limit=0.01
look locks/mini_lock.cocci driver >complaints
grep -q '^locks/mini_lock.cocci: not done in 0.01 s' complaints
result $? "coccicheck tells of a limit that is over" "$work/complaints"
finish
