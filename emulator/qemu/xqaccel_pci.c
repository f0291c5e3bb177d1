// SPDX-License-Identifier: GPL-2.0-or-later
/* The PCI function: configuration space, BARs, reset, unplug. */
#include "qemu/osdep.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_aer.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "xqaccel.h"

#define AER_OFFSET 0x100

/* ---- configuration space ---- */

static bool asleep(PCIDevice *pci)
{
	return pci->pm_cap &&
	       (pci_get_word(pci->config + pci->pm_cap + PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK);
}

static void follow_bus_master(DeviceState *dev)
{
	PCIDevice *pci = PCI_DEVICE(dev);
	XqaccelCore *core = &XQACCEL(dev)->core;

	xqaccel_core_set_master(core, pci->enabled && !core->removed && !asleep(pci) &&
				(pci_get_word(pci->config + PCI_COMMAND) & PCI_COMMAND_MASTER));
}

static uint32_t config_read(PCIDevice *pci, uint32_t address, int len)
{
	const XqaccelCore *core = &XQACCEL(pci)->core;

	if (core->removed || core->unreachable)
		return UINT32_MAX;
	return pci_default_read_config(pci, address, len);
}

static void config_write(PCIDevice *pci, uint32_t address, uint32_t value, int len)
{
	XqaccelState *s = XQACCEL(pci);
	const uint16_t command = pci_get_word(pci->config + PCI_COMMAND);
	const bool was_asleep = asleep(pci);

	if (s->core.removed || s->core.unreachable)
		return;
	if (s->stuck_master && range_covers_byte(address, len, PCI_COMMAND))
		value |= (command & PCI_COMMAND_MASTER) << 8 * (PCI_COMMAND - address);
	/* The engine must be off the memory before the bus is. */
	if (range_covers_byte(address, len, PCI_COMMAND) && (command & PCI_COMMAND_MASTER) &&
	    !(value >> 8 * (PCI_COMMAND - address) & PCI_COMMAND_MASTER))
		xqaccel_core_set_master(&s->core, false);
	pci_default_write_config(pci, address, value, len);
	/* The function keeps nothing in D3hot, and does not claim to (No_Soft_Reset is 0). */
	if (was_asleep && !asleep(pci))
		pci_device_reset(pci);
	if (pci_is_express(pci) && pci->exp.exp_cap)
		pcie_cap_flr_write_config(pci, address, value, len);
	follow_bus_master(DEVICE(pci));
}

static void reset(DeviceState *dev)
{
	xqaccel_core_reset(&XQACCEL(dev)->core);
}

static AddressSpace *memory(DeviceState *dev)
{
	return pci_get_address_space(PCI_DEVICE(dev));
}

static void interrupt(DeviceState *dev, unsigned int vector)
{
	msix_notify(PCI_DEVICE(dev), vector);
}

static const struct xqaccel_bus pci_bus = {
	.memory = memory,
	.interrupt = interrupt,
	.follow = follow_bus_master,
};

/* ---- life ---- */

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

static void realize(PCIDevice *pci, Error **errp)
{
	XqaccelCore *core = &XQACCEL(pci)->core;
	unsigned int vector;

	if (!xqaccel_core_realize(core, DEVICE(pci), &pci_bus, errp))
		return;
	if (msix_init_exclusive_bar(pci, core->vectors, XQ_PCI_MSIX_BAR, errp))
		goto unrealize_core;
	if (add_capabilities(pci, errp))
		goto uninit_msix;
	for (vector = 0; vector < core->vectors; vector++)
		msix_vector_use(pci, vector);
	pci_register_bar(pci, XQ_PCI_REG_BAR, PCI_BASE_ADDRESS_MEM_TYPE_64, &core->registers);
	return;

uninit_msix:
	msix_uninit_exclusive_bar(pci);
unrealize_core:
	xqaccel_core_unrealize(core);
}

static void unrealize(PCIDevice *pci)
{
	xqaccel_core_unrealize(&XQACCEL(pci)->core);
	remove_capabilities(pci);
	msix_unuse_all_vectors(pci);
	msix_uninit_exclusive_bar(pci);
}

static const Property properties[] = {
	XQACCEL_PROPERTIES(XqaccelState),
};

static bool get_stuck_master(Object *obj, Error **errp)
{
	return XQACCEL(obj)->stuck_master;
}

/* As of a board that does DMA whatever the bus says. */
static void set_stuck_master(Object *obj, bool value, Error **errp)
{
	XQACCEL(obj)->stuck_master = value;
}

static const VMStateDescription vmstate = {
	.name = "xqaccel",
	.version_id = 1,
	.minimum_version_id = 1,
	.fields = (const VMStateField[]) {
		VMSTATE_PCI_DEVICE(parent_obj, XqaccelState),
		VMSTATE_STRUCT(parent_obj.exp.aer_log, XqaccelState, 0, vmstate_pcie_aer_log,
			       PCIEAERLog),
		VMSTATE_MSIX(parent_obj, XqaccelState),
		VMSTATE_STRUCT(core, XqaccelState, 0, xqaccel_core_vmstate, XqaccelCore),
		VMSTATE_END_OF_LIST()
	},
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
	dc->vmsd = &vmstate;
	set_bit(DEVICE_CATEGORY_MISC, dc->categories);
	device_class_set_legacy_reset(dc, reset);
	device_class_set_props(dc, properties);
	xqaccel_add_fault_properties(class);
	object_class_property_add_bool(class, "stuck-master", get_stuck_master, set_stuck_master);
	object_class_property_set_description(class, "stuck-master",
					      "the bus master bit can't be cleared");
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
