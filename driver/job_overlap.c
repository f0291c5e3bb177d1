// SPDX-License-Identifier: GPL-2.0
/* Which bytes of which buffers jobs and programs read and write, and so do to each other. */
#include <linux/bsearch.h>

#include "buffer.h"
#include "job.h"
#include "program.h"

/*
 * What a run does with the buffer of an operand, from its offset on; align is 0 if it wants none.
 */
struct xq_use xqaccel_program_operand_use(const struct xqaccel_program *p, unsigned int operand)
{
	struct xq_use use = {};

	if (operand < XQACCEL_PROGRAM_SLOTS)
		return p->slot[operand];
	if (operand == XQACCEL_PROGRAM_PROFILE) {
		use.align = sizeof(struct xqaccel_profile);
		xq_hull_add(&use.written, 0, (u64)p->jobs * sizeof(struct xqaccel_profile));
	}
	return use;
}

/* What a run does through an operand, in bytes of the buffer. */
struct xq_use xqaccel_program_use(const struct xqaccel_job *job, unsigned int i)
{
	const struct xq_use use = xqaccel_program_operand_use(job->program, i);

	return xq_use_at(&use, job->span[i].offset);
}

/* ---- what they do to each other ------------------------------------------------- */

static int fixed_find(const void *buf, const void *fixed)
{
	const struct xqaccel_buffer *with = ((const struct xqaccel_fixed *)fixed)->buf;

	return buf < (const void *)with ? -1 : buf > (const void *)with;
}

/* What the jobs of a program do with a buffer that they name; NULL: they name it not. */
static const struct xq_use *fixed_use(const struct xqaccel_program *p,
				      const struct xqaccel_buffer *buf)
{
	const struct xqaccel_fixed *fixed =
		bsearch(buf, p->fixed, p->fixed_count, sizeof(*fixed), fixed_find);

	return fixed ? &fixed->use : NULL;
}

static bool slots_read(const struct xqaccel_job *job, const struct xqaccel_buffer *buf,
		       const struct xq_hull *written)
{
	unsigned int i;

	for (i = 0; i < XQACCEL_PROGRAM_SLOTS; i++) {
		struct xq_use use;

		if (job->span[i].buf != buf)
			continue;
		use = xqaccel_program_use(job, i);
		if (xq_hulls_meet(&use.read, written))
			return true;
	}
	return false;
}

/* Whether a run reads, in a buffer, something of what is written. */
static bool program_reads(const struct xqaccel_job *job, const struct xqaccel_buffer *buf,
			  const struct xq_hull *written)
{
	const struct xq_use *use = fixed_use(job->program, buf);

	return (use && xq_hulls_meet(&use->read, written)) || slots_read(job, buf, written);
}

/* The same of all buffers that both programs name; one walk, since interrupts are off. */
static bool fixed_overwrites(const struct xqaccel_program *later, const struct xqaccel_program *p)
{
	u32 i = 0, j = 0;

	while (i < later->fixed_count && j < p->fixed_count) {
		const struct xqaccel_fixed *a = &later->fixed[i], *b = &p->fixed[j];

		if (a->buf == b->buf && xq_hulls_meet(&a->use.written, &b->use.read))
			return true;
		if (a->buf <= b->buf)
			i++;
		if (b->buf <= a->buf)
			j++;
	}
	return false;
}

/* Whether a program's own buffers are written where a job reads what it was given. */
static bool fixed_overwrites_operands(const struct xqaccel_program *later,
				      const struct xqaccel_job *job)
{
	unsigned int i;

	for (i = 0; i < job->operands; i++) {
		const struct xqaccel_buffer *buf = job->span[i].buf;
		const struct xq_use *use = buf ? fixed_use(later, buf) : NULL;

		if (use && (job->program ? slots_read(job, buf, &use->written) :
					   xqaccel_job_reads(job, buf, &use->written)))
			return true;
	}
	return false;
}

/* Whether a run writes what another job reads. */
static bool program_overwrites(const struct xqaccel_job *later, const struct xqaccel_job *job)
{
	unsigned int i;

	for (i = 0; i <= XQACCEL_PROGRAM_PROFILE; i++) {
		struct xq_use use;

		if (!later->span[i].buf)
			continue;
		use = xqaccel_program_use(later, i);
		if (xqaccel_job_reads(job, later->span[i].buf, &use.written))
			return true;
	}
	return fixed_overwrites_operands(later->program, job) ||
	       (job->program && fixed_overwrites(later->program, job->program));
}

/* Whether a job reads, in a buffer, something of what is written. */
bool xqaccel_job_reads(const struct xqaccel_job *job, const struct xqaccel_buffer *buf,
		       const struct xq_hull *written)
{
	unsigned int i;

	if (job->program)
		return program_reads(job, buf, written);
	for (i = 0; i < job->operands; i++) {
		const struct xqaccel_span *span = &job->span[i];
		const struct xq_hull read = { span->offset, span->offset + span->bytes };

		if (!span->written && span->buf == buf && span->bytes &&
		    xq_hulls_meet(&read, written))
			return true;
	}
	return false;
}

/* Whether a job writes what another one reads. */
bool xqaccel_job_overwrites(const struct xqaccel_job *later, const struct xqaccel_job *job)
{
	unsigned int i;

	if (later->program)
		return program_overwrites(later, job);
	for (i = 0; i < later->operands; i++) {
		const struct xqaccel_span *span = &later->span[i];
		const struct xq_hull written = { span->offset, span->offset + span->bytes };

		if (span->written && span->buf && span->bytes &&
		    xqaccel_job_reads(job, span->buf, &written))
			return true;
	}
	return false;
}
