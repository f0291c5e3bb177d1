// SPDX-License-Identifier: GPL-2.0-or-later
/* The PCI function: configuration space, BARs, reset, unplug. */
#include "qemu/osdep.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_aer.h"
#include "hw/qdev-properties.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "xqaccel.h"

#define AER_OFFSET 0x100

/* ---- registers ---- */

/* A guest can point the device's DMA at its own registers: that reads all ones. */
static uint64_t mmio_read(void *opaque, hwaddr offset, unsigned int size)
{
	XqaccelState *s = opaque;

	if (s->busy || s->removed || s->unreachable || size != 4)
		return UINT64_MAX;
	return xqdev_mmio_read(s->device, offset, size);
}

static void mmio_write(void *opaque, hwaddr offset, uint64_t value, unsigned int size)
{
	XqaccelState *s = opaque;

	if (s->busy || s->removed || s->unreachable)
		return;
	s->busy = true;
	xqdev_mmio_write(s->device, offset, value, size);
	s->busy = false;
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
	XqaccelState *s = opaque;

	s->busy = true;
	xqdev_service(s->device);
	s->busy = false;
}

/* ---- configuration space ---- */

static bool asleep(PCIDevice *pci)
{
	return pci->pm_cap &&
	       (pci_get_word(pci->config + pci->pm_cap + PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK);
}

void xqaccel_update_bus_master(XqaccelState *s)
{
	PCIDevice *pci = PCI_DEVICE(s);
	const bool on = pci->enabled && !s->removed && !asleep(pci) &&
			(pci_get_word(pci->config + PCI_COMMAND) & PCI_COMMAND_MASTER);

	s->busy = true;
	xqdev_set_bus_master(s->device, on);
	s->busy = false;
}

static uint32_t config_read(PCIDevice *pci, uint32_t address, int len)
{
	XqaccelState *s = XQACCEL(pci);

	return s->removed || s->unreachable ? UINT32_MAX : pci_default_read_config(pci, address, len);
}

static void config_write(PCIDevice *pci, uint32_t address, uint32_t value, int len)
{
	XqaccelState *s = XQACCEL(pci);
	const uint16_t command = pci_get_word(pci->config + PCI_COMMAND);
	const bool was_asleep = asleep(pci);

	if (s->removed || s->unreachable)
		return;
	if (s->stuck_master && range_covers_byte(address, len, PCI_COMMAND))
		value |= (command & PCI_COMMAND_MASTER) << 8 * (PCI_COMMAND - address);
	/* The engine must be off the memory before the bus is. */
	if (range_covers_byte(address, len, PCI_COMMAND) && (command & PCI_COMMAND_MASTER) &&
	    !(value >> 8 * (PCI_COMMAND - address) & PCI_COMMAND_MASTER)) {
		s->busy = true;
		xqdev_set_bus_master(s->device, false);
		s->busy = false;
	}
	pci_default_write_config(pci, address, value, len);
	/* The function keeps nothing in D3hot, and does not claim to (No_Soft_Reset is 0). */
	if (was_asleep && !asleep(pci))
		pci_device_reset(pci);
	if (pci_is_express(pci) && pci->exp.exp_cap)
		pcie_cap_flr_write_config(pci, address, value, len);
	xqaccel_update_bus_master(s);
}

static void reset(DeviceState *dev)
{
	XqaccelState *s = XQACCEL(dev);

	s->unreachable = false;
	s->busy = true;
	xqdev_reset(s->device);
	xqdev_set_bus_master(s->device, false);
	s->busy = false;
}

/* ---- life ---- */

static void vm_state_changed(void *opaque, bool running, RunState state)
{
	XqaccelState *s = opaque;

	s->busy = true;
	if (running)
		xqdev_resume(s->device);
	else
		xqdev_pause(s->device);
	s->busy = false;
}

static int add_power_capability(PCIDevice *pci, Error **errp)
{
	const int at = pci_pm_init(pci, 0, errp);

	if (at < 0)
		return -1;
	pci_set_word(pci->config + at + PCI_PM_PMC, 3);
	pci_set_word(pci->wmask + at + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
	return 0;
}

static int add_capabilities(PCIDevice *pci, Error **errp)
{
	if (!pci_bus_is_express(pci_get_bus(pci)))
		return 0;
	if (add_power_capability(pci, errp))
		return -1;
	if (pcie_endpoint_cap_init(pci, 0) < 0) {
		error_setg(errp, "no room for the PCI Express capability");
		return -1;
	}
	pcie_cap_flr_init(pci);
	pcie_cap_deverr_init(pci);
	if (pcie_aer_init(pci, PCI_ERR_VER, AER_OFFSET, PCI_ERR_SIZEOF, errp) < 0) {
		pcie_cap_exit(pci);
		return -1;
	}
	return 0;
}

static void remove_capabilities(PCIDevice *pci)
{
	if (!pci_is_express(pci) || !pci->exp.exp_cap)
		return;
	pcie_aer_exit(pci);
	pcie_cap_exit(pci);
}

static bool create_device(XqaccelState *s, Error **errp)
{
	int ret;

	s->config = (struct xqdev_config){ s->queues, s->contexts, s->threads, s->isa,
					      s->pin };
	ret = xqdev_create(&s->config, &xqaccel_host, s, &s->device);
	if (ret == -ENOTSUP)
		error_setg(errp, "this processor has no kernels '%s'", s->isa ? s->isa : "");
	else if (ret)
		error_setg_errno(errp, -ret, "the device cannot be made with these properties");
	return !ret;
}

static void realize(PCIDevice *pci, Error **errp)
{
	XqaccelState *s = XQACCEL(pci);
	unsigned int vector;

	if (!s->vectors || s->vectors > XQACCEL_VECTORS) {
		error_setg(errp, "vectors must be 1 to %d", XQACCEL_VECTORS);
		return;
	}
	if (!create_device(s, errp))
		return;
	if (msix_init_exclusive_bar(pci, s->vectors, XQ_PCI_MSIX_BAR, errp))
		goto destroy_device;
	if (add_capabilities(pci, errp))
		goto uninit_msix;
	for (vector = 0; vector < s->vectors; vector++)
		msix_vector_use(pci, vector);
	memory_region_init_io(&s->registers, OBJECT(s), &mmio_ops, s, "xqaccel-registers",
			      XQ_BAR_BYTES);
	pci_register_bar(pci, XQ_PCI_REG_BAR, PCI_BASE_ADDRESS_MEM_TYPE_64, &s->registers);
	s->service = qemu_bh_new_guarded(service, s, &DEVICE(s)->mem_reentrancy_guard);
	s->vm_state = qdev_add_vm_change_state_handler(DEVICE(s), vm_state_changed, s);
	xqdev_set_bus_master(s->device, false);
	xqdev_inject(s->device, &s->faults);
	if (!runstate_is_running())
		xqdev_pause(s->device);
	return;

uninit_msix:
	msix_uninit_exclusive_bar(pci);
destroy_device:
	xqdev_destroy(s->device);
	s->device = NULL;
}

static void unrealize(PCIDevice *pci)
{
	XqaccelState *s = XQACCEL(pci);

	qemu_del_vm_change_state_handler(s->vm_state);
	s->busy = true;
	xqdev_destroy(s->device);
	s->device = NULL;
	qemu_bh_delete(s->service);
	remove_capabilities(pci);
	msix_unuse_all_vectors(pci);
	msix_uninit_exclusive_bar(pci);
}

static const Property properties[] = {
	DEFINE_PROP_UINT32("queues", XqaccelState, queues, 0),
	DEFINE_PROP_UINT32("contexts", XqaccelState, contexts, 0),
	DEFINE_PROP_UINT32("threads", XqaccelState, threads, 0),
	DEFINE_PROP_UINT32("vectors", XqaccelState, vectors, XQACCEL_VECTORS),
	DEFINE_PROP_BOOL("pin", XqaccelState, pin, false),
	DEFINE_PROP_STRING("isa", XqaccelState, isa),
};

static void class_init(ObjectClass *class, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(class);
	PCIDeviceClass *pc = PCI_DEVICE_CLASS(class);

	pc->realize = realize;
	pc->exit = unrealize;
	pc->config_read = config_read;
	pc->config_write = config_write;
	pc->vendor_id = XQ_PCI_VENDOR;
	pc->device_id = XQ_PCI_DEVICE;
	pc->class_id = XQ_PCI_CLASS;
	pc->revision = XQ_HW_VERSION_MAJOR;
	dc->desc = "Quantized-inference accelerator";
	dc->vmsd = &xqaccel_vmstate;
	set_bit(DEVICE_CATEGORY_MISC, dc->categories);
	device_class_set_legacy_reset(dc, reset);
	device_class_set_props(dc, properties);
	xqaccel_add_fault_properties(class);
}

static const TypeInfo xqaccel_info = {
	.name = TYPE_XQACCEL,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(XqaccelState),
	.class_init = class_init,
	.interfaces = (InterfaceInfo[]) {
		{ INTERFACE_PCIE_DEVICE },
		{ }
	},
};

static void register_types(void)
{
	type_register_static(&xqaccel_info);
}

type_init(register_types)
