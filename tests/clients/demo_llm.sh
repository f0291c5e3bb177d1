#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo_llm.sh BUILD KERNEL: an unmodified llama.cpp, as a newer Debian release has it, generates text from a model that
# is made here and knows the beginning of README.md, on ggml's CPU backend, on the software device, and in a VM on
# /dev/xqaccel0. Each must go on as README.md does.
#
# demo_llm.sh BUILD KERNEL --failures: failures.sh in such a VM; prints KTAP.
set -euo pipefail

top=$(dirname "$(readlink -f "$0")")/../..
build=$(readlink -f "$1")
kernel=$2
tokens=256
work=$build/llm
plugin=$build/lib/libggml-xqaccel.so
export GGML_BACKEND_PATH=$plugin

# The guest sees one folder.
prepare() {
	local from=$1 lib=root/usr/lib/x86_64-linux-gnu name
	rm -rf "$work/llama"
	mkdir -p "$work/llama/root/usr/bin" "$work/llama/$lib/ggml/backends0" "$work/llama/$lib/llama"
	cp "$from/run" "$work/llama/"
	cp "$from/root/usr/bin/llama-completion" "$work/llama/root/usr/bin/"
	cp "$from/$lib/llama/"*.so "$work/llama/$lib/llama/"
	mkdir -p "$work/llama/root/usr/libexec/x86_64-linux-gnu/ggml"
	cp "$from/root/usr/libexec/x86_64-linux-gnu/ggml/test-backend-ops" "$work/llama/root/usr/libexec/x86_64-linux-gnu/ggml/"
	cp "$from/$lib/ggml/backends0/libggml-cpu-"{x64,haswell}.so "$work/llama/$lib/ggml/backends0/"
	for name in ld-linux-x86-64 libc libm libstdc++ libgcc_s libgomp libggml libggml-base libllama libllama-common libmtmd \
		libssl libcrypto libz libzstd libresolv libdl libpthread librt; do
		for file in "$from/$lib/$name".so.*; do
			[ ! -e "$file" ] || cp -L "$file" "$work/llama/$lib/${file##*/}"
		done
	done
	# What the plugin needs besides, of this system.
	ldd "$plugin" | while read -r name _ file _; do
		[ ! -e "$file" ] || [ -e "$work/llama/$lib/$name" ] || cp -L "$file" "$work/llama/$lib/"
	done
	cp "$plugin" "$top/tests/clients/generate.sh" "$work/"
}

make_model() {
	/usr/bin/python3 "$top/tests/clients/make_gguf.py" --layers 2 --width 512 --inner 768 --heads 8 \
		--text "$top/README.md" "$work/f16.gguf"
	"$1/run" llama-quantize --pure "$work/f16.gguf" "$work/$2.gguf" "$2" >"$work/quantize.log" 2>&1
}

bytes() {
	# shellcheck disable=SC2001,SC2059
	printf "$(sed 's/../\\x&/g' <<<"$1")"
}

field() {
	sed -n "s/^$1: //p" "$2"
}

row() {
	local same=${3:-}
	printf '  %-7s %-14s %9s tokens/s  %s%s\n' "$1" "$2" "$(field speed "$work/$2.txt")" \
		"$(field device "$work/$2.txt")" "$same"
}

# Whether a text is the CPU's; else where they part.
same() {
	local ours theirs
	ours=$(field text "$work/$1.txt") theirs=$(field text "$work/cpu.txt")
	if [ -n "$ours" ] && [ "$ours" = "$theirs" ]; then
		echo ", same text"
	else
		printf ', another text from byte %s on\n' \
			"$(cmp <(bytes "$ours") <(bytes "$theirs") 2>&1 | sed -n 's/.*byte \([0-9]*\).*/\1/p')"
		failed=1
	fi
}

# Whether a text is in README.md, in which runs of blanks are one.
known() {
	local ours
	ours=$(field text "$work/$1.txt")
	[ -n "$ours" ] && grep -qF -- "$(bytes "$ours")" <(tr -s '[:space:]' ' ' <"$top/README.md")
}

failed=0
mkdir -p "$work"
llama=$("$top/tests/setup/fetch-llama.sh") || { echo "demo-llm: llama.cpp can't be fetched" >&2; exit 1; }
prepare "$llama"
if [ "${3:-}" = --failures ]; then
	make_model "$llama" Q4_0
	cp "$top/tests/clients/failures.sh" "$work/"
	exec "$top/tests/vm/run" --kernel "$kernel" --build "$build" --image demo --timeout 1500 --device-props contexts=1 \
		--vectors "$work" --command 'sh /vectors/failures.sh'
fi
awk '{ print "  " $1, $2 }' "$llama/versions" | grep -E 'libggml0|libllama0'
for type in Q4_0 Q8_0; do
	make_model "$llama" "$type"
	"$work/generate.sh" "$llama" "$work/$type.gguf" $tokens cpu >"$work/cpu.txt"
	[ $type != Q4_0 ] || printf '\n%s...\n\n' "$(bytes "$(field text "$work/cpu.txt")" | fold -s -w 100 | sed 's/^/  /')"
	known cpu || { echo "  not what README.md says"; failed=1; }
	row "$type" cpu
	XQACCEL_DEVICE=soft "$work/generate.sh" "$llama" "$work/$type.gguf" $tokens xqaccel >"$work/soft.txt"
	row "$type" soft "$(same soft)"
	cat >"$work/guest.sh" <<-END
		export GGML_BACKEND_PATH=/vectors/libggml-xqaccel.so
		/vectors/generate.sh /vectors/llama /vectors/$type.gguf $tokens xqaccel
	END
	"$top/tests/vm/run" --kernel "$kernel" --build "$build" --image demo --timeout 1500 --vectors "$work" \
		--command 'sh /vectors/guest.sh' >"$work/xqaccel0.txt"
	row "$type" xqaccel0 "$(same xqaccel0)"
done
exit $failed
