#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-wakewords.sh: prints the folder of the wake words of Debian's voice assistants, streaming TFLite models with
# state:
#	*.tflite		the models	versions	a package and its version on each line
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
release=forky

fetch_wakewords() {
	echo "  FETCH   wake words ($release)"
	unpack_and_list "$release" linux-voice-assistant python3-pymicro-wakeword
	find root -name '*.tflite' -type f -exec cp -n -t . {} +
	ls ./*.tflite >/dev/null
	rm -rf root
}

cached "wakewords-$release" fetch_wakewords
