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
. "$here/../ktap/ktap.sh"

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
ktap_equal "$(run | tail -n 1)" "status 0" "a folder is made"
ktap_equal "$(cat "$(bash "$work/fetch.sh")")" content "and found again, with spaces in its path"
script 'echo content >inside; false; echo never >reached'
ktap_equal "$(run)" "status 1" "a failure in the middle is one, and prints no path"
ktap_equal "$(grep -c 'could not make thing' "$work/errors")" 1 "and a sentence"
ktap_equal "$(find "$XQ_CACHE" -name 'thing-*' -type d | wc -l)" 1 "and leaves nothing behind"
# shellcheck disable=SC2016
script 'value=$(false); echo "$value" >inside'
ktap_equal "$(run)" "status 1" "a failure inside of a substitution is one"

# In apt's place.
printf '#!/bin/sh\nprintf "%%s\\n" libthing-dev libthing2.9 libthing2.10 libthingy3\n' >"$work/private-apt.sh"
chmod +x "$work/private-apt.sh"
script "setup_scripts='$work'; newest_named somewhere libthing >inside"
ktap_equal "$(cat "$(bash "$work/fetch.sh")")" libthing2.10 "the newest of the packages with a version in their names"
script "setup_scripts='$work'; name=\$(newest_named somewhere libnothing); echo \"\$name\" >inside"
ktap_equal "$(run)" "status 1" "none is a failure"
ktap_plan
