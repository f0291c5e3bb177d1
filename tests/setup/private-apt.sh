#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# private-apt.sh RELEASE apt-get|apt-cache ARGUMENT...
#
# Runs apt on package lists of our own for one Debian release (bookworm, bookworm-backports, trixie, forky), with binary and
# source packages and the security pool. The system's sources, lists and caches are neither used nor changed, only
# its mirror and its proxy settings are taken over. XQ_APT_REFRESH=1 fetches the lists anew; otherwise they may be
# six hours old. XQ_APT_ARCH says whose packages, amd64 without it.
set -euo pipefail

release=$1
shift
here=$(dirname "$(readlink -f "$0")")
: "${XQ_CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/xqaccel}"
architecture=${XQ_APT_ARCH:-amd64}
root=$XQ_CACHE/apt/$release$([ "$architecture" = amd64 ] || echo "-$architecture")
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || keyring=/usr/share/keyrings/debian-archive-keyring.pgp

write_sources() {
	local mirror security
	mirror=$("$here/mirror.sh" main)
	security=$("$here/mirror.sh" security)
	printf '%s\n' "Types: deb deb-src" "URIs: $mirror" \
		"Suites: $release$([[ $release == *-backports ]] || echo " $release-updates")" \
		"Components: main" "Signed-By: $keyring"
	[[ $release == *-backports || -z $security ]] || printf '%s\n' "" "Types: deb deb-src" "URIs: $security" \
		"Suites: $release-security" "Components: main" "Signed-By: $keyring"
}

# Hooks of the system's configuration (docker-clean, for one) would act on the system's cache.
write_config() {
	printf '%s "%s";\n' \
		Dir::Etc::SourceList "$root/sources.sources" Dir::Etc::SourceParts "$root/none" \
		Dir::Etc::Preferences "$root/none" Dir::Etc::PreferencesParts "$root/none" \
		Dir::State "$root/state" Dir::State::Lists "$root/lists" Dir::State::status "$root/status" \
		Dir::Cache "$root/cache" Debug::NoLocking true APT::Get::List-Cleanup true \
		Acquire::Languages none Acquire::Retries 3 APT::Architecture "$architecture" APT::Architectures "$architecture" \
		APT::Sandbox::User "$(id -un)"
	printf '#clear %s;\n' APT::Update::Pre-Invoke APT::Update::Post-Invoke APT::Update::Post-Invoke-Success \
		DPkg::Post-Invoke
}

update() {
	local log=$root/update.log
	echo "  APT     package lists of $release ($architecture)" >&2
	rm -f "$root/unreachable"
	if apt-get -c "$root/apt.conf" -q update >"$log" 2>&1 </dev/null && ! grep -q '^Err:' "$log"; then
		touch "$root/updated"
	elif [ -e "$root/updated" ]; then
		echo "private-apt.sh: could not refresh the lists of $release, using those at hand" >&2
	elif compgen -G "$root/lists/*_dists_${release}_main_binary-${architecture}_Packages*" >/dev/null; then
		# A mirror that is just being renewed; its updates can wait.
		touch "$root/updated"
		echo "private-apt.sh: some lists of $release did not come, using those at hand" >&2
	else
		touch "$root/unreachable"
		cat "$log" >&2
		echo "private-apt.sh: could not fetch the package lists of $release" >&2
		return 1
	fi
}

mkdir -p "$root"/{none,state,lists/partial,cache/archives/partial}
touch "$root/status"
exec 9>"$root/lock"
flock 9
write_sources >"$root/sources.sources"
write_config >"$root/apt.conf"
if [ -n "${XQ_APT_REFRESH:-}" ] || [ -z "$(find "$root" -maxdepth 1 -name updated -mmin -360)" ]; then
	update
fi

# The lock stays with apt until it ends, so that nobody changes the lists under it.
tool=$1
shift
exec "$tool" -c "$root/apt.conf" -q "$@"
