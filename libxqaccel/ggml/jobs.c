// SPDX-License-Identifier: MIT
/* Jobs are collected until there are many, or somebody needs their results: one call of the driver for all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobs.h"

#define LEAST_SCRATCH	(1UL << 20)

int xqg_jobs_init(struct xqg_jobs *jobs, struct xqg_accel *accel)
{
	*jobs = (struct xqg_jobs){ .accel = accel };
	return xq_queue_create(accel->dev, NULL, &jobs->queue);
}

static void free_scratch(struct xqg_jobs *jobs)
{
	if (jobs->scratch)
		xqg_accel_account(jobs->accel, 0, xq_buffer_size(jobs->scratch));
	xq_buffer_destroy(jobs->scratch);
	jobs->scratch = NULL;
	jobs->scratch_used = jobs->scratch_kept = 0;
}

void xqg_jobs_exit(struct xqg_jobs *jobs)
{
	xqg_jobs_flush(jobs);
	free_scratch(jobs);
	free(jobs->temporary);
	xq_queue_destroy(jobs->queue);
}

/* ---- submitting and waiting -------------------------------------------------------------------------- */

static void note_error(struct xqg_jobs *jobs, int err)
{
	if (err && !jobs->error)
		jobs->error = err;
}

/* Takes at least @least completions. When they can't be had, the device is gone, and so are the jobs. */
static void take_completions(struct xqg_jobs *jobs, unsigned int least)
{
	struct xq_completion done[XQG_JOBS_AT_ONCE];
	const unsigned int room = jobs->pending < XQG_JOBS_AT_ONCE ? jobs->pending : XQG_JOBS_AT_ONCE;
	int n = xq_queue_wait(jobs->queue, done, room, least < room ? least : room, -1), i;

	if (n == -EINTR)
		return;
	if (n < 0) {
		note_error(jobs, n);
		jobs->pending = 0;
		return;
	}
	for (i = 0; i < n; i++) {
		note_error(jobs, done[i].status);
		jobs->totals.jobs++;
		jobs->totals.macs += done[i].macs;
		jobs->totals.bytes += done[i].bytes;
		jobs->totals.device_ns += done[i].end_ns - done[i].start_ns;
	}
	jobs->pending -= (unsigned int)n;
}

/* After an error nothing more is submitted, for it may need what failed. */
static void submit(struct xqg_jobs *jobs)
{
	unsigned int at = 0;

	while (at < jobs->collected && !jobs->error) {
		int n = xq_job_submit(jobs->queue, jobs->batch + at, jobs->collected - at);

		if (n == -EAGAIN && jobs->pending)
			take_completions(jobs, 1);
		else if (n < 0)
			note_error(jobs, n);
		else
			at += (unsigned int)n;
		if (n > 0)
			jobs->pending += (unsigned int)n;
	}
	jobs->collected = 0;
}

int xqg_jobs_add(struct xqg_jobs *jobs, const struct xqaccel_job_desc *job)
{
	if (jobs->collected == XQG_JOBS_AT_ONCE)
		submit(jobs);
	if (!jobs->error)
		jobs->batch[jobs->collected++] = *job;
	return jobs->error;
}

int xqg_jobs_flush(struct xqg_jobs *jobs)
{
	int err;

	submit(jobs);
	while (jobs->pending)
		take_completions(jobs, jobs->pending);
	while (jobs->temporaries)
		xqg_weights_free(jobs->accel, jobs->temporary[--jobs->temporaries]);
	jobs->scratch_used = jobs->scratch_kept;
	err = jobs->error;
	jobs->error = 0;
	return err;
}

/* ---- memory -------------------------------------------------------------------------------------------- */

int xqg_jobs_reserve(struct xqg_jobs *jobs, size_t bytes, bool *fresh)
{
	size_t size = jobs->scratch ? xq_buffer_size(jobs->scratch) : 0;
	int err;

	*fresh = false;
	if (jobs->scratch_used + bytes <= size)
		return 0;
	*fresh = true;
	jobs->scratch_kept = 0;
	err = xqg_jobs_flush(jobs);
	if (err || bytes <= size)
		return err;
	free_scratch(jobs);
	for (size = LEAST_SCRATCH; size < bytes; size *= 2)
		;
	err = xq_buffer_create(jobs->accel->dev, size, &jobs->scratch);
	if (!err)
		xqg_accel_account(jobs->accel, xq_buffer_size(jobs->scratch), 0);
	return err;
}

void xqg_jobs_keep(struct xqg_jobs *jobs)
{
	jobs->scratch_kept = jobs->scratch_used;
}

void xqg_jobs_keep_nothing(struct xqg_jobs *jobs)
{
	jobs->scratch_kept = 0;
	if (!jobs->collected && !jobs->pending)
		jobs->scratch_used = 0;
}

void *xqg_jobs_take(struct xqg_jobs *jobs, size_t bytes, struct xqaccel_operand *operand)
{
	const size_t at = jobs->scratch_used;

	jobs->scratch_used += xqg_scratch_size(bytes);
	*operand = (struct xqaccel_operand){ .handle = xq_buffer_handle(jobs->scratch), .offset = at };
	return (uint8_t *)xq_buffer_data(jobs->scratch) + at;
}

int xqg_jobs_own(struct xqg_jobs *jobs, struct xqg_weights *weights)
{
	if (jobs->temporaries == jobs->most_temporaries) {
		const size_t most = 2 * jobs->most_temporaries + 8;
		struct xqg_weights **more = realloc(jobs->temporary, most * sizeof(*more));

		if (!more) {
			xqg_weights_free(jobs->accel, weights);
			return -ENOMEM;
		}
		jobs->temporary = more;
		jobs->most_temporaries = most;
	}
	jobs->temporary[jobs->temporaries++] = weights;
	return 0;
}
