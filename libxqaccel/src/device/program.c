// SPDX-License-Identifier: MIT
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/program.h>

#include "job.h"
#include "queue.h"

struct xq_program {
	struct xq_device *dev;
	uint32_t handle;
	unsigned int jobs;
};

int xq_program_create(struct xq_device *dev, const struct xqaccel_job_desc *jobs, unsigned int count,
		      unsigned int slots, struct xq_program **program)
{
	struct xq_backend *backend = dev->backend;
	struct xq_program *p;
	int err;

	if (!(dev->info.features & XQACCEL_FEATURE_PROGRAM))
		return -EOPNOTSUPP;
	p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct xq_program){ .dev = dev, .jobs = count };
	err = backend->ops->program_create(backend, jobs, count, slots, &p->handle);
	if (err) {
		free(p);
		return err;
	}
	*program = p;
	return 0;
}

void xq_program_destroy(struct xq_program *program)
{
	struct xq_backend *backend;

	if (!program)
		return;
	backend = program->dev->backend;
	backend->ops->program_destroy(backend, program->handle);
	free(program);
}

unsigned int xq_program_jobs(const struct xq_program *program)
{
	return program->jobs;
}

static int bind(const struct xq_device *dev, const struct xq_binding *from,
		struct xqaccel_operand *to)
{
	if (!from->buffer)
		return from->offset ? -EINVAL : 0;
	if (from->buffer->dev != dev)
		return -ENOENT;
	to->handle = from->buffer->memory.handle;
	to->offset = from->offset;
	return 0;
}

static int job_from_run(const struct xq_device *dev, const void *runs, unsigned int index,
			struct xqaccel_job_desc *job)
{
	const struct xq_program_run *run = (const struct xq_program_run *)runs + index;
	unsigned int i;
	int err;

	if (run->program->dev != dev)
		return -ENOENT;
	*job = (struct xqaccel_job_desc){
		.user_data = run->user_data,
		.work = { .op = XQACCEL_OP_PROGRAM, .flags = run->flags,
			  .run = { .program = run->program->handle } },
	};
	for (i = 0; i < XQACCEL_PROGRAM_SLOTS; i++) {
		err = bind(dev, &run->slot[i], &job->operand[i]);
		if (err)
			return err;
	}
	return bind(dev, &run->profile, &job->operand[XQACCEL_PROGRAM_PROFILE]);
}

int xq_program_submit(struct xq_queue *queue, const struct xq_program_run *runs,
		      unsigned int count)
{
	return xq_queue_submit_as(queue, runs, count, job_from_run);
}

int xq_program_run(struct xq_queue *queue, const struct xq_program_run *run,
		   struct xq_completion *completion)
{
	return xq_queue_run_as(queue, run, job_from_run, completion);
}

void xq_program_profile(const struct xq_program *program, const struct xq_binding *profile,
			unsigned int index, struct xq_job_profile *job)
{
	const uint64_t hz = program->dev->info.clock_hz;
	struct xqaccel_profile raw;

	memcpy(&raw, (const char *)profile->buffer->memory.data + profile->offset +
	       index * sizeof(raw), sizeof(raw));
	*job = (struct xq_job_profile){
		.start_ns = xq_ticks_to_ns(le64toh(raw.start), hz),
		.end_ns = xq_ticks_to_ns(le64toh(raw.end), hz),
		.macs = le64toh(raw.macs),
		.bytes = le64toh(raw.bytes),
	};
}
