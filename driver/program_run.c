// SPDX-License-Identifier: GPL-2.0
/* Runs of programs: jobs whose operands are what the program's slots are bound to. */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "buffer.h"
#include "client.h"
#include "job.h"
#include "program.h"

/* Whether the operands of a description are there, or not, as the program wants it. */
static bool operand_valid(const struct xqaccel_program *p, const struct xqaccel_operand *op,
			  unsigned int i)
{
	const u32 align = xqaccel_program_operand_use(p, i).align;

	if (op->reserved | op->stride | op->batch_stride | op->plane_stride)
		return false;
	if (!op->handle)
		return !op->offset && (!align || i == XQACCEL_PROGRAM_PROFILE);
	return align && !(op->offset & (align - 1));
}

static int operand_take(struct xqaccel_job *job, const struct xqaccel_operand *op, unsigned int i)
{
	const struct xq_use use = xqaccel_program_operand_use(job->program, i);
	struct xqaccel_span *span = &job->span[i];
	int ret;

	if (!operand_valid(job->program, op, i))
		return -EINVAL;
	if (!op->handle)
		return 0;
	span->buf = xqaccel_buffer_find(job->client, op->handle);
	if (!span->buf)
		return -ENOENT;
	if (!span->buf->writable && use.written.end)
		return -EACCES;
	ret = xq_slot_check(&use, op->offset, span->buf->bytes);
	if (ret)
		return ret;
	span->offset = op->offset;
	span->bytes = xq_use_end(&use);
	return 0;
}

/* Whether nothing that is written through an operand is something else's, too. */
static bool operand_apart(const struct xqaccel_job *job, unsigned int i)
{
	const struct xqaccel_buffer *buf = job->span[i].buf;
	const struct xq_use mine = xqaccel_program_use(job, i);
	unsigned int j;

	if (!buf)
		return true;
	for (j = 0; j < i; j++) {
		const struct xq_use other = xqaccel_program_use(job, j);

		if (job->span[j].buf == buf && xq_uses_clash(&mine, &other))
			return false;
	}
	for (j = 0; j < job->program->fixed_count; j++) {
		const struct xqaccel_fixed *fixed = &job->program->fixed[j];

		if (fixed->buf == buf && xq_uses_clash(&mine, &fixed->use))
			return false;
	}
	return true;
}

static void descriptor_fill(struct xqaccel_job *job)
{
	const struct xqaccel_program *p = job->program;
	struct xqaccel_work work = {
		.op = XQACCEL_OP_PROGRAM,
		.flags = p->repeatable ? 0 : XQACCEL_JOB_ACCUMULATE,
		.words = { p->jobs },
	};
	unsigned int i;

	job->desc.context = cpu_to_le32(job->client->context);
	xqaccel_work_fill(&job->desc, &work);
	for (i = 0; i <= XQACCEL_PROGRAM_PROFILE; i++)
		if (job->span[i].buf)
			job->desc.operand[i].address =
				cpu_to_le64(job->span[i].buf->va + job->span[i].offset);
	job->desc.operand[XQ_PROGRAM_LIST].address = cpu_to_le64(p->list->va);
}

/* Makes a job a run of a program. References that it took are the job's, also when it fails. */
int xqaccel_program_bind(struct xqaccel_job *job, const struct xqaccel_job_desc *d)
{
	const struct xqaccel_work *w = &d->work;
	unsigned int i;
	int ret;

	if (!(job->client->xq->caps.features & XQACCEL_FEATURE_PROGRAM) || w->flags)
		return -EOPNOTSUPP;
	if (!xq_words_zero(w->words + 1, ARRAY_SIZE(w->words) - 1) ||
	    !xq_words_zero((const u32 *)&w->epilogue, sizeof(w->epilogue) / 4))
		return -EINVAL;
	job->program = xqaccel_program_find(job->client, w->run.program);
	if (!job->program)
		return -ENOENT;
	job->shared = job->program->shared;
	for (i = 0; i < XQ_OPERANDS; i++) {
		ret = operand_take(job, &d->operand[i], i);
		if (ret)
			return ret;
	}
	/* A job of a program has no more spans than these. */
	for (i = 0; i <= XQACCEL_PROGRAM_PROFILE; i++) {
		if (!operand_apart(job, i))
			return -EINVAL;
		job->shared |= job->span[i].buf && job->span[i].buf->resv;
	}
	job->macs = job->program->macs;
	job->measured_ns = &job->program->run_ns;
	job->accumulate = !job->program->repeatable;
	descriptor_fill(job);
	return 0;
}
