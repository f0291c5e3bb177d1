// SPDX-License-Identifier: GPL-2.0-or-later
/* The device model with its registers, whatever bus it is on. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "xqaccel.h"

XqaccelCore *xqaccel_core(Object *obj)
{
	if (object_dynamic_cast(obj, TYPE_XQACCEL))
		return &XQACCEL(obj)->core;
	return &XQACCEL_SYSBUS(obj)->core;
}

/* ---- registers ---- */

static bool passed(int64_t time)
{
	return !time || qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) >= time;
}

static bool silent(const XqaccelCore *core)
{
	return core->busy || core->removed || core->unreachable || core->in_reset ||
	       !passed(core->answers_at);
}

/* A guest can point the device's DMA at its own registers: that reads all ones. */
static uint64_t mmio_read(void *opaque, hwaddr offset, unsigned int size)
{
	XqaccelCore *core = opaque;

	if (silent(core) || size != 4)
		return UINT64_MAX;
	if (offset == XQ_REG_CTRL && !passed(core->quiet_at))
		return XQ_CTRL_RESET;
	return xqdev_mmio_read(core->device, offset, size);
}

static void mmio_write(void *opaque, hwaddr offset, uint64_t value, unsigned int size)
{
	XqaccelCore *core = opaque;

	/* A function in reset takes nothing until it is done. */
	if (silent(core) || !passed(core->quiet_at))
		return;
	core->busy = true;
	xqdev_mmio_write(core->device, offset, value, size);
	core->busy = false;
}

/* The device model knows what an access of the wrong size means. */
static const MemoryRegionOps mmio_ops = {
	.read = mmio_read,
	.write = mmio_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8 },
	.impl = { .min_access_size = 1, .max_access_size = 8 },
};

static void service(void *opaque)
{
	XqaccelCore *core = opaque;

	core->busy = true;
	xqdev_service(core->device);
	core->busy = false;
}

/* ---- life ---- */

static void vm_state_changed(void *opaque, bool running, RunState state)
{
	XqaccelCore *core = opaque;

	core->busy = true;
	if (running)
		xqdev_resume(core->device);
	else
		xqdev_pause(core->device);
	core->busy = false;
}

void xqaccel_core_set_master(XqaccelCore *core, bool on)
{
	core->busy = true;
	xqdev_set_bus_master(core->device, on);
	core->busy = false;
}

/* As after power-on. The bus says afterwards whether the device may access memory. */
void xqaccel_core_reset(XqaccelCore *core)
{
	core->unreachable = false;
	core->busy = true;
	xqdev_reset(core->device);
	xqdev_set_bus_master(core->device, false);
	core->busy = false;
}

static bool create_device(XqaccelCore *core, Error **errp)
{
	int ret;

	core->config = (struct xqdev_config){ core->queues, core->contexts, core->threads,
					      core->isa, core->pin };
	ret = xqdev_create(&core->config, &xqaccel_host, core, &core->device);
	if (ret == -ENOTSUP)
		error_setg(errp, "this processor has no kernels '%s'", core->isa ? core->isa : "");
	else if (ret)
		error_setg_errno(errp, -ret, "the device cannot be made with these properties");
	return !ret;
}

bool xqaccel_core_realize(XqaccelCore *core, DeviceState *dev, const struct xqaccel_bus *bus,
			  Error **errp)
{
	if (!core->vectors || core->vectors > XQACCEL_VECTORS) {
		error_setg(errp, "vectors must be 1 to %d", XQACCEL_VECTORS);
		return false;
	}
	core->dev = dev;
	core->bus = bus;
	if (!create_device(core, errp))
		return false;
	memory_region_init_io(&core->registers, OBJECT(dev), &mmio_ops, core, "xqaccel-registers",
			      XQ_BAR_BYTES);
	core->service = qemu_bh_new_guarded(service, core, &dev->mem_reentrancy_guard);
	core->vm_state = qdev_add_vm_change_state_handler(dev, vm_state_changed, core);
	xqdev_set_bus_master(core->device, false);
	xqdev_inject(core->device, &core->faults);
	if (!runstate_is_running())
		xqdev_pause(core->device);
	return true;
}

void xqaccel_core_unrealize(XqaccelCore *core)
{
	qemu_del_vm_change_state_handler(core->vm_state);
	core->busy = true;
	xqdev_destroy(core->device);
	core->device = NULL;
	qemu_bh_delete(core->service);
}
