/* SPDX-License-Identifier: GPL-2.0 */
/* Which job goes to which hardware queue, and when. */
#ifndef XQACCEL_SCHEDULER_H
#define XQACCEL_SCHEDULER_H

#include <linux/types.h>

#include "fair.h"
#include "xq_regs.h"

struct work_struct;
struct xqaccel_client;
struct xqaccel_device;
struct xqaccel_job;
struct xqaccel_lane;
struct xqaccel_user;

/* LOW, NORMAL, HIGH. */
#define XQACCEL_CLASSES		3

/*
 * Device time that a queue may hold ahead of a job that comes now. Several short jobs keep the
 * device busy over an interrupt; of long ones a queue gets one, and so does a lane whose jobs
 * are not known yet.
 */
#define XQACCEL_QUEUE_NS	(4 * NSEC_PER_MSEC)
/* What a job is charged before it has ended is at most this. */
#define XQACCEL_ESTIMATE_NS	NSEC_PER_SEC

/* Hardware queues that somebody has jobs on, and how many. */
struct xqaccel_occupancy {
	unsigned int queues;
	u16 jobs[XQ_MAX_QUEUES];
};

/* A user's clients of one priority, who share what he gets. */
struct xqaccel_user_class {
	struct xqaccel_user *user;
	struct xqaccel_fair_entity entity;	/* in xqaccel_device.class[] */
	struct xqaccel_fair_group clients;
};

void xqaccel_sched_init_device(struct xqaccel_device *xq);
void xqaccel_sched_init_user(struct xqaccel_user *user);
void xqaccel_sched_init_client(struct xqaccel_client *client);
void xqaccel_sched_enqueue(struct xqaccel_job *job);
void xqaccel_sched_requeue(struct xqaccel_job *job);
void xqaccel_sched_remove(struct xqaccel_job *job);
void xqaccel_sched_unblock(struct xqaccel_lane *lane);
void xqaccel_sched_ready(struct work_struct *work);
void xqaccel_sched_left(struct xqaccel_job *job);
void xqaccel_sched_dispatch(struct xqaccel_device *xq);
void xqaccel_sched_ring(struct xqaccel_device *xq);
void xqaccel_sched_run(struct xqaccel_device *xq);
void xqaccel_sched_run_unlock(struct xqaccel_device *xq) __releases(&xq->lock);
void xqaccel_sched_client_closed(struct xqaccel_client *client);
void xqaccel_sched_fail(struct xqaccel_device *xq);

#endif
