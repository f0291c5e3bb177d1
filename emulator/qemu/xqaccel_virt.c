// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * -machine xqaccel-virt: QEMU 10.0's `virt` machine of arm64, on whose platform bus -device
 * xqaccel-sysbus may be. The guest learns of it from a device tree (-dtb) that names it.
 */
#include "qemu/osdep.h"
#include "hw/boards.h"
#include "qemu/module.h"
#include "xqaccel.h"

static void class_init(ObjectClass *class, void *data)
{
	MachineClass *mc = MACHINE_CLASS(class);

	mc->desc = "QEMU 10.0 ARM Virtual Machine that can have an xqaccel-sysbus";
	mc->alias = NULL;
	mc->is_default = false;
	machine_class_allow_dynamic_sysbus_dev(mc, TYPE_XQACCEL_SYSBUS);
}

static const TypeInfo machine_info = {
	.name = MACHINE_TYPE_NAME("xqaccel-virt"),
	.parent = MACHINE_TYPE_NAME("virt-10.0"),
	.class_init = class_init,
};

static void register_types(void)
{
	type_register_static(&machine_info);
}

type_init(register_types)
