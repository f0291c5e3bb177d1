// SPDX-License-Identifier: MIT
/*
 * Products with a small K, as depthwise and first convolutions give: what staging rows of
 * A costs would be more than the product. With A as unsigned bytes a' = a + offset,
 *
 *	sum (a - za) b = sum a'b - (za + offset) sum b
 *
 * needs no sums of rows, as long as B has no zero point.
 */
#include <string.h>

#include "operators.h"
#include "product/gemm.h"

/* The staged B of 16 steps takes the place of rows that were gathered before. */
_Static_assert(XQK_THIN_K / 4 * XQK_STRIPS * XQK_STEP_BYTES <= XQACCEL_TILE_BYTES, "thin B");

bool xqk_thin_fits(const struct xqk_plan *plan)
{
	const struct xqk_product *product = plan->isa->product;
	const struct xqk_gemm *gemm = &plan->gemm;
	const struct xq_dims *dims = &gemm->dims;

	return plan->way == XQK_WAY_PRODUCT && product->thin_s8 && dims->k && dims->k <= XQK_THIN_K && dims->m >= XQK_THIN_ROWS &&
	       dims->b_format == XQACCEL_FMT_S8 && dims->n % XQK_LANES == 0 && !dims->group &&
	       (dims->a_format == XQACCEL_FMT_S8 || dims->a_format == XQACCEL_FMT_U8) &&
	       gemm->view[XQACCEL_A].flat && gemm->view[XQACCEL_C].flat && !gemm->b_zp &&
	       !xqk_present(&gemm->view[XQACCEL_A_ZP]) && !xqk_present(&gemm->view[XQACCEL_B_ZP]);
}

/* A step of a strip with zeros past the first bytes of each lane; takes off their sums. */
static void stage_step(int8_t *restrict to, const uint8_t *restrict from, uint32_t bytes,
		       uint32_t offset, int32_t *restrict start)
{
	const uint32_t mask = bytes < 4 ? (1U << 8 * bytes) - 1 : UINT32_MAX;
	uint32_t word;
	unsigned int lane;

	for (lane = 0; lane < XQK_LANES; lane++) {
		memcpy(&word, from + 4 * lane, 4);
		word &= mask;
		memcpy(to + 4 * lane, &word, 4);
		start[lane] = (int32_t)((uint32_t)start[lane] - offset * (uint32_t)(
			(int8_t)word + (int8_t)(word >> 8) + (int8_t)(word >> 16) +
			(int8_t)(word >> 24)));
	}
}

/* The staged channels as [step][strip][64], and where their sums start. */
static void stage_thin_b(const struct xqk_work *work, uint32_t offset, int8_t *b, int32_t *start)
{
	const struct xqk_dot *dot = &work->whole;
	const uint32_t k = work->gemm->dims.k;
	uint32_t step, strip;

	memset(start, 0, 4 * XQK_COLUMNS);
	for (step = 0; step < dot->steps; step++)
		for (strip = 0; strip < work->columns / XQK_LANES; strip++)
			stage_step(b + (step * XQK_STRIPS + strip) * XQK_STEP_BYTES,
				   dot->b[strip] + (dot->first + step) * XQK_STEP_BYTES,
				   k - 4 * step, offset, start + strip * XQK_LANES);
}

/* Rows m1 - thin->rows to m1. Those whose last step would pass the operand's end are copied. */
static void compute_rows(struct xqk_thin *thin, const struct xq_dims *dims, uint32_t m1,
			 unsigned int strips, xqk_thin_fn *kernel)
{
	const uint8_t *matrix = thin->a;
	uint8_t copy[XQK_THIN_K + 4] = { 0 };
	uint32_t m = m1 - thin->rows;

	thin->a = matrix + m * thin->a_stride;
	while (thin->rows && (dims->m - m - thin->rows) * thin->a_stride + dims->k < 4 * thin->steps)
		thin->rows--;
	kernel(thin, strips);
	for (m += thin->rows; m < m1; m++) {
		thin->c = (int32_t *)((uint8_t *)thin->c + thin->rows * thin->c_stride);
		memcpy(copy, matrix + m * thin->a_stride, dims->k);
		thin->a = copy;
		thin->rows = 1;
		kernel(thin, strips);
	}
}

/* Rows [m0, m1) by the staged channels, some at a time through the epilogue. */
static bool finish_rows(struct xqk_work *work, struct xqk_thin *thin, uint32_t m0, uint32_t m1,
			const atomic_bool *cancel)
{
	const struct xqk_view *a = &work->gemm->view[XQACCEL_A];
	const int32_t *bias = (xqk_tail_staged(work), xqk_tail_bias(&work->tail));
	const bool biased = bias;
	uint32_t m, rows, n;

	for (n = 0; biased && n < work->columns; n++)
		work->column_sum[n] = (int32_t)((uint32_t)work->column_sum[n] + (uint32_t)bias[n]);

	thin->c_stride = 4 * XQK_COLUMNS;
	for (m = m0; m < m1; m += rows) {
		if (xqk_canceled(cancel))
			return false;
		rows = m1 - m < XQK_TAIL_ROWS ? m1 - m : XQK_TAIL_ROWS;
		thin->a = a->flat + work->batch * a->batch_stride;
		thin->rows = rows;
		thin->c = work->sums;
		compute_rows(thin, &work->gemm->dims, m + rows, work->columns / XQK_LANES,
			     work->product->thin_s8);
		xqk_finish_rows(work, m, rows, work->sums, XQK_COLUMNS, biased);
	}
	return true;
}

bool xqk_compute_thin(struct xqk_work *work, uint32_t m0, uint32_t m1, uint32_t n0, uint32_t n1,
		      const atomic_bool *cancel)
{
	const struct xqk_gemm *gemm = work->gemm;
	const struct xq_dims *dims = &gemm->dims;
	const struct xqk_view *a = &gemm->view[XQACCEL_A], *c = &gemm->view[XQACCEL_C];
	const uint8_t flip = dims->a_format == XQACCEL_FMT_S8 ? 0x80 : 0;
	struct xqk_thin thin = {
		.flip = flip, .b = (int8_t *)work->rows_of_b, .start = work->column_sum,
		.add = dims->flags & XQACCEL_JOB_ACCUMULATE,
	};

	/* B is taken in bytes, whatever the dots take. */
	work->unpack = NULL;
	work->wide = false;
	work->table_steps = 1;
	for (work->n0 = n0; work->n0 < n1; work->n0 += work->columns) {
		work->columns = n1 - work->n0 < XQK_COLUMNS ? n1 - work->n0 : XQK_COLUMNS;
		if (xqk_canceled(cancel))
			return false;
		xqk_stage_b(work);
		xqk_aim_dot(work, 0, 0, &work->whole);
		stage_thin_b(work, (uint32_t)gemm->a_zp + flip, (int8_t *)work->rows_of_b, work->column_sum);
		thin.steps = work->whole.steps;
		thin.a_stride = a->stride;
		if (work->tail.epilogue) {
			if (!finish_rows(work, &thin, m0, m1, cancel))
				return false;
			continue;
		}
		thin.a = a->flat + work->batch * a->batch_stride;
		thin.rows = m1 - m0;
		thin.c = (int32_t *)(c->flat + work->batch * c->batch_stride + m0 * c->stride) +
			 work->n0;
		thin.c_stride = c->stride;
		compute_rows(&thin, dims, m1, work->columns / XQK_LANES, work->product->thin_s8);
	}
	return true;
}
