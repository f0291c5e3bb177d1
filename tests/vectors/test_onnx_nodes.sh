#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# test_onnx_nodes.sh PROGRAM: fetches ONNX's tests of operators and runs them. Without them there is one skipped test.
set -uo pipefail

setup=$(dirname "$(readlink -f "$0")")/../setup
folder=$("$setup/fetch-onnx-testdata.sh" 2>/dev/null) || folder=/nowhere
exec "$1" "$folder"
