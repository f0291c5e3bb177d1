// SPDX-License-Identifier: MIT
/* Plans of jobs that are not products, and the way from a chunk to its kind. */
#include "operators.h"
#include "product/gemm.h"

/* A chunk is at least so many bytes in and out, and a thread has so many. */
#define CHUNK_BYTES		(128U << 10)
#define CHUNKS_PER_THREAD	4

static const struct xqk_operator_kind *const kinds[XQK_KINDS] = {
	[XQK_FINISH] = &xqk_kind_finish,
	[XQK_POOLING] = &xqk_kind_pooling,
	[XQK_ELEMENTWISE] = &xqk_kind_elementwise,
	[XQK_SOFTMAX] = &xqk_kind_softmax,
	[XQK_MEAN] = &xqk_kind_mean,
	[XQK_COPY] = &xqk_kind_copy,
};

void xqk_plan_operator(struct xqk_plan *plan, const struct xqk_isa *isa,
		       const struct xqk_operator *operator, unsigned int threads)
{
	const struct xqk_operator_kind *kind = kinds[operator->kind];
	const uint64_t rows = kind->rows(operator), each = kind->row_bytes(operator);
	const uint64_t most = (uint64_t)threads * CHUNKS_PER_THREAD;
	uint64_t chunks = rows / (CHUNK_BYTES / (each ? each < CHUNK_BYTES ? each : CHUNK_BYTES : 1));

	plan->isa = isa;
	plan->kind = kind;
	plan->operator = *operator;
	atomic_init(&plan->bytes_copied, 0);
	chunks = threads < 2 || !chunks ? 1 : chunks;
	plan->chunks = rows ? (uint32_t)(chunks < most ? chunks : most) : 0;
	plan->units = rows;
	plan->scratch_bytes = kind->scratch(operator);
}

bool xqk_run_chunk(struct xqk_plan *plan, uint32_t chunk, void *scratch, const atomic_bool *cancel)
{
	const uint64_t each = plan->chunks ? plan->units / plan->chunks : 0;
	const uint64_t more = plan->chunks ? plan->units % plan->chunks : 0;
	uint64_t first = each * chunk + (chunk < more ? chunk : more);

	if (!plan->kind)
		return xqk_run_chunk_rows(plan, chunk, scratch, plan->block_m, cancel);
	return plan->kind->run(plan->isa, &plan->operator, first, first + each + (chunk < more), scratch,
			       cancel);
}
