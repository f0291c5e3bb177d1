# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced: folders of the cache that are complete or absent, whatever is interrupted.

# Without it $(cached ...) goes on after what failed, and prints the folder that is not there.
shopt -s inherit_errexit

: "${XQ_CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/xqaccel}"
export XQ_CACHE
setup_scripts=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

# Whatever else decides what a folder holds, beside the calling script: files, and words.
cache_inputs=()
cache_words=

# cache_folder NAME: prints where the folder NAME is or would be: a hash of its inputs is added.
cache_folder() {
	echo "$XQ_CACHE/$1-$({ cat "$0" "${cache_inputs[@]}" && printf %s "$cache_words"; } | sha256sum | cut -c 1-8)"
}

# cached NAME FUNCTION ARGUMENT...: prints the path of the cache folder NAME. If it is absent, FUNCTION is called inside
# a fresh folder, which becomes NAME when it succeeds. Two runs at once wait for each other.
cached() {
	local name=$1 folder temporary
	folder=$(cache_folder "$1")
	shift
	if [ ! -d "$folder" ]; then
		mkdir -p "$(dirname "$folder")" || {
			echo "${0##*/}: choose another folder for the cache with XDG_CACHE_HOME=DIR" >&2
			return 1
		}
		(
			flock 8
			[ -d "$folder" ] && exit 0
			rm -rf "$folder".new.*
			temporary=$folder.new.$$
			mkdir "$temporary"
			# A subshell in an || list would lose `set -e`, so its status is read afterwards.
			set +e
			(
				set -e
				cd "$temporary"
				"$@"
			)
			status=$?
			set -e
			if [ $status -ne 0 ]; then
				rm -rf "$temporary"
				explain_failure "$name"
				exit $status
			fi
			mv "$temporary" "$folder"
		) 8>"$folder.lock" >&2
	fi
	echo "$folder"
}

# The last line says what to do.
explain_failure() {
	local free
	free=$(df -Pk "$XQ_CACHE" | awk 'NR == 2 { print int($4 / 1024) }')
	echo "${0##*/}: could not make $1" >&2
	if [ "$free" -lt 200 ]; then
		echo "${0##*/}: only $free MiB are free in $XQ_CACHE: make room (about 3000 MiB), or move it with XDG_CACHE_HOME=DIR" >&2
	elif [ -n "$(find "$XQ_CACHE/apt" -name unreachable -mmin -10 2>/dev/null)" ]; then
		echo "${0##*/}: no packages came from $("$setup_scripts/mirror.sh" main): run it again with a network, or with" \
			"XQ_MIRROR=URI of another archive" >&2
	fi
}

# apt_try RELEASE TOOL ARGUMENT...: as private-apt.sh; once more with fresh lists when the pool has moved on.
apt_try() {
	"$setup_scripts/private-apt.sh" "$@" || XQ_APT_REFRESH=1 "$setup_scripts/private-apt.sh" "$@" || {
		touch "$XQ_CACHE/apt/$1/unreachable"
		return 1
	}
}

# candidate_field RELEASE PACKAGE FIELD: a field of the newest version.
candidate_field() {
	"$setup_scripts/private-apt.sh" "$1" apt-cache --no-all-versions show "$2" |
		awk -v field="$3:" '$1 == field { $1 = ""; sub(/^ /, ""); print; exit }'
}

# unpack_debs RELEASE DIR PACKAGE...: downloads, checks and unpacks packages without installing them.
unpack_debs() {
	local release=$1 into=$2 deb
	shift 2
	apt_try "$release" apt-get download "$@" >/dev/null
	mkdir -p "$into"
	for deb in *.deb; do
		dpkg-deb -x "$deb" "$into"
		rm "$deb"
	done
}

# newest_named RELEASE NAME: of the packages whose names are NAME and a version, the newest.
newest_named() {
	"$setup_scripts/private-apt.sh" "$1" apt-cache pkgnames "$2" | grep -E "^$2\.?[0-9][0-9.]*$" | sort -V | tail -n 1
}

# unpack_and_list RELEASE PACKAGE...: unpack_debs into root/, and versions: a package and its version on each line.
unpack_and_list() {
	local release=$1 package
	shift
	unpack_debs "$release" root "$@"
	for package; do
		echo "$package $(candidate_field "$release" "$package" Version)"
	done >versions
}
