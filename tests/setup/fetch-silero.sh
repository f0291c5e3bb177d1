#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-silero.sh: prints a folder with Silero VAD, networks that hear whether somebody speaks:
#	*.onnx		float models with If and LSTM
# It comes from npm, whose client takes the registry from its own configuration; fails where there is no npm.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
version=0.0.31

fetch_silero() {
	command -v npm >/dev/null || { echo "fetch-silero.sh: npm is not installed" >&2; return 1; }
	echo "  FETCH   Silero VAD of vad-web $version"
	npm pack --silent "@ricky0123/vad-web@$version" >/dev/null
	tar -xzf "ricky0123-vad-web-$version.tgz" --strip-components=2 --wildcards '*.onnx'
	rm "ricky0123-vad-web-$version.tgz"
}

cached silero fetch_silero
