#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An unmodified llama.cpp in a VM whose device is reset, taken and unplugged in the middle of a text; prints KTAP.
set -euo pipefail

top=$(dirname "$(readlink -f "$0")")/../..
why=$(mktemp)
trap 'rm -f "$why"' EXIT

if ! "$top/tests/setup/fetch-llama.sh" >/dev/null 2>"$why"; then
	echo "KTAP version 1"
	echo "1..1"
	echo "ok 1 llama.cpp and failures of the device # SKIP llama.cpp can't be fetched: $(tail -n 1 "$why")"
	exit
fi
"$top/tests/clients/demo_llm.sh" "${O:-$top/build}" 6.12 --failures
