/* SPDX-License-Identifier: MIT */
/* Private to the library: jobs of any kind on a queue. */
#ifndef XQ_QUEUE_H
#define XQ_QUEUE_H

#include "backend.h"

/* Makes a job of an element of the caller's array; 0 or a negative errno. */
typedef int xq_make_job(const struct xq_device *dev, const void *jobs, unsigned int index,
			struct xqaccel_job_desc *job);

/* As xq_queue_submit(), of [count] jobs of the caller's kind. */
int xq_queue_submit_as(struct xq_queue *queue, const void *jobs, unsigned int count,
		       xq_make_job *make);

/* As xq_gemm_run(), of one such job. */
int xq_queue_run_as(struct xq_queue *queue, const void *job, xq_make_job *make,
		    struct xq_completion *completion);

/*
 * Says that the calling thread will wait without a timeout right after what it submits next; or that it
 * did, or will not. So a backend whose waiting threads compute wakes no other for it.
 */
void xq_queue_attend(struct xq_queue *queue, bool waits);

/* The device that a queue was made for. */
struct xq_device *xq_queue_device(const struct xq_queue *queue);

#endif
