// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "job.h"

static struct xqk_view view_of(const struct operand *o)
{
	struct xqk_view view = { .stride = o->stride };

	if (o->pages)
		view.page = o->pages;
	else
		view.flat = o->bytes;
	return view;
}

/* Scales of 1..7, so that no sum leaves 32 bits and the check needs no wrapping. */
static int add_scales(struct job *job, uint32_t group)
{
	const uint32_t groups = job->a->columns / group;
	const size_t count_a = (size_t)job->a->rows * groups, count_b = (size_t)job->b->rows * groups;
	uint64_t seed = 99;

	job->scales = malloc(count_a + count_b);
	job->wide_scales = malloc(sizeof(int32_t) * (count_a + count_b));
	if (!job->scales || !job->wide_scales)
		return -1;
	for (size_t i = 0; i < count_a + count_b; i++)
		job->wide_scales[i] = job->scales[i] = 1 + bench_random(&seed) % 7;
	job->check = (struct check_scales){ group, job->wide_scales, job->wide_scales + count_a };
	job->gemm.dims.group = group;
	job->gemm.dims.a_scale_format = job->gemm.dims.b_scale_format = XQACCEL_FMT_U8;
	job->gemm.view[XQACCEL_A_SCALE] = (struct xqk_view){ .flat = job->scales, .stride = groups };
	job->gemm.view[XQACCEL_B_SCALE] = (struct xqk_view){ .flat = job->scales + count_a,
							     .stride = groups };
	return 0;
}

struct job *job_create(const struct xqk_isa *isa, const struct operand *a, const struct operand *b,
		       uint32_t group, unsigned int threads)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->isa = isa;
	job->a = a;
	job->b = b;
	job->c_bytes = sizeof(int32_t) * a->rows * b->rows;
	job->c = bench_alloc(job->c_bytes);
	job->gemm.dims = (struct xq_dims){
		.flags = b->order == ORDER_ROWS ? 0 : XQACCEL_JOB_B_TILED, .m = a->rows,
		.n = b->rows, .k = a->columns, .batch = 1, .a_format = (uint8_t)a->format,
		.b_format = (uint8_t)b->format,
	};
	job->gemm.view[XQACCEL_A] = view_of(a);
	job->gemm.view[XQACCEL_B] = view_of(b);
	job->gemm.view[XQACCEL_C] = (struct xqk_view){ .flat = (uint8_t *)job->c,
						       .stride = sizeof(int32_t) * b->rows };
	if (b->format == XQACCEL_FMT_C4 || b->format == XQACCEL_FMT_C8)
		job->gemm.view[XQACCEL_CODEBOOK].flat = (uint8_t *)b->codebook;
	if (!job->c || (group && add_scales(job, group)))
		goto fail;
	if (threads > 1) {
		job->pool = xqk_pool_create(threads, true);
		if (!job->pool)
			goto fail;
		return job;
	}
	xqk_plan(&job->task.plan, isa, &job->gemm, 1);
	job->scratch_bytes = job->task.plan.scratch_bytes;
	job->scratch = bench_alloc(job->scratch_bytes);
	if (!job->scratch)
		goto fail;
	return job;
fail:
	job_destroy(job);
	return NULL;
}

void job_destroy(struct job *job)
{
	if (!job)
		return;
	if (job->pool)
		xqk_pool_destroy(job->pool);
	bench_free(job->c, job->c_bytes);
	bench_free(job->scratch, job->scratch_bytes);
	free(job->scales);
	free(job->wide_scales);
	free(job);
}

void job_run(struct job *job)
{
	struct xqk_plan *plan = &job->task.plan;

	if (job->pool) {
		memset(&job->task, 0, sizeof(job->task));
		xqk_plan(plan, job->isa, &job->gemm, xqk_pool_threads(job->pool));
		xqk_pool_run(job->pool, &job->task);
		return;
	}
	xqk_plan(plan, job->isa, &job->gemm, 1);
	for (uint32_t chunk = 0; chunk < plan->chunks; chunk++)
		xqk_run_chunk(plan, chunk, job->scratch, NULL);
}

const char *job_check(struct job *job, bool *full)
{
	memset(job->c, 0x55, job->c_bytes);
	job_run(job);
	return check_product(job->a, job->b, &job->check, job->c, full);
}
