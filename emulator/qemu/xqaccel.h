/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator in QEMU: glue between the device model, which knows no QEMU, and a bus. What
 * both buses need is struct XqaccelCore; the device of each has one. All of it runs under the big
 * lock except schedule() and clock_ns().
 */
#ifndef HW_XQACCEL_H
#define HW_XQACCEL_H

#include "exec/memory.h"
#include "hw/pci/pci_device.h"
#include "hw/qdev-properties.h"
#include "hw/sysbus.h"
#include "migration/vmstate.h"
#include "qom/object.h"
#include "system/runstate.h"

#include "top/emulator/device/xq_device.h"

#define XQACCEL_VECTORS (1 + XQ_MAX_QUEUES)

/*
 * What a bus does for the device on it:
 * memory	as the device sees it
 * interrupt	raises one
 * follow	tells the device model whether it may access memory now (xqaccel_core_set_master())
 */
struct xqaccel_bus {
	AddressSpace *(*memory)(DeviceState *dev);
	void (*interrupt)(DeviceState *dev, unsigned int vector);
	void (*follow)(DeviceState *dev);
};

typedef struct XqaccelCore {
	DeviceState *dev;
	const struct xqaccel_bus *bus;

	MemoryRegion registers;
	QEMUBH *service;
	VMChangeStateEntry *vm_state;
	struct xqdev *device;
	bool busy;			/* within the device model: its DMA may hit our own registers */
	bool in_reset;			/* its reset line is asserted */
	/* Fault injection: in the clock of the machine, since the line was released. Not migrated. */
	int64_t answers_at;		/* registers read all ones before */
	int64_t quiet_at;		/* an access to memory is under way before */

	bool removed;			/* fault injection: the function no longer answers */
	bool unreachable;		/* fault injection: it works, but can't be asked */

	struct xqdev_config config;
	uint32_t queues, contexts, threads, vectors;
	bool pin;
	char *isa;
	struct xqdev_faults faults;	/* as set before the device exists */
	struct xqdev_state saved;	/* of a migration */
} XqaccelCore;

#define TYPE_XQACCEL "xqaccel"
OBJECT_DECLARE_SIMPLE_TYPE(XqaccelState, XQACCEL)

/* xqaccel_pci.c */
struct XqaccelState {
	PCIDevice parent_obj;
	XqaccelCore core;
	bool stuck_master;		/* fault injection: bus mastering stays on */
};

#define TYPE_XQACCEL_SYSBUS "xqaccel-sysbus"
OBJECT_DECLARE_SIMPLE_TYPE(XqaccelSysbusState, XQACCEL_SYSBUS)

/* xqaccel_sysbus.c */
struct XqaccelSysbusState {
	SysBusDevice parent_obj;
	XqaccelCore core;
	MemoryRegion reset_line;
	bool stuck_master;		/* fault injection: the reset line has no effect */
	bool reset_asserted;		/* fault injection: the line's state after power-on */
	uint32_t answer_ms, linger_ms;	/* fault injection: what its release takes */
	qemu_irq irq[XQACCEL_VECTORS];
};

/* Properties of a device whose state has the core as its member core. */
#define XQACCEL_PROPERTIES(state)							\
	DEFINE_PROP_UINT32("queues", state, core.queues, 0),				\
	DEFINE_PROP_UINT32("contexts", state, core.contexts, 0),			\
	DEFINE_PROP_UINT32("threads", state, core.threads, 0),				\
	DEFINE_PROP_UINT32("vectors", state, core.vectors, XQACCEL_VECTORS),		\
	DEFINE_PROP_BOOL("pin", state, core.pin, false),				\
	DEFINE_PROP_STRING("isa", state, core.isa)

/* xqaccel_core.c */
XqaccelCore *xqaccel_core(Object *obj);
bool xqaccel_core_realize(XqaccelCore *core, DeviceState *dev, const struct xqaccel_bus *bus,
			  Error **errp);
void xqaccel_core_unrealize(XqaccelCore *core);
void xqaccel_core_set_master(XqaccelCore *core, bool on);
void xqaccel_core_reset(XqaccelCore *core);

/* xqaccel_dma.c: what the device model asks of its host */
extern const struct xqdev_host xqaccel_host;

/* xqaccel_faults.c: properties for fault injection */
void xqaccel_add_fault_properties(ObjectClass *class);

/* xqaccel_vmstate.c: migration of the core */
extern const VMStateDescription xqaccel_core_vmstate;

#endif
