# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Results in KTAP for tests in bash, which source this file. They are counted in $number.
number=0

# ktap_silent NAME: the lines of standard input say what is wrong.
ktap_silent() {
	local wrong
	number=$((number + 1))
	wrong=$(cat)
	if [ -z "$wrong" ]; then
		echo "ok $number $1"
	else
		echo "${wrong//$'\n'/$'\n'# }" | sed '1s/^/# /'
		echo "not ok $number $1"
	fi
}

# ktap_equal GOT WANTED NAME [FILE]: FILE is shown where they differ.
ktap_equal() {
	number=$((number + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $number $3"
	else
		echo "# wanted '$2', got '${1//$'\n'/ }'"
		[ -z "${4:-}" ] || sed 's/^/# /' "$4"
		echo "not ok $number $3"
	fi
}

# What comes last.
ktap_plan() {
	echo "1..$number"
}
