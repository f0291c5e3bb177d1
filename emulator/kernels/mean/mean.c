// SPDX-License-Identifier: MIT
/* Means: sums over the middle of [outer][count][inner], requantized. */
#include "epilogue/epilogue.h"
#include "operators.h"

/* Columns of sums at a time. */
#define COLUMNS		1024

/* Rows between two looks at whether the job is canceled. */
#define ROWS		1024

struct work {
	int32_t sum[COLUMNS];
	uint8_t copy[COLUMNS], y[COLUMNS];
	struct xqk_lanes lanes;
	uint8_t lanes_memory[2048] __attribute__((aligned(64)));
};

static void prepare(struct work *w, const struct xq_mean_dims *d)
{
	const struct xq_requant_one *y = &d->y;
	const int64_t add = y->add;
	float scale;
	struct xqk_requant rq = { .profile = y->profile, .zero_point = y->zero_point, .params = 1,
				  .multiplier = &y->multiplier, .shift = &y->shift, .add = &add, .scale = &scale };

	memcpy(&scale, &y->scale, 4);
	xq_clamp_range(d->y_format, y->act_min, y->act_max, &rq.least, &rq.greatest);
	xqk_lanes_fill(&rq, NULL, 0, 1, w->lanes_memory, &w->lanes);
}

static void add(int32_t *sum, const uint8_t *x, uint32_t n, bool is_signed)
{
	uint32_t i;

	/* Sums are modulo 2^32. */
	if (is_signed)
		for (i = 0; i < n; i++)
			sum[i] = (int32_t)((uint32_t)sum[i] + (uint32_t)(int8_t)x[i]);
	else
		for (i = 0; i < n; i++)
			sum[i] = (int32_t)((uint32_t)sum[i] + x[i]);
}

/* All rows of one column, which lie side by side. */
static int32_t add_contiguous(const struct xqk_view *view, uint64_t at, uint32_t count, bool is_signed,
			      uint8_t *copy)
{
	uint32_t sum = 0, i, j, n;

	for (i = 0; i < count; i += n) {
		const uint8_t *x = xqk_view_read(view, at + i, copy, n = count - i < COLUMNS ? count - i : COLUMNS);

		for (j = 0; j < n; j++)
			sum += is_signed ? (uint32_t)(int8_t)x[j] : x[j];
	}
	return (int32_t)sum;
}

static bool run(const struct xqk_isa *isa, const struct xqk_operator *operator, uint64_t first, uint64_t last,
		void *scratch, const atomic_bool *cancel)
{
	const struct xqk_mean *job = &operator->mean;
	const struct xq_mean_dims *d = &job->dims;
	const bool is_signed = d->format == XQACCEL_FMT_S8;
	const int32_t start = (int32_t)-(d->count * (uint32_t)d->zero_point);
	struct work *w = scratch;
	uint32_t i, n, row;

	_Static_assert(sizeof(w->lanes_memory) >= 36 * (XQK_LANES_PAST + 1) + 64, "one lane fits");
	prepare(w, d);
	for (; first < last; first++)
		for (i = 0; i < d->inner; i += n) {
			const uint64_t x = first * job->x.batch_stride + i, y = first * job->y.stride + i;
			const bool one = d->inner == 1 && job->x.stride == 1;
			uint8_t *out;

			n = d->inner - i < COLUMNS ? d->inner - i : COLUMNS;
			for (row = 0; row < n; row++)
				w->sum[row] = start;
			if (xqk_canceled(cancel))
				return false;
			if (one)
				w->sum[0] = (int32_t)((uint32_t)start + (uint32_t)add_contiguous(&job->x, x, d->count, is_signed,
												w->copy));
			for (row = 0; !one && row < d->count; row++) {
				if (row % ROWS == ROWS - 1 && xqk_canceled(cancel))
					return false;
				add(w->sum, xqk_view_read(&job->x, x + row * job->x.stride, w->copy, n), n, is_signed);
			}
			out = xqk_view_write(&job->y, y, w->y, n);
			xqk_requantize(isa, &w->lanes, w->sum, n, out, false);
			xqk_view_written(&job->y, y, w->y, n, out);
		}
	return true;
}

static uint64_t rows(const struct xqk_operator *operator)
{
	return operator->mean.dims.inner ? operator->mean.dims.outer : 0;
}

static uint64_t row_bytes(const struct xqk_operator *operator)
{
	return (uint64_t)operator->mean.dims.inner * operator->mean.dims.count;
}

static size_t scratch_bytes(const struct xqk_operator *operator)
{
	(void)operator;
	return sizeof(struct work);
}

const struct xqk_operator_kind xqk_kind_mean = { rows, row_bytes, scratch_bytes, run };
