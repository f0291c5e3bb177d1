/* SPDX-License-Identifier: GPL-2.0 */
/* A job from its check to its completion. */
#ifndef XQACCEL_JOB_H
#define XQACCEL_JOB_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/xqaccel.h>

#include "xq_geometry.h"
#include "xq_regs.h"

struct device;
struct xqaccel_buffer;
struct xqaccel_caps;
struct xqaccel_client;
struct xqaccel_device;
struct xqaccel_lane;
struct work_struct;

/* Resets of others' making that a running job survives. */
#define XQACCEL_MAX_INTERRUPTIONS	3

struct xqaccel_span {
	struct xqaccel_buffer *buf;
	u64 offset;
	u64 bytes;
};

/**
 * struct xqaccel_request - a job that was accepted; struct xqaccel_job is how it was described
 * @node: in lane->jobs, then queue->jobs, then client->done; between the last two maybe in xq->sync
 * @span: bytes of each operand, with a reference to the buffer until the job ends
 * @desc: ready for the submission ring but for the id
 * @completion: what WAIT returns
 * @timeout: jiffies that it may be at the head of a queue
 * @deadline: in jiffies; valid once it is at the head of a queue
 * @interruptions: resets that came while it may have been running
 * @timed_out: found guilty at the start of a reset
 *
 * Nobody but the submitter knows it before it is in lane->jobs; from then on it is
 * under xqaccel_device.lock.
 */
struct xqaccel_request {
	struct list_head node;
	struct xqaccel_client *client;
	struct xqaccel_lane *lane;
	struct xqaccel_span span[XQACCEL_OPERANDS];
	struct xq_hw_descriptor desc;
	struct xqaccel_completion completion;
	unsigned long timeout;
	unsigned long deadline;
	unsigned int interruptions;
	bool accumulate;
	bool timed_out;
};

/* How long a job may go on when its file was closed. */
#define XQACCEL_CLOSE_GRACE_MS	1000

static inline struct xq_dims xqaccel_job_dims(const struct xqaccel_job *d)
{
	return (struct xq_dims){
		.flags = d->flags,
		.m = d->m,
		.n = d->n,
		.k = d->k,
		.batch = d->batch,
		.group = d->group,
		.a_format = d->a_format,
		.b_format = d->b_format,
		.scale_format = d->scale_format,
	};
}

/* job_check.c */
int xqaccel_job_check(const struct xqaccel_caps *caps, const struct xqaccel_job *desc);

/* job.c */
struct xqaccel_request *xqaccel_job_create(struct xqaccel_client *client,
					   const struct xqaccel_job *d);
void xqaccel_job_release(struct xqaccel_request *job);
void xqaccel_job_free(struct xqaccel_device *xq, struct xqaccel_request *job);
void xqaccel_job_finish(struct xqaccel_request *job, u32 status);
void xqaccel_job_fail(struct xqaccel_request *job, u32 status);
void xqaccel_job_end(struct xqaccel_request *job);
void xqaccel_job_result(struct xqaccel_request *job, const struct xq_hw_completion *c);

/* dma_sync.c */
bool xqaccel_dma_needs_sync(struct device *dev, dma_addr_t example);
void xqaccel_job_sync_for_device(struct xqaccel_request *job);
void xqaccel_job_sync_and_end(struct xqaccel_request *job);
void xqaccel_sync_work(struct work_struct *work);

#endif
