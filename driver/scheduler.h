/* SPDX-License-Identifier: GPL-2.0 */
/* Which job goes to which hardware queue, and when. All under xqaccel_device.lock. */
#ifndef XQACCEL_SCHEDULER_H
#define XQACCEL_SCHEDULER_H

#include <linux/types.h>

struct list_head;
struct xqaccel_client;
struct xqaccel_device;
struct xqaccel_job_request;

void xqaccel_sched_enqueue(struct xqaccel_job_request *job);
void xqaccel_sched_requeue(struct xqaccel_job_request *job);
void xqaccel_sched_remove(struct xqaccel_job_request *job);
void xqaccel_sched_left(struct xqaccel_job_request *job);
bool xqaccel_sched_in_flight(struct xqaccel_client *client);
void xqaccel_sched_run(struct xqaccel_device *xq);
void xqaccel_sched_drop(struct xqaccel_client *client, struct list_head *dropped);
void xqaccel_sched_fail(struct xqaccel_device *xq);

#endif
