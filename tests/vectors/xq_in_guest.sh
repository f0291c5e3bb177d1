#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# xq_in_guest.sh [-k KERNEL] [-b BUILD] COMMAND...: boots the VM and runs the command on the host with XQ set to a program that
# runs `xq` in the guest, as if it were here: same arguments, current folder, output and exit status. Files must lie below TMPDIR, which
# is set to a folder that both see, or in XQ_VECTORS. One `xq` runs at a time.
set -euo pipefail

top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
kernel=6.12 build=$top/build
while getopts k:b: option; do
	case $option in
	k) kernel=$OPTARG ;;
	b) build=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { sed -n '4,6s/^# //p' "$0" >&2; exit 2; }

folder=$(mktemp -d)
vm=
finish() {
	: >"$folder/stop"
	[ -z "$vm" ] || wait "$vm" || cat "$folder/vm.log" >&2
	rm -rf "$folder"
}
trap finish EXIT
mkdir "$folder/queue" "$folder/tmp"
vectors=$(readlink -f "${XQ_VECTORS:-$top/../shared}")

# Requests appear by a rename, and so do answers.
cat >"$folder/serve" <<-END
	while [ ! -e $folder/stop ]; do
		for request in $folder/queue/*.request; do
			[ -e "\$request" ] || continue
			name=\${request%.request}
			sh "\$request" >"\$name.out" 2>"\$name.err"
			echo \$? >"\$name.status.new"
			rm "\$request"
			mv "\$name.status.new" "\$name.status"
		done
		usleep 2000
	done
END
cat >"$folder/xq" <<-END
	#!/bin/bash
	exec 9>"$folder/lock"
	flock 9
	name=\$(mktemp -u "$folder/queue/XXXXXXXX")
	{ printf 'cd %q && exec xq' "\$PWD"; printf ' %q' "\$@"; echo; } >"\$name.new"
	mv "\$name.new" "\$name.request"
	while [ ! -e "\$name.status" ]; do
		[ ! -e "$folder/gone" ] || { echo "xq: the guest has gone" >&2; exit 1; }
		sleep 0.005
	done
	cat "\$name.out"
	cat "\$name.err" >&2
	status=\$(cat "\$name.status")
	rm -f "\$name".*
	exit "\$status"
END
chmod +x "$folder/xq"

where=$(printf '%q' "$folder")
{
	"$top/tests/vm/run" --kernel "$kernel" --build "$build" --timeout 3600 --vectors "$vectors" \
		--qemu-args "-fsdev local,id=both,path=$where,security_model=none -device virtio-9p-pci,fsdev=both,mount_tag=both" \
		--command "mkdir -p $where $(printf '%q' "$(dirname "$vectors")") && ln -s /vectors $(printf '%q' "$vectors") &&
			mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 both $where && sh $where/serve" || : >"$folder/failed"
	: >"$folder/gone"
	[ ! -e "$folder/failed" ]
} >"$folder/vm.log" 2>&1 9>&- &
vm=$!

TMPDIR=$folder/tmp XQ_VECTORS=$vectors XQ=$folder/xq "$@"
