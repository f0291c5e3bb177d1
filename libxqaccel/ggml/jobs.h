/* SPDX-License-Identifier: MIT */
/* Jobs of one stream: collected, submitted together, waited for; and memory that lasts as long as they do. */
#ifndef XQG_JOBS_H
#define XQG_JOBS_H

#include "accel.h"
#include "weights.h"

#define XQG_JOBS_AT_ONCE	64

/**
 * struct xqg_job_totals - what the jobs of a stream did
 */
struct xqg_job_totals {
	uint64_t jobs, macs, bytes, device_ns;
};

/**
 * struct xqg_jobs - belongs to one thread at a time
 * @batch: not submitted yet, the first @collected
 * @pending: submitted, completions not taken
 * @error: of the first job that failed since the last flush
 * @scratch: quantized activations and results of jobs, taken from its start on
 * @scratch_kept: what of it is still taken after a flush
 * @temporary: weights that the jobs use and nobody keeps
 */
struct xqg_jobs {
	struct xqg_accel *accel;
	struct xq_queue *queue;
	struct xqaccel_job_desc batch[XQG_JOBS_AT_ONCE];
	unsigned int collected, pending;
	int error;
	struct xq_buffer *scratch;
	size_t scratch_used, scratch_kept;
	struct xqg_weights **temporary;
	size_t temporaries, most_temporaries;
	struct xqg_job_totals totals;
};

int xqg_jobs_init(struct xqg_jobs *jobs, struct xqg_accel *accel);
void xqg_jobs_exit(struct xqg_jobs *jobs);

/* Adds a job behind all others. */
int xqg_jobs_add(struct xqg_jobs *jobs, const struct xqaccel_job_desc *job);

/*
 * Waits for all jobs; scratch memory that is not kept is free again. Returns 0, or why the first of
 * them failed.
 */
int xqg_jobs_flush(struct xqg_jobs *jobs);

/* Makes sure that so much scratch memory can be taken; true in @fresh if all that was taken is gone. */
int xqg_jobs_reserve(struct xqg_jobs *jobs, size_t bytes, bool *fresh);

/* Bytes of scratch memory that an array takes. */
static inline size_t xqg_scratch_size(size_t bytes)
{
	return (bytes + XQG_ALIGNMENT - 1) / XQG_ALIGNMENT * XQG_ALIGNMENT;
}

/* What has been taken survives flushes, until more is reserved than there is, or the next call. */
void xqg_jobs_keep(struct xqg_jobs *jobs);

/* Nothing does any more. What has been taken is free at once if there are no jobs. */
void xqg_jobs_keep_nothing(struct xqg_jobs *jobs);

/* Takes what was reserved; returns its address here. */
void *xqg_jobs_take(struct xqg_jobs *jobs, size_t bytes, struct xqaccel_operand *operand);

/* Frees the weights at the next flush. */
int xqg_jobs_own(struct xqg_jobs *jobs, struct xqg_weights *weights);

#endif
