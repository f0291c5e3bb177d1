#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# image.sh OUT KERNEL MODULE FILE[:GUESTPATH]...: makes the guest's initramfs, without root.
#
# KERNEL is a folder as fetch-kernel.sh makes it, MODULE our .ko ("-": none). A FILE goes to /bin unless GUESTPATH
# says otherwise; the shared libraries of programs come along, from XQ_LIBRARIES or from where the compiler CC finds them.
# XQ_BUSYBOX is the guest's, /bin/busybox without it. MORE_MODULES names modules of the kernel that the guest loads, too.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
out=$1
kernel=$2
module=$3
shift 3

# Modules of the distribution's kernel that the guest loads, in this order after their dependencies.
read -ra guest_modules <<<"virtio_pci virtio_console 9pnet_virtio 9p ${MORE_MODULES:-}"

root=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$root" "$out.new"' EXIT

# Prints a module's dependencies and the module, as paths below modules/.
with_dependencies() {
	awk -v want="$1" '
		{ name = $1; sub(/:$/, "", name); path = name; sub(/.*\//, "", name); sub(/\.ko.*/, "", name) }
		{ gsub(/-/, "_", name) }
		name == want { for (i = NF; i > 1; i--) print $i; print path; found = 1 }
		END { exit !found }' "$kernel/modules/modules.dep"
}

copy_module() {
	local to=$root/lib/modules/$2
	case $1 in
	*.xz) xz -dc "$1" >"$to" ;;
	*.zst) zstd -qdc "$1" >"$to" ;;
	*) cp "$1" "$to" ;;
	esac
}

read -ra compiler <<<"${CC:-gcc}"

# The path of a shared library, which is of another architecture than this system's if CC is such a compiler.
library_path() {
	local path
	# shellcheck disable=SC2086 # folders, separated by spaces
	for path in $(printf "%s/$1 " ${XQ_LIBRARIES:-}) "$("${compiler[@]}" -print-file-name="$1")"; do
		case $path in
		/*) [ ! -e "$path" ] || { echo "$path" && return; } ;;
		esac
	done
	echo "image.sh: $2 needs $1, which is not there" >&2
	return 1
}

# What a program or a library names, and what those name in turn. A static program and a script name nothing.
copy_libraries() {
	local name path
	for name in $(readelf -d "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
		[ ! -e "$root/lib/$name" ] || continue
		path=$(library_path "$name" "$1")
		cp -L "$path" "$root/lib/$name"
		copy_libraries "$path"
	done
	name=$({ readelf -l "$1" 2>/dev/null || true; } | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
	[ -z "$name" ] || [ -e "$root$name" ] || {
		mkdir -p "$root$(dirname "$name")"
		cp -L "$(library_path "${name##*/}" "$1")" "$root$name"
	}
}

mkdir -p "$root"/{bin,lib/modules,tests,proc,sys,dev,tmp,run,etc,root,mnt,vectors,host}
cp "${XQ_BUSYBOX:-/bin/busybox}" "$root/bin/busybox"
cp "$here/guest/init" "$root/init"
cp "$here/guest/host-request" "$root/bin/host-request"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'user:x:1000:1000:user:/tmp:/bin/sh' >>"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'user:x:1000:' >"$root/etc/group"

for name in "${guest_modules[@]}"; do
	# Built into the kernel: nothing to copy.
	grep -q "/${name//_/[-_]}\.ko" "$kernel/modules/modules.builtin" && continue
	with_dependencies "$name" | while read -r path; do
		file=${path##*/}
		file=${file%.xz}
		file=${file%.zst}
		grep -qx "$file" "$root/lib/modules/order" 2>/dev/null && continue
		copy_module "$kernel/modules/$path" "$file"
		echo "$file" >>"$root/lib/modules/order"
	done
done
touch "$root/lib/modules/order"
[ "$module" = - ] || cp "$module" "$root/lib/modules/"

for item in "$@"; do
	from=${item%%:*}
	to=/bin/${from##*/}
	[ "$item" = "$from" ] || to=${item#*:}
	mkdir -p "$root$(dirname "$to")"
	cp -L "$from" "$root$to"
	copy_libraries "$from"
done

(cd "$root" && find . -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H newc -R 0:0) >"$out.new"
mv "$out.new" "$out"
