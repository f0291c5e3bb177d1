// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Migration and snapshots. The machine is stopped when state is saved, and so the device
 * model is paused: jobs in flight are back in their rings and run again at the destination.
 */
#include "qemu/osdep.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie_aer.h"
#include "qemu/error-report.h"
#include "xqaccel.h"

static int pre_save(void *opaque)
{
	XqaccelState *s = opaque;

	xqdev_save(s->device, &s->saved);
	return 0;
}

static int post_load(void *opaque, int version_id)
{
	XqaccelState *s = opaque;

	if (xqdev_load(s->device, &s->saved)) {
		error_report("xqaccel: state of another kind of device");
		return -EINVAL;
	}
	xqaccel_update_bus_master(s);
	return 0;
}

static const VMStateDescription queue_vmstate = {
	.name = "xqaccel/queue",
	.version_id = 1,
	.minimum_version_id = 1,
	.fields = (const VMStateField[]) {
		VMSTATE_UINT64(sq_base, struct xqdev_queue_state),
		VMSTATE_UINT64(cq_base, struct xqdev_queue_state),
		VMSTATE_UINT32(size, struct xqdev_queue_state),
		VMSTATE_UINT32(ctrl, struct xqdev_queue_state),
		VMSTATE_UINT32(status, struct xqdev_queue_state),
		VMSTATE_UINT32(sq_head, struct xqdev_queue_state),
		VMSTATE_UINT32(sq_tail, struct xqdev_queue_state),
		VMSTATE_UINT32(cq_head, struct xqdev_queue_state),
		VMSTATE_UINT32(cq_tail, struct xqdev_queue_state),
		VMSTATE_UINT32(phase, struct xqdev_queue_state),
		VMSTATE_UINT32(coalesce, struct xqdev_queue_state),
		VMSTATE_END_OF_LIST()
	},
};

const VMStateDescription xqaccel_vmstate = {
	.name = "xqaccel",
	.version_id = 1,
	.minimum_version_id = 1,
	.pre_save = pre_save,
	.post_load = post_load,
	.fields = (const VMStateField[]) {
		VMSTATE_PCI_DEVICE(parent_obj, XqaccelState),
		VMSTATE_STRUCT(parent_obj.exp.aer_log, XqaccelState, 0, vmstate_pcie_aer_log,
			       PCIEAERLog),
		VMSTATE_MSIX(parent_obj, XqaccelState),
		VMSTATE_UINT32(saved.ctrl, XqaccelState),
		VMSTATE_UINT32(saved.error, XqaccelState),
		VMSTATE_UINT64(saved.ctx_table, XqaccelState),
		VMSTATE_UINT64(saved.jobs, XqaccelState),
		VMSTATE_UINT64(saved.macs, XqaccelState),
		VMSTATE_UINT64(saved.bytes, XqaccelState),
		VMSTATE_UINT64(saved.bytes_copied, XqaccelState),
		VMSTATE_UINT64(saved.faults, XqaccelState),
		VMSTATE_STRUCT_ARRAY(saved.queue, XqaccelState, XQ_MAX_QUEUES, 1, queue_vmstate,
				     struct xqdev_queue_state),
		VMSTATE_END_OF_LIST()
	},
};
