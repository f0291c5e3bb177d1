#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# test_silero.sh XQ: Silero VAD, whose branches depend on the sample rate, against ONNX Runtime. Prints KTAP; skipped where one of
# them can't be fetched.
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
xq=$(readlink -f "$1")
echo "KTAP version 1"
if ! command -v node npm >/dev/null || ! models=$("$here/../setup/fetch-silero.sh" 2>/dev/null) ||
   ! "$here/../setup/fetch-onnxruntime.sh" >/dev/null 2>&1; then
	echo 1..1
	echo "ok 1 Silero VAD # SKIP it or ONNX Runtime could not be fetched (they need node, npm and a registry)"
	exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
PYTHONPATH=$here/../unit python3 - <<-'END'
	import math
	import random
	from xq_case import save
	random.seed(1)
	x = [0.3 * math.sin(i * 0.11) * math.sin(i * 0.003) + random.gauss(0, 0.05) for i in range(576)]
	for name, count in ("x576", 576), ("x512", 512), ("x288", 288):
	    save(name + ".npy", "<f4", (1, count), x[:count])
	for name, width in ("state", 128), ("h", 64), ("c", 64):
	    save(name + ".npy", "<f4", (2, 1, width), [random.gauss(0, 0.3) for _ in range(2 * width)])
	for rate in 8000, 16000:
	    save("%d.npy" % rate, "<i8", (), [rate])
END

number=0 failed=0
# compare MODEL INPUTS: the first output may differ by 1e-5.
compare() {
	local line
	number=$((number + 1))
	line=$("$here/compare_onnxruntime.sh" "$xq" "$models/$1.onnx" "$2" 2>&1)
	echo "# $line"
	if [[ $line =~ by\ at\ most\ ([0-9.e-]+)\ of ]] && awk -v d="${BASH_REMATCH[1]}" 'BEGIN { exit !(d + 0 <= 1e-5) }'; then
		echo "ok $number $1 $2"
	else
		echo "not ok $number $1 $2"
		failed=1
	fi
}
echo 1..4
compare silero_vad_v5 x576.npy,state.npy,16000.npy
compare silero_vad_v5 x288.npy,state.npy,8000.npy
compare silero_vad_v6 x576.npy,state.npy,16000.npy
compare silero_vad_legacy x512.npy,16000.npy,h.npy,c.npy
exit $failed
