#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# place.sh FOLDER: makes the folder; prints in one line why nothing could be built there, and what to do, or nothing.
# What is in there already is not for `make clean`. A build for another machine lies in one for this.
others=
[ -e "$1/stamp" ] || others=$(find "$1" -mindepth 1 -maxdepth 1 ! -name 'cross-*' -print -quit 2>/dev/null)
mkdir -p "$1/stamp" 2>/dev/null
[ -z "$others" ] || [ ! -w "$1/stamp" ] || touch "$1/stamp/shared"
if [ ! -w "$1/stamp" ]; then
	echo "can't write to the folder $1: choose another with O=DIR"
	exit
fi
free=$(df -Pk "$1" | awk 'NR == 2 { print int($4 / 1024) }')
[ "$free" -ge 100 ] || echo "only $free MiB are free in $1: make room (2000 MiB for everything), or choose another folder with O=DIR"
