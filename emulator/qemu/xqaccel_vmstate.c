// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Migration and snapshots. The machine is stopped when state is saved, and so the device
 * model is paused: jobs in flight are back in their rings and run again at the destination.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "xqaccel.h"

static int pre_save(void *opaque)
{
	XqaccelCore *core = opaque;

	xqdev_save(core->device, &core->saved);
	return 0;
}

static int post_load(void *opaque, int version_id)
{
	XqaccelCore *core = opaque;

	if (xqdev_load(core->device, &core->saved)) {
		error_report("xqaccel: state of another kind of device");
		return -EINVAL;
	}
	core->bus->follow(core->dev);
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

const VMStateDescription xqaccel_core_vmstate = {
	.name = "xqaccel/core",
	.version_id = 1,
	.minimum_version_id = 1,
	.pre_save = pre_save,
	.post_load = post_load,
	.fields = (const VMStateField[]) {
		VMSTATE_BOOL(in_reset, XqaccelCore),
		VMSTATE_UINT32(saved.ctrl, XqaccelCore),
		VMSTATE_UINT32(saved.error, XqaccelCore),
		VMSTATE_UINT64(saved.ctx_table, XqaccelCore),
		VMSTATE_UINT64(saved.jobs, XqaccelCore),
		VMSTATE_UINT64(saved.macs, XqaccelCore),
		VMSTATE_UINT64(saved.bytes, XqaccelCore),
		VMSTATE_UINT64(saved.bytes_copied, XqaccelCore),
		VMSTATE_UINT64(saved.faults, XqaccelCore),
		VMSTATE_STRUCT_ARRAY(saved.queue, XqaccelCore, XQ_MAX_QUEUES, 1, queue_vmstate,
				     struct xqdev_queue_state),
		VMSTATE_END_OF_LIST()
	},
};
