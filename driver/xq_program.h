/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the descriptor of a program says: where its list of descriptors lies, how many there are,
 * and what its slots are bound to. Driver, device and software backend share it. xq_work.h does
 * not know this operation, so that nothing which is checked there is ever taken for a list of
 * descriptors.
 */
#ifndef XQ_PROGRAM_H
#define XQ_PROGRAM_H

#ifdef __KERNEL__
#include <linux/errno.h>
#else
#include <errno.h>
#endif

#include <linux/xqaccel.h>

#include "xq_regs.h"
#include "xq_work.h"

/* Operands of a program's descriptor: the slots, then XQACCEL_PROGRAM_PROFILE, then: */
#define XQ_PROGRAM_LIST			(XQACCEL_PROGRAM_PROFILE + 1)

/* Jobs of a program. */
static inline __u32 xq_program_jobs(const struct xqaccel_work *w)
{
	return w->words[0];
}

/* As xq_work_check(), of the work in a program's descriptor. */
static inline int xq_program_check(const struct xqaccel_work *w, const struct xq_abilities *has)
{
	if (!(has->features & XQACCEL_FEATURE_PROGRAM) || w->flags & ~XQACCEL_JOB_ACCUMULATE)
		return -EOPNOTSUPP;
	if (!xq_program_jobs(w) || xq_program_jobs(w) > XQACCEL_PROGRAM_JOBS)
		return -EINVAL;
	if (!xq_words_zero(w->words + 1, sizeof(w->words) / 4 - 1) ||
	    !xq_words_zero((const __u32 *)&w->epilogue, sizeof(w->epilogue) / 4))
		return -EINVAL;
	return 0;
}

/* How far its jobs reach from the start of a slot is not said by the program's descriptor. */
static inline void xq_program_extent(const struct xqaccel_work *w, unsigned int operand,
				     struct xq_extent *e)
{
	*e = (struct xq_extent){ .rows = 1, .planes = 1, .batch = 1, .align = 1 };
	if (operand > XQ_PROGRAM_LIST)
		return;
	e->used = true;
	if (operand == XQACCEL_PROGRAM_PROFILE) {
		e->row_bytes = (__u64)xq_program_jobs(w) * sizeof(struct xqaccel_profile);
		e->align = sizeof(struct xqaccel_profile);
		e->written = true;
	} else if (operand == XQ_PROGRAM_LIST) {
		e->required = true;
		e->row_bytes = (__u64)xq_program_jobs(w) * sizeof(struct xq_hw_descriptor);
		e->align = sizeof(struct xq_hw_descriptor);
	}
}

#endif
