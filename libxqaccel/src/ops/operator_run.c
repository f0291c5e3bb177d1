// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "operator_run.h"
#include "parallel.h"

struct run {
	struct xqk_plan plan;
	atomic_bool no_memory;
};

static void work(void *arg, size_t first, size_t last)
{
	struct run *run = arg;
	void *scratch = aligned_alloc(64, (run->plan.scratch_bytes + 127) & ~(size_t)63);

	if (!scratch) {
		atomic_store(&run->no_memory, true);
		return;
	}
	for (; first < last; first++)
		xqk_run_chunk(&run->plan, (uint32_t)first, scratch, NULL);
	free(scratch);
}

/* What was planned. */
static int compute(struct run *run)
{
	atomic_init(&run->no_memory, false);
	xq_parallel(run->plan.chunks, run->plan.chunks > 1 ? 0 : 1, work, run);
	return atomic_load(&run->no_memory) ? -ENOMEM : 0;
}

int xq_operator_run(struct xq_workspace *ws, const struct xqk_operator *operator)
{
	struct run run;
	bool done = false;
	int err = ws ? xq_operator_on_device(ws, operator, &done) : 0;

	if (err || done)
		return err;
	xqk_plan_operator(&run.plan, xq_kernels(), operator, xq_processors());
	return compute(&run);
}

int xq_convolution_run(const struct xqk_conv *conv)
{
	struct run run;

	xqk_plan_conv(&run.plan, xq_kernels(), conv, xq_processors());
	return compute(&run);
}

int xq_product_run(const struct xqk_gemm *gemm)
{
	struct run run;

	xqk_plan(&run.plan, xq_kernels(), gemm, xq_processors());
	return compute(&run);
}

bool xq_dims_small(const size_t *dims, unsigned int count)
{
	while (count--)
		if (dims[count] > XQ_MAX_DIM)
			return false;
	return true;
}

uint32_t xq_scale_bits(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}
