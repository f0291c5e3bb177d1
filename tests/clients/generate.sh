#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# generate.sh LLAMA MODEL TOKENS cpu|xqaccel: lets an unmodified llama-completion go on with a prompt, the likeliest token each time,
# on ggml's CPU backend or on the accelerator (GGML_BACKEND_PATH, XQACCEL_DEVICE), and prints three lines:
#	text: the bytes in hexadecimal	speed: tokens a second	device: what the plugin's jobs did
# LLAMA is a folder of fetch-llama.sh. Runs in the guest, too.
#
# llama-completion may end before it has written its last words, so more tokens are made than counted, and a run whose figures
# are missing is repeated.
set -eu

llama=$1 model=$2 tokens=$3 device=none
[ "$4" = cpu ] || device=XQACCEL
export OMP_WAIT_POLICY=passive XQACCEL_GGML_STATS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tries=0
while [ $tries -lt 6 ]; do
	tries=$((tries + 1))
	"$llama/run" llama-completion -m "$model" -n $((tokens + 32)) -p "An accelerator for quantized" --temp 0 --ignore-eos \
		-no-cnv -t 2 -fa on -fit off -dev $device >"$work/out" 2>"$work/err" || { tail -n 5 "$work/err" >&2; exit 1; }
	speed=$(sed -n 's/.*  eval time.* \([0-9.]*\) tokens per second.*/\1/p' "$work/err")
	[ -n "$speed" ] && [ "$(wc -c <"$work/out")" -gt "$tokens" ] && break
done
echo "text: $(head -c "$tokens" "$work/out" | od -An -v -tx1 | tr -d ' \n')"
echo "speed: $speed"
echo "device: $(sed -n 's/^xqaccel: XQACCEL: //p' "$work/err")"
