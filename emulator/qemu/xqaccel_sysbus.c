// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The same device on a board's own bus: a region of registers, a line for each interrupt, which is
 * pulsed, and DMA straight to memory. Its second region is what a board has beside it: a register
 * whose bit 0 asserts the device's reset line, as Linux's driver for snps,dw-high-reset sets it.
 * Behind it that bit says in each register whether the line is asserted, which is all that Linux
 * wants to see of brcm,bcm7216-pcie-sata-rescal, a controller that has pulses only.
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/irq.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "xqaccel.h"

#define RESET_LINE_BYTES 0x1000

static AddressSpace *memory(DeviceState *dev)
{
	return &address_space_memory;
}

static void interrupt(DeviceState *dev, unsigned int vector)
{
	qemu_irq_pulse(XQACCEL_SYSBUS(dev)->irq[vector]);
}

static void follow(DeviceState *dev)
{
	XqaccelCore *core = &XQACCEL_SYSBUS(dev)->core;

	xqaccel_core_set_master(core, !core->removed && !core->in_reset);
}

static const struct xqaccel_bus board_bus = {
	.memory = memory,
	.interrupt = interrupt,
	.follow = follow,
};

/* As of a board whose line is released slowly, and whose bus has a write that is not over yet. */
static void take_time(XqaccelSysbusState *s)
{
	const int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
	const int64_t answers = now + s->answer_ms * (int64_t)SCALE_MS;

	s->core.answers_at = s->answer_ms ? answers : 0;
	s->core.quiet_at = s->linger_ms ? answers + s->linger_ms * (int64_t)SCALE_MS : 0;
}

static void power_cycle(DeviceState *dev, bool in_reset)
{
	XqaccelCore *core = &XQACCEL_SYSBUS(dev)->core;

	core->in_reset = in_reset;
	xqaccel_core_reset(core);
	follow(dev);
	if (!in_reset)
		take_time(XQACCEL_SYSBUS(dev));
}

/* That of the machine: the line's controller has forgotten what it was told, too. */
static void reset(DeviceState *dev)
{
	power_cycle(dev, XQACCEL_SYSBUS(dev)->reset_asserted);
}

/* ---- the reset line ---- */

static uint64_t line_read(void *opaque, hwaddr offset, unsigned int size)
{
	const XqaccelCore *core = opaque;

	return core->in_reset;
}

static void line_write(void *opaque, hwaddr offset, uint64_t value, unsigned int size)
{
	XqaccelCore *core = opaque;

	if (offset || XQACCEL_SYSBUS(core->dev)->stuck_master || core->in_reset == (value & 1))
		return;
	power_cycle(core->dev, value & 1);
}

static const MemoryRegionOps line_ops = {
	.read = line_read,
	.write = line_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 4, .max_access_size = 4 },
};

/* ---- life ---- */

static void realize(DeviceState *dev, Error **errp)
{
	XqaccelSysbusState *s = XQACCEL_SYSBUS(dev);
	SysBusDevice *sbd = SYS_BUS_DEVICE(dev);
	unsigned int i;

	if (!xqaccel_core_realize(&s->core, dev, &board_bus, errp))
		return;
	memory_region_init_io(&s->reset_line, OBJECT(dev), &line_ops, &s->core,
			      "xqaccel-reset-line", RESET_LINE_BYTES);
	sysbus_init_mmio(sbd, &s->core.registers);
	sysbus_init_mmio(sbd, &s->reset_line);
	for (i = 0; i < s->core.vectors; i++)
		sysbus_init_irq(sbd, &s->irq[i]);
}

static void unrealize(DeviceState *dev)
{
	xqaccel_core_unrealize(&XQACCEL_SYSBUS(dev)->core);
}

static const Property properties[] = {
	XQACCEL_PROPERTIES(XqaccelSysbusState),
};

static bool get_stuck_master(Object *obj, Error **errp)
{
	return XQACCEL_SYSBUS(obj)->stuck_master;
}

/* As of a board whose reset line is not connected. */
static void set_stuck_master(Object *obj, bool value, Error **errp)
{
	XQACCEL_SYSBUS(obj)->stuck_master = value;
}

static bool get_reset_asserted(Object *obj, Error **errp)
{
	return XQACCEL_SYSBUS(obj)->reset_asserted;
}

/* As of a line's controller that comes back from a loss of its power, at once if it is there. */
static void set_reset_asserted(Object *obj, bool value, Error **errp)
{
	XqaccelSysbusState *s = XQACCEL_SYSBUS(obj);

	s->reset_asserted = value;
	if (s->core.device && s->core.in_reset != value)
		power_cycle(s->core.dev, value);
}

static bool get_in_reset(Object *obj, Error **errp)
{
	return XQACCEL_SYSBUS(obj)->core.in_reset;
}

static void add_milliseconds(Object *obj, const char *name, uint32_t *value,
			     const char *description)
{
	object_property_add_uint32_ptr(obj, name, value, OBJ_PROP_FLAG_READWRITE);
	object_property_set_description(obj, name, description);
}

static void instance_init(Object *obj)
{
	XqaccelSysbusState *s = XQACCEL_SYSBUS(obj);

	add_milliseconds(obj, "reset-answer-ms", &s->answer_ms,
			 "registers read all ones for so long after the line is released");
	add_milliseconds(obj, "reset-linger-ms", &s->linger_ms,
			 "CTRL.RESET reads 1 for so long after registers answer");
}

static const VMStateDescription vmstate = {
	.name = "xqaccel-sysbus",
	.version_id = 1,
	.minimum_version_id = 1,
	.fields = (const VMStateField[]) {
		VMSTATE_STRUCT(core, XqaccelSysbusState, 0, xqaccel_core_vmstate, XqaccelCore),
		VMSTATE_END_OF_LIST()
	},
};

static void class_init(ObjectClass *class, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(class);

	dc->realize = realize;
	dc->unrealize = unrealize;
	dc->desc = "Quantized-inference accelerator on a board's own bus";
	dc->vmsd = &vmstate;
	dc->hotpluggable = false;
	set_bit(DEVICE_CATEGORY_MISC, dc->categories);
	device_class_set_legacy_reset(dc, reset);
	device_class_set_props(dc, properties);
	xqaccel_add_fault_properties(class);
	object_class_property_add_bool(class, "stuck-master", get_stuck_master, set_stuck_master);
	object_class_property_set_description(class, "stuck-master",
					      "the reset line has no effect");
	object_class_property_add_bool(class, "reset-asserted", get_reset_asserted,
				       set_reset_asserted);
	object_class_property_set_description(class, "reset-asserted",
					      "the reset line after power-on, and now");
	object_class_property_add_bool(class, "in-reset", get_in_reset, NULL);
	object_class_property_set_description(class, "in-reset", "the reset line is asserted");
}

static const TypeInfo xqaccel_sysbus_info = {
	.name = TYPE_XQACCEL_SYSBUS,
	.parent = TYPE_DYNAMIC_SYS_BUS_DEVICE,
	.instance_size = sizeof(XqaccelSysbusState),
	.instance_init = instance_init,
	.class_init = class_init,
};

static void register_types(void)
{
	type_register_static(&xqaccel_sysbus_info);
}

type_init(register_types)
