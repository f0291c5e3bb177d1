// SPDX-License-Identifier: GPL-2.0
/* The workqueues of the driver, which outlive every device. */
#include <linux/workqueue.h>

#include "device.h"

/* Ends of clients and buffers; dumps. */
struct workqueue_struct *xqaccel_wq;
/*
 * Watchdogs, resets, cache maintenance: those ends may wait for them, however many there are.
 * Fences wait for them, too, and whoever frees memory may wait for fences.
 */
struct workqueue_struct *xqaccel_job_wq;
/*
 * Memory of others on its way back, which may have to wait for those, and for processes as long as
 * they like; nobody waits for it but removal, for dma-bufs. Each client may have two such works.
 */
struct workqueue_struct *xqaccel_return_wq;

int xqaccel_workqueues_init(void)
{
	xqaccel_wq = alloc_workqueue("xqaccel", WQ_UNBOUND, 0);
	if (!xqaccel_wq)
		return -ENOMEM;
	xqaccel_job_wq = alloc_workqueue("xqaccel-jobs", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!xqaccel_job_wq)
		goto destroy_wq;
	xqaccel_return_wq = alloc_workqueue("xqaccel-return", WQ_UNBOUND, WQ_MAX_ACTIVE);
	if (!xqaccel_return_wq)
		goto destroy_job_wq;
	return 0;

destroy_job_wq:
	destroy_workqueue(xqaccel_job_wq);
destroy_wq:
	destroy_workqueue(xqaccel_wq);
	return -ENOMEM;
}

/* There is no device and no client any more, so no work that would be queued later. */
void xqaccel_workqueues_exit(void)
{
	destroy_workqueue(xqaccel_wq);
	destroy_workqueue(xqaccel_job_wq);
	destroy_workqueue(xqaccel_return_wq);
}
