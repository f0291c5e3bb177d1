#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The xq command's manners: exit statuses, one-line errors, no partial files, also on a full disk and when killed.
# What it computes is tested elsewhere.
set -u
cd "$(dirname "$0")/../.." || exit 1
xq=$(realpath "${O:-build}")/obj/bin/xq
work=$(mktemp -d) || exit 1
trap 'mountpoint -q "$work/full" && umount "$work/full"; rm -rf "$work"' EXIT
cd "$work" || exit 1
number=0
status=0
export XQACCEL_DEVICE=soft

ok() {
	number=$((number + 1))
	echo "ok $number $1"
}

not_ok() {
	number=$((number + 1))
	status=1
	sed 's/^/# /' err
	echo "not ok $number $1"
}

# npy FILE DTYPE SHAPE: a file whose elements are zero bytes.
npy() {
	python3 - "$@" <<-'END'
		import struct, sys
		path, dtype, shape = sys.argv[1:4]
		count = 1
		for n in shape.strip("(),").replace(",", " ").split():
		    count *= int(n)
		header = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (dtype, shape)
		header += " " * ((-len(header) - 11) % 64) + "\n"
		open(path, "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
		                       + bytes(count * int(dtype[-1])))
	END
}

# refused STATUS NAME ARGUMENTS...: that status, one line on stderr, no output file.
refused() {
	want=$1
	name=$2
	shift 2
	prlimit --cpu=20 "$xq" "$@" >out 2>err </dev/null
	got=$?
	lines=$(wc -l <err)
	if [ $got = "$want" ] && [ "$lines" = 1 ] &&
			grep -q '^xq: ' err && [ -z "$(find . -name 'c.npy*')" ]; then
		ok "$name"
	else
		echo "status $got, not $want" >>err
		not_ok "$name"
		rm -f c.npy*
	fi
}

accepted() {
	name=$1
	shift
	if prlimit --cpu=20 "$xq" "$@" >out 2>err </dev/null; then ok "$name"; else not_ok "$name"; fi
}

npy a.npy '|i1' '(3, 4)'
npy b.npy '|i1' '(4, 5)'
npy f.npy '<f4' '(4, 5)'
npy v.npy '<i4' '(5,)'
head -c 60 b.npy >cut.npy
sed 's/False/True /' b.npy >fortran.npy
: >empty.npy
mkdir folder

echo "KTAP version 1"
refused 2 "no command"
refused 2 "an unknown command" frobnicate
refused 2 "an unknown option" gemm a.npy b.npy -o c.npy --frobnicate
refused 2 "an option without its value" gemm a.npy b.npy -o
refused 2 "a file too few" gemm a.npy -o c.npy
refused 2 "a file too many" gemm a.npy b.npy a.npy -o c.npy
refused 2 "no output" gemm a.npy b.npy
refused 2 "an unknown type" gemm a.npy b.npy -o c.npy --a-type s5
refused 2 "a number that is none" gemm a.npy b.npy -o c.npy --group four
refused 2 "bench without sizes" bench gemm
refused 1 "no such file" gemm none.npy b.npy -o c.npy
refused 1 "a folder" gemm folder b.npy -o c.npy
refused 1 "an empty file" gemm empty.npy b.npy -o c.npy
refused 1 "a file cut short" gemm a.npy cut.npy -o c.npy
refused 1 "Fortran order" gemm a.npy fortran.npy -o c.npy
refused 1 "floats" gemm a.npy f.npy -o c.npy
refused 1 "shapes that do not match" gemm b.npy b.npy -o c.npy
refused 1 "values out of range" gemm a.npy b.npy -o c.npy --b-type b1
refused 1 "a group of 0" gemm a.npy b.npy -o c.npy --group 0
refused 1 "a zero point for no shape" gemm a.npy b.npy -o c.npy --a-zp v.npy
refused 1 "a zero point past int32" gemm a.npy b.npy -o c.npy --a-zp 3000000000
refused 1 "a bias of another length" gemm a.npy a.npy --transpose-b -o c.npy --bias v.npy
refused 1 "c4 without a codebook" gemm a.npy b.npy -o c.npy --b-type c4
refused 1 "no such device" gemm a.npy b.npy -o c.npy --device /no/such/device
refused 1 "a device that is none" gemm a.npy b.npy -o c.npy --device /dev/null
refused 1 "an output folder that is not there" gemm a.npy b.npy -o none/c.npy
refused 1 "an output that is a folder" gemm a.npy b.npy -o folder
refused 1 "a name with a line break" gemm $'a\nb.npy' b.npy -o c.npy
accepted "a product" gemm a.npy b.npy -o c.npy
accepted "a group that does not divide K" gemm a.npy b.npy -o c.npy --group 3
accepted "an option with =" gemm a.npy b.npy --output=c.npy --a-zp=-3
accepted "help" gemm --help
accepted "info" info
if "$xq" info --json 2>err | python3 -m json.tool >out 2>>err; then ok "info --json"; else not_ok "info --json"; fi
accepted "bench" bench gemm --m 33 --n 65 --k 127 --repeat 1
if "$xq" bench gemm --m 9 --n 9 --k 9 --b-type b1 --repeat 1 --json 2>err | python3 -c '
import json, sys
line = json.loads(sys.stdin.read())
assert line["bit_exact"] is True and line["seconds"] > 0 and line["gmac_per_s"] > 0 and line["bytes"] > 0' 2>>err
then ok "bench --json"; else not_ok "bench --json"; fi
if "$xq" gemm a.npy b.npy -o /proc/self/fd/1 2>err | cmp -s - c.npy; then ok "output to a pipe"; else not_ok "output to a pipe"; fi

# A disk with less room than the product needs.
rm -f c.npy
mkdir full
if mount -t tmpfs -o size=8k tmpfs full 2>err; then
	npy big.npy '|i1' '(100, 4)'
	npy wide.npy '|i1' '(4, 100)'
	prlimit --cpu=20 "$xq" gemm big.npy wide.npy -o full/c.npy 2>err
	if [ $? = 1 ] && grep -q 'No space' err && [ -z "$(ls full)" ]; then ok "a full disk"; else not_ok "a full disk"; fi
else
	number=$((number + 1))
	echo "ok $number a full disk # SKIP cannot mount a tmpfs"
fi
echo "1..$number"
exit $status
