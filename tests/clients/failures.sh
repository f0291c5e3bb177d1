#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# failures.sh, in a guest whose device has one context: ggml's own test of products, then llama-completion while the device
# is reset, taken by someone else, and unplugged, each in the middle of a text. It goes on, or ends with an error that says
# why. Prints KTAP.
#
# /vectors has llama (a folder of fetch-llama.sh), Q4_0.gguf and libggml-xqaccel.so.

export GGML_BACKEND_PATH=/vectors/libggml-xqaccel.so OMP_WAIT_POLICY=passive
number=0

result() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number $2"
	else
		tail -n 3 "/tmp/$3.err" | sed 's/^/# /'
		echo "not ok $number $2"
	fi
}

# generate NAME TOKENS
generate() {
	timeout 400 /vectors/llama/run llama-completion -m /vectors/Q4_0.gguf -n "$2" \
		-p "An accelerator for quantized" --temp 0 --ignore-eos -no-cnv -t 2 -fa on -fit off -dev XQACCEL \
		>"/tmp/$1.out" 2>"/tmp/$1.err"
	echo $? >"/tmp/$1.status"
}

status() {
	cat "/tmp/$1.status"
}

# Waits until a text has so many bytes, of which the prompt has 28.
flows() {
	i=0
	while [ "$(wc -c 2>/dev/null <"/tmp/$1.out" || echo 0)" -lt "$2" ] && [ $i -lt 600 ] && [ ! -e "/tmp/$1.status" ]; do
		sleep 0.1
		i=$((i + 1))
	done
	[ ! -e "/tmp/$1.status" ]
}

reset_device() {
	for device in /sys/bus/pci/drivers/xqaccel/*/reset; do
		echo 1 >"$device"
	done
}

resets() {
	generate quiet 120
	generate reset 120 &
	flows reset 33 || return 1
	reset_device || return 1
	flows reset 57 || return 1
	reset_device || return 1
	wait
	[ "$(status reset)" = 0 ] && [ "$(head -c 117 /tmp/reset.out)" = "$(head -c 117 /tmp/quiet.out)" ]
}

taken() {
	generate first 4000 &
	flows first 33 || return 1
	generate second 8
	[ "$(status second)" != 0 ] && [ "$(status second)" -lt 124 ] && flows first 37 &&
		grep -q "all contexts of the device are taken" /tmp/second.err
}

unplugged() {
	flows first 41 || return 1
	host-request device_del || return 1
	wait
	[ "$(status first)" != 0 ] && [ "$(status first)" -lt 124 ] && grep -q "the device is gone" /tmp/first.err
}

without() {
	generate soft 8
	[ "$(status soft)" = 0 ]
}

# ggml's own test of products, of small ones of a few types: each takes some seconds here.
own_test() {
	/vectors/llama/run test-backend-ops test -b XQACCEL -o MUL_MAT \
		-p 'type_a=(q4_0|q4_K|q2_K|tq2_0),type_b=f32,m=16,n=1,k=256,bs=.1,1.,nr=.1,1.,per=.0,1,2,3.' >/tmp/own.out 2>/tmp/own.err || return 1
	passed=$(grep -c '^  MUL_MAT(.*OK' /tmp/own.out)
	echo "# $passed cases of MUL_MAT"
	[ "$passed" -ge 8 ] && ! grep -q '^  MUL_MAT(.*FAIL' /tmp/own.out
}

echo "KTAP version 1"
echo "1..5"
own_test
result $? "test-backend-ops, products of four types" own
resets
result $? "resets in the middle of a text: the same text" reset
taken
result $? "no context left: an error" second
unplugged
result $? "unplugged in the middle of a text: an error" first
without
result $? "no device: the software device" soft
