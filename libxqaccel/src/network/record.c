// SPDX-License-Identifier: MIT
/*
 * Steps as jobs of the device, and these as programs: what the device can do without the CPU is one job of a queue.
 */
#include <errno.h>
#include <stdlib.h>

#include "plan.h"

void xqn_make_job(const struct xqn_step *step, const struct xqn_storage *storage, xqn_memory_of *memory,
		  const void *arg, struct xqaccel_job_desc *job)
{
	unsigned int i;

	*job = (struct xqaccel_job_desc){ .work = step->work };
	for (i = 0; i < XQ_OPERANDS; i++) {
		const struct xqn_place *p = &step->place[i];

		if (p->storage < 0)
			continue;
		job->operand[i] = memory(arg, &storage[p->storage]);
		job->operand[i].offset += p->offset;
		job->operand[i].stride = p->stride;
		job->operand[i].batch_stride = p->batch_stride;
		job->operand[i].plane_stride = p->plane_stride;
	}
}

/* Constants are where they are, everything else is given with each run. */
static struct xqaccel_operand recorded(const void *arg, const struct xqn_storage *s)
{
	const struct xq_plan *plan = arg;

	switch (s->region) {
	case XQN_CONSTANT:
		return (struct xqaccel_operand){ .handle = xq_buffer_handle(plan->constants), .offset = s->offset };
	case XQN_SLOT:
		return (struct xqaccel_operand){ .handle = XQACCEL_SLOT(XQN_PROGRAM_SLOT(s->slot)) };
	default:
		return (struct xqaccel_operand){ .handle = XQACCEL_SLOT(XQN_PROGRAM_ARENA), .offset = s->offset };
	}
}

static void use_slots(struct xqn_segment *segment, const struct xqaccel_job_desc *job)
{
	unsigned int i;

	for (i = 0; i < XQ_OPERANDS; i++)
		if (job->operand[i].handle & XQACCEL_SLOT(0))
			segment->slots |= 1U << (job->operand[i].handle & ~XQACCEL_SLOT(0));
}

static int record(struct xq_plan *plan, struct xqn_segment *segment)
{
	struct xqaccel_job_desc *jobs = calloc(segment->count, sizeof(*jobs));
	unsigned int i;
	int err;

	if (!jobs)
		return -ENOMEM;
	for (i = 0; i < segment->count; i++) {
		xqn_make_job(&plan->step[segment->first + i], plan->storage, recorded, plan, &jobs[i]);
		use_slots(segment, &jobs[i]);
	}
	err = xq_program_create(plan->dev, jobs, segment->count, XQN_PROGRAM_SLOT(plan->slots), &segment->program);
	free(jobs);
	return err;
}

static int find_segments(struct xq_plan *plan)
{
	unsigned int i;

	plan->segment = calloc(plan->steps + 1, sizeof(*plan->segment));
	if (!plan->segment)
		return -ENOMEM;
	for (i = 0; i < plan->steps; i++) {
		if (plan->step[i].cpu)
			continue;
		if (!i || plan->step[i - 1].cpu || plan->segment[plan->segments - 1].count == XQACCEL_PROGRAM_JOBS)
			plan->segment[plan->segments++].first = i;
		plan->segment[plan->segments - 1].count++;
	}
	return 0;
}

int xqn_record(struct xq_plan *plan)
{
	unsigned int i;
	int err = find_segments(plan);

	if (!(plan->dev->info.features & XQACCEL_FEATURE_PROGRAM) ||
	    XQN_PROGRAM_SLOT(plan->slots) > XQACCEL_PROGRAM_SLOTS)
		return err;
	for (i = 0; i < plan->segments && !err; i++)
		err = record(plan, &plan->segment[i]);
	return err;
}
