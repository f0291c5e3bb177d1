#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# devicetree.sh: the binding of the platform device is a schema that dt-schema accepts, the device tree that the tests'
# guest gets satisfies it, and mistakes in one are told. Prints KTAP. Debian 12 has dt-schema, Debian 13 has not.
set -u

here=$(dirname "$(readlink -f "$0")")
. "$here/tree.sh"
top=$(readlink -f "$here/../..")
binding=$top/Documentation/devicetree/bindings/misc/xqaccel,accel.yaml
for tool in dtc fdtoverlay dt-doc-validate dt-mk-schema dt-validate; do
	command -v "$tool" >/dev/null || skip_all "no $tool (packages device-tree-compiler, dt-schema)"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the overlay is laid over: only what it leans on.
cat >"$work/base.dts" <<'END'
/dts-v1/;
/ {
	#address-cells = <2>;
	#size-cells = <2>;
	interrupt-parent = <&intc>;
	intc: interrupt-controller {
		interrupt-controller;
		#interrupt-cells = <3>;
	};
};
END

# complaints SED-EXPRESSION: what dt-validate says of our node in the guest's tree, edited so
complaints() {
	sed -e "$1" "$top/tests/vm/accelerator.dtso" >"$work/edited.dtso"
	{
		dtc -q -I dts -O dtb -o "$work/base.dtb" "$work/base.dts" &&
			dtc -q -I dts -O dtb -o "$work/edited.dtbo" "$work/edited.dtso" &&
			fdtoverlay -i "$work/base.dtb" -o "$work/whole.dtb" "$work/edited.dtbo" &&
			dt-validate -s "$work/schema.json" "$work/whole.dtb"
	} >"$work/log" 2>&1
	grep -A 5 -i 'accelerator@\|error\|FATAL' "$work/log"
}

# refused NAME SED-EXPRESSION
refused() {
	complaints "$2" | grep -q 'accelerator@'
	result $? "refused: $1" "$work/log"
}

echo "TAP version 14"
echo "1..7"
(cd "$top/Documentation/devicetree/bindings" && dt-doc-validate -u . . ) >"$work/log" 2>&1 && [ ! -s "$work/log" ]
result $? "dt-doc-validate accepts the binding" "$work/log"
dt-mk-schema -j "$top/Documentation/devicetree/bindings" >"$work/schema.json" 2>"$work/log"
complaints '' >"$work/complaints"
! grep -q . "$work/complaints"
result $? "the guest's tree satisfies it" "$work/log"
compatible=$(sed -n 's/.*\.compatible = "\(.*\)".*/\1/p' "$top/driver/platform.c")
grep -q "const: ${compatible:-none}\$" "$binding"
result $? "the driver matches what it describes" "$binding"
refused "a node without interrupts" '/interrupts = /,/;$/d'
refused "one interrupt" '/interrupts = /,/;$/c\interrupts = <0 112 1>;'
refused "two regions of registers" 's/reg = <0x0 0x0c000000 0x0 0x10000>/reg = <0x0 0x0c000000 0x0 0x10000>, <0 1 0 1>/'
refused "a property that nobody knows" 's/dma-noncoherent;/dma-noncoherent; planted;/'
finish
