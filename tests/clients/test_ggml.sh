#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# libggml-xqaccel.so under each ggml that can be had, on the software device: our products through its calls, and, where
# they are packaged, ggml's own tests: for each quantized type the small MUL_MAT and MUL_MAT_ID cases, and the operations
# between products. Prints KTAP.
#
#	test_ggml.sh [--all]
#
# With --all each case of ggml's tests that the plugin claims, which takes an hour. They are all that there are of quantized weights by
# F32; those by F16 ggml's CPU backend doesn't compute either, so there is nothing to compare.
set -euo pipefail

top=$(dirname "$(readlink -f "$0")")/../..
setup=$top/tests/setup
build=$(readlink -f "${O:-$top/build}")
plugin=$build/lib/libggml-xqaccel.so
products=$build/obj/bin/test-ggml-products
operations=$build/obj/bin/test-ggml-operations
loading=$build/obj/bin/test-ggml-loading
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XQ_GGML_PLUGIN=$plugin GGML_BACKEND_PATH=$plugin XQACCEL_DEVICE=soft OMP_NUM_THREADS=1
number=0 failed=0

small_products='type_b=f32,m=16,n=[1-9],k=256,bs=.1,1.,nr=.1,1.,per=.0,1,2,3.'
small_experts='type_b=f32,n_mats=4,n_used=2,b=[01],m=512,n=(1|32|129),k=256'

result() {
	number=$((number + 1))
	echo "$1 $number $2"
	[ "$1" = ok ] || failed=1
}

skip() {
	result ok "$1 # SKIP $2"
}

# lines NAME COMMAND...: the lines of a KTAP program as ours.
lines() {
	local name=$1 line
	shift
	"$@" >"$work/out" 2>"$work/err" || true
	if ! grep -q '^1\.\.' "$work/out" ||
		[ "$(grep -c '^\(not \)\?ok ' "$work/out")" != "$(sed -n 's/^1\.\.//p' "$work/out")" ]; then
		sed 's/^/# /' "$work/err" | tail -n 5
		result "not ok" "$name: all cases ran"
	fi
	while IFS= read -r line; do
		case $line in
		"ok "*) result ok "$name: ${line#ok * }" ;;
		"not ok "*) result "not ok" "$name: ${line#not ok * }" ;;
		"# "*) echo "$line" ;;
		esac
	done <"$work/out"
}

# own_tests FOLDER OPERATION PARAMETERS LEAST: at least so many cases are claimed, and each of them passes.
own_tests() {
	local folder=$1 operation=$2 parameters=$3 least=$4 passed wrong
	"$folder/run" test-backend-ops test -b XQACCEL -o "$operation" -p "$parameters" >"$work/out" 2>"$work/err" ||
		tail -n 3 "$work/err" | sed 's/^/# /'
	passed=$(grep -c 'OK' <(grep "^  $operation(" "$work/out") || true)
	wrong=$(grep "^  $operation(" "$work/out" | grep -cvE 'OK|not supported' || true)
	grep 'FAIL' "$work/out" | head -n 5 | sed 's/^/# /' || true
	echo "# $passed cases claimed and passed, $wrong not"
	if [ "$wrong" = 0 ] && [ "$passed" -ge "$least" ] && grep -q '2/2 backends passed' "$work/out"; then
		result ok "ggml 0.27: test-backend-ops, $operation"
	else
		result "not ok" "ggml 0.27: test-backend-ops, $operation"
	fi
}

# architectures FOLDER: llama.cpp's own test: logits of each architecture, with random weights, beside the CPU backend's.
architectures() {
	local status=0 passed
	"$1/run" test-llama-archs -b XQACCEL -s 7 2>"$work/err" | sed 's/\x1b\[[0-9;]*m//g' >"$work/out" || status=$?
	grep 'FAIL' "$work/out" | head -n 5 | sed 's/^/# /' || true
	passed=$(grep -c '^|.*soft.*OK (' "$work/out" || true)
	echo "# $passed architectures passed"
	if [ $status = 0 ] && [ "$passed" -ge 100 ] && ! grep -q 'FAIL' "$work/out"; then
		result ok "llama.cpp: logits of each architecture"
	else
		result "not ok" "llama.cpp: logits of each architecture"
	fi
}

# logits FOLDER: logits and greedy text of a small model in each type, beside the CPU backend's.
logits() {
	local folder=$1 type
	/usr/bin/python3 "$top/tests/clients/make_gguf.py" --layers 2 --width 512 --inner 768 --heads 8 \
		--text "$top/README.md" "$work/f16.gguf" >"$work/err" 2>&1 || true
	for type in Q4_0 Q5_1 Q8_0 IQ4_NL Q2_K Q4_K Q6_K TQ2_0 MXFP4_MOE; do
		if "$folder/run" llama-quantize --pure "$work/f16.gguf" "$work/$type.gguf" "$type" >"$work/err" 2>&1 &&
			"$folder/run" llama-quantize --pure --allow-requantize "$work/$type.gguf" "$work/float.gguf" F32 \
				>"$work/err" 2>&1 &&
			"$top/tests/clients/logits.py" "$folder" "$work/$type.gguf" 256 "$work/float.gguf" \
				>"$work/out" 2>"$work/err"; then
			sed 's/^/# /' "$work/out"
			result ok "llama.cpp: logits and text, $type"
		else
			tail -n 2 "$work/out" "$work/err" | sed 's/^/# /'
			result "not ok" "llama.cpp: logits and text, $type"
		fi
	done
}

# one_piece FOLDER NAME PROMPT TOKENS: the scheduler gives all that these need to the plugin. Needs a model of logits().
one_piece() {
	GGML_SCHED_DEBUG=2 "$1/run" llama-bench -v -m "$work/Q4_0.gguf" -t 1 -p "$3" -n "$4" -r 1 -fa 1 -ngl 99 >"$work/out" 2>&1 || true
	if grep -q '^## SPLIT #0: XQACCEL' "$work/out" && ! grep -q '^## SPLIT #1' "$work/out"; then
		result ok "llama.cpp: $2 is one piece of the graph"
	else
		grep '^## SPLIT' "$work/out" | sort | uniq -c | sed 's/^/# /'
		result "not ok" "llama.cpp: $2 is one piece of the graph"
	fi
}

# completion FOLDER DEVICES: a text by these devices, of which there are two. Needs a model of logits().
completion() {
	XQACCEL_GGML_DEVICES=soft,soft XQACCEL_GGML_STATS=1 "$1/run" llama-completion -m "$work/Q4_0.gguf" -n 64 \
		-p "An accelerator for quantized" --temp 0 --ignore-eos -no-cnv -t 2 -fa on -fit off -dev "$2" 2>"$work/err"
}

# two_devices FOLDER: layers on two devices, as llama.cpp spreads them if it is not told otherwise, say what one says.
two_devices() {
	if completion "$1" XQACCEL >"$work/one" && completion "$1" XQACCEL,XQACCEL1 >"$work/two" &&
		grep -q '^xqaccel: XQACCEL: [1-9]' "$work/err" && grep -q '^xqaccel: XQACCEL1: [1-9]' "$work/err" &&
		[ -s "$work/one" ] && cmp -s "$work/one" "$work/two"; then
		result ok "llama.cpp: layers on two devices"
	else
		grep '^xqaccel' "$work/err" | sed 's/^/# /'
		result "not ok" "llama.cpp: layers on two devices"
	fi
}

# whisper FOLDER: whisper.cpp's benchmark on a model of random weights, on the accelerator.
whisper() {
	if "$top/tests/clients/make_whisper.py" "$work/f16.bin" 2>"$work/err" &&
		"$1/run" whisper-quantize "$work/f16.bin" "$work/q5_0.bin" q5_0 >"$work/err" 2>&1 &&
		XQACCEL_GGML_STATS=1 "$1/run" whisper-bench -m "$work/q5_0.bin" -t 2 >"$work/out" 2>"$work/err" &&
		grep '^xqaccel: XQACCEL: [1-9]' "$work/err" | sed 's/^/# /'; then
		result ok "whisper.cpp: encoder and decoder run"
	else
		tail -n 3 "$work/err" | sed 's/^/# /'
		result "not ok" "whisper.cpp: encoder and decoder run"
	fi
}

echo "KTAP version 1"
if folder=$("$setup/fetch-llama.sh" 2>"$work/why"); then
	lib=$folder/root/usr/lib/x86_64-linux-gnu
	export XQ_GGML=$lib/libggml.so.0 XQ_GGML_CPU=$lib/ggml/backends0/libggml-cpu-x64.so
	lines "ggml 0.27" "$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$products"
	lines "ggml 0.27" "$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$operations"
	lines "ggml 0.27" "$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$loading"
	if [ "${1:-}" = --all ]; then
		own_tests "$folder" MUL_MAT . 1656
		own_tests "$folder" MUL_MAT_ID . 770
		own_tests "$folder" FLASH_ATTN_EXT . 348
	else
		own_tests "$folder" FLASH_ATTN_EXT hsk=64,hsv=64 37
		own_tests "$folder" MUL_MAT "$small_products" 254
		own_tests "$folder" MUL_MAT_ID "$small_experts" 94
	fi
	while read -r operation least; do
		own_tests "$folder" "$operation" . "$least"
	done <<-END
		ADD 16
		MUL 16
		RMS_NORM 46
		ROPE 80
		DUP 2
		GET_ROWS 210
		SET_ROWS 40
		SWIGLU 12
	END
	architectures "$folder"
	logits "$folder"
	one_piece "$folder" "a token" 0 2
	one_piece "$folder" "a prompt" 300 0
	two_devices "$folder"
	whisper "$folder"
else
	skip "ggml 0.27" "llama.cpp can't be fetched: $(tail -n 1 "$work/why")"
fi
if folder=$("$setup/fetch-node-llama.sh" 2>"$work/why"); then
	export XQ_GGML=$folder/bin/libggml.so XQ_GGML_CPU=$folder/bin/libggml-cpu-x64.so
	lines "ggml of node-llama-cpp" "$products"
	lines "ggml of node-llama-cpp" "$operations"
	lines "ggml of node-llama-cpp" "$loading"
else
	skip "ggml of node-llama-cpp" "it can't be fetched: $(tail -n 1 "$work/why")"
fi
echo "1..$number"
exit $failed
