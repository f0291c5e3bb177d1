/* SPDX-License-Identifier: MIT */
/* A row's product as a job of the kernels. */
#ifndef XQ_BENCH_JOB_H
#define XQ_BENCH_JOB_H

#include <stdint.h>

#include "check.h"
#include "operand.h"
#include "xq_kernels.h"

struct job {
	const struct xqk_isa *isa;
	struct xqk_gemm gemm;
	struct xqk_task task;
	const struct operand *a, *b;
	int32_t *c;
	size_t c_bytes;
	uint8_t *scales;		/* u8, of A and then of B */
	int32_t *wide_scales;		/* the same numbers */
	struct check_scales check;
	void *scratch;			/* of the calling thread */
	size_t scratch_bytes;
	struct xqk_pool *pool;		/* NULL: on the calling thread */
};

/* Operands stay the caller's. Return: NULL if memory or threads are short. */
struct job *job_create(const struct xqk_isa *isa, const struct operand *a, const struct operand *b,
		       uint32_t group, unsigned int threads);
void job_destroy(struct job *job);

/* Plans and computes once, as an engine does it: on this thread chunk by chunk, or by the pool. */
void job_run(struct job *job);

/* Computes and compares. Return: NULL, or what is wrong. */
const char *job_check(struct job *job, bool *full);

#endif
