#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-llama.sh: prints the folder of llama.cpp and whisper.cpp, as a newer Debian release has them, with their ggml,
# unpacked and not installed:
#	root/		the unpacked packages	versions	a package and its version on each line
#	run		run PROGRAM ARGUMENT...: starts root/usr/bin/PROGRAM, or root/usr/libexec/*/*/PROGRAM, in root's own C library
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
release=forky

# The programs look for their CPU backend in the current folder, and in that of the executable, which is the loader.
write_run() {
	cat >run <<'END'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
lib=$here/root/usr/lib/x86_64-linux-gnu
for program in "$here/root/usr/bin/$1" "$here"/root/usr/libexec/*/*/"$1" "$here"/root/usr/libexec/*/"$1"; do
	[ -x "$program" ] && break
done
shift
cd "$lib/ggml/backends0" && exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib:$lib/llama" "$program" "$@"
END
	chmod +x run
}

fetch_llama() {
	echo "  FETCH   llama.cpp, whisper.cpp ($release)"
	unpack_and_list "$release" libggml0 libllama0 llama.cpp-tools llama.cpp-tests libwhisper1 whisper.cpp-tools \
		libssl3t64 libzstd1 zlib1g libgomp1 libstdc++6 libgcc-s1 libc6
	rm -rf root/usr/share
	write_run
}

cached "llama-$release" fetch_llama
