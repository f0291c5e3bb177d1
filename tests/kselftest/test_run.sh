#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# test_run.sh FOLDER: the folder for a board that `make kselftests` makes has what boards.rst names and needs nothing of the
# board; its script, with programs that stand for tests, runs, counts and refuses. Prints KTAP.
set -uo pipefail

folder=$(readlink -f "$1")
top=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$top/tests/ktap/ktap.sh"

# ---- what is in it -----------------------------------------------------------------------------------

missing() {
	local name names
	# The table's first column: ``xq-test-ioctl``, ``xq-test-context``
	# shellcheck disable=SC2016
	names=$(sed -n 's/^\(\(``xq-test-[a-z_]*``[, ]*\)*\).*/\1/p' "$top/Documentation/boards.rst" | grep -o 'xq-test-[a-z_]*')
	[ -n "$names" ] || echo "no programs in boards.rst"
	for name in $names; do
		grep -q "^$name [0-9]*$" "$folder/programs" || echo "$name is not among its programs"
	done
	while read -r name _; do
		[ -x "$folder/$name" ] || echo "no $name"
	done <"$folder/programs"
	for name in run limited; do
		[ -x "$folder/$name" ] || echo "no $name"
	done
}

# What boards.rst shows of a run has the tests that there are.
sample() {
	local shown there
	shown=$(grep -oE '^ +(ok [0-9]+ cache\.[a-z_]+|1\.\.[0-9]+)' "$top/Documentation/boards.rst" | sed 's/^ *//' | tail -n +2)
	there=$(sed -n 's/^TEST_F(cache, \([a-z_]*\)).*/cache.\1/p' "$top/tests/kselftest/cache.c" | nl -w 1 -s ' ' | sed 's/^/ok /')
	there=1..$(wc -l <<<"$there")$'\n'$there
	[ "$shown" = "$there" ] || diff <(echo "$shown") <(echo "$there")
}

# needed FOLDER
needed() {
	local file told
	for file in "$1"/*; do
		case ${file##*/} in run | programs | xqaccel.ko) continue ;; esac
		if ! told=$(LC_ALL=C readelf -d "$file" 2>&1) || [[ $told = *Error:* ]]; then
			echo "readelf can't tell what $file needs: $told"
		elif [[ $told = *NEEDED* ]]; then
			echo "$file needs libraries"
		fi
	done
}

# What is said of a script and a driver, of a program that needs libraries, and of what is no program.
needing() {
	mkdir "$work/needing"
	touch "$work/needing/run" "$work/needing/programs" "$work/needing/xqaccel.ko"
	[ -z "$(needed "$work/needing")" ] || echo "it complains of what is no program: $(needed "$work/needing")"
	cp "$(readlink -f /bin/true)" "$work/needing/dynamic"
	[ "$(needed "$work/needing")" = "$work/needing/dynamic needs libraries" ] || echo "a program is not told"
	echo text >"$work/needing/dynamic"
	[[ $(needed "$work/needing") = "readelf can't tell what $work/needing/dynamic needs"* ]] || echo "it is silent where it knows nothing"
}

# What make would do: without KDIR= remove the driver of an earlier build, and with it bring another.
stale() {
	local would headers=$work/headers built=$work/built
	would=$(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -n -C "$top" "O=$built" kselftests 2>&1)
	grep -qxF "rm -f $built/kselftests/xqaccel.ko" <<<"$would" || echo "it stays"
	mkdir -p "$headers" "$built/kernel-kdir"
	ln -s "$headers" "$built/kernel-kdir/build"
	echo "modules: ;" >"$headers/Makefile"
	would=$(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -n -C "$top" "O=$built" "KDIR=$headers" kselftests 2>&1)
	grep -q "^install .* $built/kselftests/xqaccel.ko\$" <<<"$would" || echo "that of KDIR= does not come"
	! grep -q "^rm -f .*xqaccel.ko\$" <<<"$would" || echo "that of KDIR= is removed"
}

# What is linked for the folder is linked once, with its archives.
linked_once() {
	local would
	would=$(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -n -C "$top" "O=$work/once" kselftests 2>&1)
	grep -o -e " -o $work/once/obj/bin/[^ ]*" <<<"$would" | sed 's/^ -o/linked as well:/' | head -n 3
	grep -A 1 -e " -static -s .* -o $work/once/kselftests/xq-test-queue " <<<"$would" | grep -q "/obj/libxqaccel.a" ||
		echo "xq-test-queue is not linked with the library"
}

# ---- how it runs -------------------------------------------------------------------------------------

# A root that can mount nothing, a device that can go, a kernel with the driver, and programs.
prepare() {
	rm -rf "${work:?}/bin" "${work:?}/board" "${work:?}/debug" "${work:?}/module"
	mkdir -p "$work/bin" "$work/board" "$work/debug/xqaccel/device" "$work/module/xqaccel"
	echo "jobs 0" >"$work/debug/xqaccel/device/stats"
	echo 1234ABCD >"$work/module/xqaccel/srcversion"
	echo 0 >"$work/module/xqaccel/refcnt"
	# shellcheck disable=SC2016
	program bin/id 'echo "${FAKE_USER:-0}"'
	program bin/mount 'exit 1'
	program bin/uname 'echo 6.12-board'
	program bin/modinfo 'exit 1'
	program board/limited 'shift; exec "$@"'
	sed "s,/sys/kernel/debug,$work/debug,; s,/sys/module,$work/module,g" "$top/tests/kselftest/run" >"$work/board/run"
	chmod +x "$work/board/run"
	: >"$work/board/programs"
	ln -sf /dev/zero "$work/device"
}

program() {
	printf '#!/bin/sh\n%s\n' "$2" >"$work/$1"
	chmod +x "$work/$1"
}

# stand_in NAME TEXT
stand_in() {
	program "board/xq-test-$1" "$2"
	echo "xq-test-$1 9" >>"$work/board/programs"
}

# run_board NAME...: its output in $work/out, its status in $status
run_board() {
	PATH=$work/bin:$PATH XQACCEL_DEVICE=$work/device "$work/board/run" "$@" >"$work/out" 2>&1
	status=$?
}

# expect STATUS LINE...: complains of what is otherwise; a line is all of one that it printed.
expect() {
	local line
	[ "$status" = "$1" ] || echo "status $status instead of $1"
	shift
	for line; do
		grep -qxF -e "$line" "$work/out" || echo "it does not say: $line"
	done
}

# The project's own reader of KTAP counts the same.
expect_same_counts() {
	local counts
	counts=$(cd "$top/tests/ktap" && python3 -c 'import sys, ktap
s = ktap.parse(sys.stdin)
print(f"# {s.passed} passed, {s.failed} failed, {s.skipped} skipped")' <"$work/out")
	[ "$(tail -n 1 "$work/out")" = "$counts" ] || echo "it counts $(tail -n 1 "$work/out"), ktap.py $counts"
}

passes='printf "TAP version 14\n1..2\nok 1 a\nok 2 b # SKIP no c\n"'

passing() {
	prepare
	stand_in good "$passes"
	stand_in other "$passes"
	run_board
	expect 0 1..3 "# Subtest: xq-test-good" "  ok 2 b # SKIP no c" "ok 1 xq-test-good" "ok 2 xq-test-other"
	expect_same_counts
	run_board other xq-test-good
	expect 0 1..3 "ok 1 xq-test-other" "ok 2 xq-test-good"
	run_board good
	expect 0 1..2 "ok 1 xq-test-good"
	expect_same_counts
}

failing() {
	prepare
	stand_in good "$passes"
	stand_in bad 'printf "1..2\nok 1 a\n# why\nnot ok 2 b\n"; exit 1'
	run_board
	expect 1 "ok 1 xq-test-good" "  # why" "not ok 2 xq-test-bad" "# failed: xq-test-bad: b"
	expect_same_counts
	stand_in short 'printf "1..2\nok 1 a\n"'
	stand_in crash 'printf "1..1\nok 1 a\nhalf a line"; kill -SEGV $$'
	stand_in late 'printf "1..1\n"; kill -KILL $$'
	stand_in status 'printf "1..1\nok 1 a\n"; exit 3'
	run_board
	expect 1 "# failed: xq-test-short: planned 2 tests, reported 1" "not ok 4 xq-test-crash" "# failed: xq-test-crash: ended by signal 11" \
		"# failed: xq-test-late: killed after 9 s" "# failed: xq-test-status: exit status 3"
}

refusing() {
	prepare
	stand_in good "$passes"
	run_board none
	expect 2 "run: no test none; there are: good"
	FAKE_USER=1000 run_board
	expect 2 "run: this takes root: tests bind and unbind the driver and read its debugfs"
	rm "$work/device"
	run_board
	expect 2
	grep -q "^run: no $work/device: load the driver first" "$work/out" || echo "nothing is said of the device"
	prepare
	run_board
	expect 2 "run: no test is named in $work/board/programs: copy all of the folder"
	rm "$work/board/programs"
	run_board
	expect 2
	prepare
	stand_in good "$passes"
	rm -r "$work/debug/xqaccel"
	run_board
	expect 2
	grep -q "^run: .*CONFIG_DEBUG_FS" "$work/out" || echo "nothing is said of debugfs"
}

# module_file NAME [KERNEL [SRCVERSION]]: what a driver's file says of itself, as NAME's ending says it is packed
module_file() {
	local pack=cat
	case $1 in *.gz) pack=gzip ;; *.xz) pack=xz ;; *.zst) pack="zstd -q" ;; esac
	printf 'ELF\0srcversion=%s\0vermagic=%s SMP \0' "${3:-1234ABCD}" "${2:-6.12-board}" | $pack >"$work/$1"
}

# reloads yes|no: whether tests get a file that the kernel takes as it is, of what is there now
reloads() {
	run_board
	expect 0 "  # $1"
	[ "$1" = yes ] || grep -q "^# the module is not loaded again: " "$work/out" || echo "nothing is said of the module"
}

reloading() {
	prepare
	# shellcheck disable=SC2016
	stand_in module 'grep -qF "vermagic=" "$XQ_TEST_MODULE" && echo "# yes" || echo "# no"; printf "1..1\nok 1 a\n"'
	run_board
	expect 0 "  # no"
	module_file board/xqaccel.ko
	reloads yes
	module_file board/xqaccel.ko 6.1-other
	reloads no
	module_file board/xqaccel.ko 6.12-board 5678EF
	reloads no
	rm "$work/module/xqaccel/srcversion"
	reloads yes
	rm "$work/module/xqaccel/refcnt"
	reloads no
	echo 0 >"$work/module/xqaccel/refcnt"
	rm "$work/board/xqaccel.ko"
	for name in xqaccel.ko xqaccel.ko.gz xqaccel.ko.xz xqaccel.ko.zst; do
		module_file $name
		program bin/modinfo "echo $work/$name"
		reloads yes
	done
	program bin/zstd 'exit 1'
	reloads no
	program bin/modinfo 'echo "(builtin)"'
	run_board
	expect 0 "  # no"
	module_file mine.ko
	XQ_TEST_MODULE=$work/mine.ko reloads yes
}

# Not without a device, whose absence would be told by every test that is left.
losing() {
	prepare
	stand_in good "$passes"
	stand_in takes "rm $work/device; $passes"
	stand_in left "$passes"
	program bin/sleep 'exit 0'
	run_board
	expect 1 "ok 1 xq-test-good" "Bail out! $work/device is gone after xq-test-takes" \
		"# failed: xq-test-takes: $work/device is gone, what follows was not run"
	! grep -q xq-test-left "$work/out" || echo "the next program was run"
}

echo "TAP version 14"
echo "1..11"
ktap_silent "it has each program that boards.rst names" < <(missing)
ktap_silent "boards.rst shows what it prints" < <(sample)
ktap_silent "its programs need no libraries" < <(needed "$folder")
ktap_silent "what needs libraries or is no program is found" < <(needing)
ktap_silent "a driver of another build is removed" < <(stale)
ktap_silent "each of its programs is linked once" < <(linked_once)
ktap_silent "all or those that are named are run and counted" < <(passing)
ktap_silent "failures, crashes and missing results are told" < <(failing)
ktap_silent "it refuses with a sentence" < <(refusing)
ktap_silent "it ends when the device is gone" < <(losing)
ktap_silent "the module is loaded again from what was loaded" < <(reloading)
