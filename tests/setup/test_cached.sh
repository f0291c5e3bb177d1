#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# cached.sh: what a script does whose folder can't be made; prints KTAP.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
# With a space, as a home directory may have.
work=$(mktemp -d)/"a home"
mkdir "$work"
trap 'rm -rf "$(dirname "$work")"' EXIT
export XQ_CACHE=$work/cache
number=0

result() {
	number=$((number + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $number $3"
	else
		echo "# wanted '$2', got '$1'"
		echo "not ok $number $3"
	fi
}

# script BODY: a script as the fetch-*.sh are, that prints a path inside of its folder
script() {
	cat >"$work/fetch.sh" <<-END
		#!/bin/bash
		set -euo pipefail
		. "$here/cached.sh"
		fetch() { $1; }
		folder=\$(cached thing fetch)
		echo "\$folder/inside"
	END
}

run() {
	bash "$work/fetch.sh" 2>"$work/errors" && echo "status 0" || echo "status $?"
}

echo "TAP version 14"
script 'echo content >inside'
result "$(run | tail -n 1)" "status 0" "a folder is made"
result "$(cat "$(bash "$work/fetch.sh")")" content "and found again, with spaces in its path"
script 'echo content >inside; false; echo never >reached'
result "$(run)" "status 1" "a failure in the middle is one, and prints no path"
result "$(grep -c 'could not make thing' "$work/errors")" 1 "and a sentence"
result "$(find "$XQ_CACHE" -name 'thing-*' -type d | wc -l)" 1 "and leaves nothing behind"
# shellcheck disable=SC2016
script 'value=$(false); echo "$value" >inside'
result "$(run)" "status 1" "a failure inside of a substitution is one"

# In apt's place.
printf '#!/bin/sh\nprintf "%%s\\n" libthing-dev libthing2.9 libthing2.10 libthingy3\n' >"$work/private-apt.sh"
chmod +x "$work/private-apt.sh"
script "setup_scripts='$work'; newest_named somewhere libthing >inside"
result "$(cat "$(bash "$work/fetch.sh")")" libthing2.10 "the newest of the packages with a version in their names"
script "setup_scripts='$work'; name=\$(newest_named somewhere libnothing); echo \"\$name\" >inside"
result "$(run)" "status 1" "none is a failure"
echo "1..$number"
