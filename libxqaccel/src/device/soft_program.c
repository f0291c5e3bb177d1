// SPDX-License-Identifier: MIT
/* Programs of the "soft" device: checked and written down once, as the driver does it. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver/xq_program.h"
#include "job.h"
#include "soft.h"

/* As many as the driver takes. */

/* ---- making ------------------------------------------------------------------------------------ */

/* What the check of a program's job asks. */
struct memory_of_program {
	struct soft *soft;
	unsigned int slots;
};

static int find_memory(void *opaque, uint32_t handle, bool written, uint64_t *bytes)
{
	const struct memory_of_program *m = opaque;

	if (!(handle & XQACCEL_SLOT(0)))
		return soft_find_memory(&m->soft->memory, handle, written, bytes);
	*bytes = XQ_SLOT_ROOM;
	return (handle & ~XQACCEL_SLOT(0)) < m->slots ? 0 : -ENOENT;
}

/* The program's entry for a buffer, a new one if need be. */
static int fixed_of(struct soft_program *p, struct soft_buffer *buffer, size_t *index)
{
	struct soft_fixed *more;
	size_t i;

	for (i = 0; i < p->fixed_count && p->fixed[i].buffer != buffer; i++)
		;
	*index = i;
	if (i < p->fixed_count)
		return 0;
	if (i == XQACCEL_PROGRAM_BUFFERS)
		return -ENOSPC;
	more = realloc(p->fixed, (i + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	p->fixed = more;
	p->fixed[p->fixed_count++] = (struct soft_fixed){ .buffer = buffer };
	buffer->references++;
	return 0;
}

static int add_job(struct soft *soft, struct soft_program *p, const struct xqaccel_job_desc *job)
{
	struct xq_place place[XQ_OPERANDS] = { 0 };
	size_t fixed[XQ_OPERANDS];
	unsigned int i;
	int err;

	for (i = 0; i < XQ_OPERANDS; i++) {
		const uint32_t handle = job->operand[i].handle;

		if (!handle || (handle & XQACCEL_SLOT(0)))
			continue;
		err = fixed_of(p, soft_buffer_find(&soft->memory, handle), &fixed[i]);
		if (err)
			return err;
	}
	/* Entries stay where they are from here on. */
	for (i = 0; i < XQ_OPERANDS; i++) {
		const struct xqaccel_operand *op = &job->operand[i];

		if (!op->handle)
			continue;
		place[i] = (struct xq_place){
			.use = op->handle & XQACCEL_SLOT(0) ?
			       &p->slot[op->handle & ~XQACCEL_SLOT(0)] : &p->fixed[fixed[i]].use,
			.offset = op->offset, .stride = op->stride,
			.batch_stride = op->batch_stride, .plane_stride = op->plane_stride,
		};
	}
	/* A job that was stopped is never started again here: see stays_first(). */
	xq_program_add(NULL, &job->work, place);
	return 0;
}

static int add_jobs(struct soft *soft, struct soft_program *p, const struct xqaccel_job_desc *jobs,
		    unsigned int slots)
{
	struct memory_of_program memory = { soft, slots };
	struct xq_hw_descriptor *list = p->list->data;
	unsigned int i;
	int err = 0;

	for (i = 0; i < p->jobs && !err; i++) {
		if (jobs[i].user_data)
			return -EINVAL;
		err = xq_job_check(&jobs[i], &soft->info, &soft->pairs, find_memory, &memory);
		if (!err)
			err = add_job(soft, p, &jobs[i]);
		if (!err)
			soft_describe(soft, &jobs[i], &list[i]);
	}
	return err;
}

/* Where a program is among those of its bucket, or would be; there are buckets. */
static struct soft_program **link_of(const struct soft *soft, uint32_t handle)
{
	struct soft_program **link = &soft->programs[handle & (soft->program_buckets - 1)];

	while (*link && (*link)->handle != handle)
		link = &(*link)->next;
	return link;
}

static int more_buckets(struct soft *soft)
{
	const uint32_t before = soft->program_buckets, buckets = before ? 2 * before : 16;
	struct soft_program **programs = calloc(buckets, sizeof(*programs));
	uint32_t i;

	if (!programs)
		return -ENOMEM;
	for (i = 0; i < before; i++) {
		while (soft->programs[i]) {
			struct soft_program *p = soft->programs[i], **to = &programs[p->handle & (buckets - 1)];

			soft->programs[i] = p->next;
			p->next = *to;
			*to = p;
		}
	}
	free(soft->programs);
	soft->programs = programs;
	soft->program_buckets = buckets;
	return 0;
}

/* Gives a program its handle. */
static int enter(struct soft *soft, struct soft_program *p)
{
	struct soft_program **to;

	if (soft->program_count == soft->program_buckets && more_buckets(soft))
		return -ENOMEM;
	p->handle = ++soft->last_program;
	to = &soft->programs[p->handle & (soft->program_buckets - 1)];
	p->next = *to;
	*to = p;
	soft->program_count++;
	return 0;
}

int soft_program_create(struct soft *soft, const struct xqaccel_job_desc *jobs, unsigned int count,
			unsigned int slots, uint32_t *program)
{
	struct soft_program *p;
	int err;

	if (!count || count > XQACCEL_PROGRAM_JOBS || slots > XQACCEL_PROGRAM_SLOTS)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->references = 1;
	p->jobs = count;
	err = soft_buffer_create(&soft->memory, count * sizeof(struct xq_hw_descriptor), &p->list);
	if (err) {
		free(p);
		return err;
	}
	/* No job can name it. */
	soft_buffer_forget(&soft->memory, p->list);
	err = add_jobs(soft, p, jobs, slots);
	if (err) {
		soft_program_put(soft, p);
		return err;
	}
	err = enter(soft, p);
	if (err) {
		soft_program_put(soft, p);
		return err;
	}
	*program = p->handle;
	return 0;
}

/* ---- the end ----------------------------------------------------------------------------------- */

void soft_program_put(struct soft *soft, struct soft_program *program)
{
	size_t i;

	if (--program->references)
		return;
	for (i = 0; i < program->fixed_count; i++)
		soft_buffer_put(soft, program->fixed[i].buffer);
	soft_buffer_put(soft, program->list);
	free(program->fixed);
	free(program);
}

void soft_program_destroy(struct soft *soft, uint32_t handle)
{
	struct soft_program **link = soft->program_buckets ? link_of(soft, handle) : NULL, *p = link ? *link : NULL;

	if (!p)
		return;
	*link = p->next;
	soft->program_count--;
	soft_program_put(soft, p);
}

/* Its buffers end with the device's memory. */
void soft_program_drop(struct soft_program *program)
{
	if (--program->references)
		return;
	free(program->fixed);
	free(program);
}

void soft_programs_free(struct soft *soft)
{
	uint32_t i;

	for (i = 0; i < soft->program_buckets; i++) {
		while (soft->programs[i]) {
			struct soft_program *p = soft->programs[i];

			soft->programs[i] = p->next;
			soft_program_drop(p);
		}
	}
	free(soft->programs);
}

/* ---- running ----------------------------------------------------------------------------------- */

/* What an operand of a run gives the device to do with its buffer; align is 0 if it is not wanted. */
static struct xq_use use_of(const struct soft_program *p, unsigned int operand)
{
	struct xq_use use = { .align = 0 };

	if (operand < XQACCEL_PROGRAM_SLOTS)
		return p->slot[operand];
	if (operand == XQACCEL_PROGRAM_PROFILE) {
		use.align = sizeof(struct xqaccel_profile);
		xq_hull_add(&use.written, 0, p->jobs * sizeof(struct xqaccel_profile));
	}
	return use;
}

static int check_operand(struct soft *soft, const struct soft_program *p,
			 const struct xqaccel_operand *op, unsigned int i)
{
	const struct xq_use use = use_of(p, i);
	uint64_t bytes;
	int err;

	if (op->reserved || op->stride || op->batch_stride || op->plane_stride)
		return -EINVAL;
	if (!op->handle)
		return op->offset || (use.align && i != XQACCEL_PROGRAM_PROFILE) ? -EINVAL : 0;
	if (!use.align)
		return -EINVAL;
	err = soft_find_memory(&soft->memory, op->handle, use.written.end, &bytes);
	if (err)
		return err;
	return xq_slot_check(&use, op->offset, bytes);
}

/* Whether what is written through an operand is nobody else's. */
static bool apart(struct soft *soft, const struct soft_program *p, const struct xqaccel_job_desc *job,
		  unsigned int i)
{
	const struct soft_buffer *buffer = soft_buffer_find(&soft->memory, job->operand[i].handle);
	struct xq_use mine = use_of(p, i), other;
	unsigned int j;
	size_t k;

	if (!buffer)
		return true;
	mine = xq_use_at(&mine, job->operand[i].offset);
	for (j = 0; j < i; j++) {
		if (job->operand[j].handle != job->operand[i].handle)
			continue;
		other = use_of(p, j);
		other = xq_use_at(&other, job->operand[j].offset);
		if (xq_uses_clash(&mine, &other))
			return false;
	}
	for (k = 0; k < p->fixed_count; k++)
		if (p->fixed[k].buffer == buffer && xq_uses_clash(&mine, &p->fixed[k].use))
			return false;
	return true;
}

int soft_program_run(struct soft *soft, const struct xqaccel_job_desc *job, struct soft_job *out)
{
	struct soft_program *p;
	struct xqaccel_job_desc described = *job;
	unsigned int i;
	int err;

	if (job->work.flags)
		return -EOPNOTSUPP;
	if (!xq_words_zero(job->work.words + 1, sizeof(job->work.words) / 4 - 1) ||
	    !xq_words_zero((const __u32 *)&job->work.epilogue, sizeof(job->work.epilogue) / 4))
		return -EINVAL;
	p = soft->program_buckets ? *link_of(soft, job->work.run.program) : NULL;
	if (!p)
		return -ENOENT;
	for (i = 0; i < XQ_OPERANDS; i++) {
		err = check_operand(soft, p, &job->operand[i], i);
		if (err)
			return err;
	}
	for (i = 0; i <= XQACCEL_PROGRAM_PROFILE; i++)
		if (!apart(soft, p, job, i))
			return -EINVAL;
	described.work.words[0] = p->jobs;
	soft_describe(soft, &described, &out->descriptor);
	out->descriptor.operand[XQ_PROGRAM_LIST].address = htole64(p->list->va);
	for (i = 0; i < XQ_OPERANDS; i++) {
		out->buffer[i] = soft_buffer_find(&soft->memory, job->operand[i].handle);
		if (out->buffer[i])
			out->buffer[i]->references++;
	}
	out->program = p;
	p->references++;
	return 0;
}
