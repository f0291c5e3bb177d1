#!/bin/sh
# SPDX-License-Identifier: MIT
#
# install.sh DIR PAGE...: installs manual pages below DIR, each under every name that its NAME section has.
set -eu

into=$1
shift
for page; do
	file=${page##*/}
	section=${file##*.}
	install -d "$into/man$section"
	install -m 644 "$page" "$into/man$section/"
	sed -n '/^\.SH NAME$/{n;s/ *\\-.*//;s/, */\n/g;p;}' "$page" | while read -r name; do
		[ "$name.$section" = "$file" ] || ln -sf "$file" "$into/man$section/$name.$section"
	done
done
