#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every attribute and module parameter of the driver is described in Documentation/ABI, and nothing is described that is
# not there; with the fields that the kernel's own files have. Prints KTAP.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
abi=Documentation/ABI/testing

# What the sources have: DEVICE_ATTR_RO(name) and its like, module_param(name, ...).
in_source() {
	sed -nE -e 's/^(static )?DEVICE_ATTR_?(RO|RW|WO)?\((\w+).*/\/sys\/class\/xqaccel\/xqaccelN\/\3/p' \
		-e 's/^module_param(_named|_unsafe|_cb)?\((\w+),.*/\/sys\/module\/xqaccel\/parameters\/\2/p' "$@"
}

described() {
	sed -nE 's/^What:\t\t//p' "$abi"/*
}

# Entries without a field, with a wrong mode, or out of form.
malformed() {
	awk '
		function finish() { if (what && !(date && contact && text)) print what ": a field is missing" }
		/^What:\t\t\/sys\// { finish(); what = $2; date = contact = text = 0; next }
		/^Date:\t\t[A-Z][a-z]+ [0-9]+$/ { date = 1; next }
		/^Contact:\t./ { contact = 1; next }
		/^Description:$/ { getline; text = /^\t\t\((RO|RW|WO)\) /; next }
		/^(\t\t.*)?$/ { if (length > 66) print FILENAME ":" FNR ": too long"; next }
		{ print FILENAME ":" FNR ": " $0 }
		END { finish() }' "$abi"/*
}

result() {
	if [ -z "$3" ]; then
		echo "ok $1 $2"
	else
		echo "${3//$'\n'/$'\n'# }" | sed '1s/^/# /'
		echo "not ok $1 $2"
	fi
}

difference() {
	comm "$1" <(in_source driver/*.c | sort) <(described | sort)
}

echo "TAP version 14"
echo "1..4"
result 1 "every attribute and parameter is described" "$(difference -23)"
result 2 "what is described is there" "$(difference -13)"
result 3 "the form of the descriptions" "$(malformed)"
# The patterns above find something at all.
planted=$(printf 'static DEVICE_ATTR_RW(planted);\nmodule_param(planted_too, uint, 0644);\n')
result 4 "a planted attribute and a planted parameter are seen" \
	"$([ "$(in_source <(echo "$planted") | wc -l)" = 2 ] && [ "$(in_source driver/*.c | wc -l)" -ge 10 ] || echo "they are not")"
