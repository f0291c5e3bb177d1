// SPDX-License-Identifier: MIT
/*
 * Softmax of rows of s8 in fixed point. "Qm.n" has m bits before the point and n behind it; all
 * products are the rounded high half of twice the exact one.
 */
#include "operators.h"

#define Q0_ONE		INT32_MAX
#define Q2_ONE		(1 << 29)

/* Columns between two looks at whether the job is canceled, and of a part of a row. */
#define PART		8192

/**
 * struct work - tables of a chunk
 * @power: exp of difference -i in Q0.31, -1 where it was not computed yet
 */
struct work {
	const struct xq_softmax_dims *dims;
	int32_t power[256];
	uint8_t part[2][PART];
};

static int32_t saturate(int64_t v)
{
	return v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

/* floor((a * b + 2^30) / 2^31); only -2^31 squared does not fit. */
static int32_t product(int32_t a, int32_t b)
{
	return saturate(((int64_t)a * b + (1 << 30)) >> 31);
}

/* v / 2^n to nearest, halves away from zero. */
static int32_t divide(int32_t v, int n)
{
	const int64_t half = n ? (int64_t)1 << (n - 1) : 0;

	return (int32_t)(v < 0 ? -((-(int64_t)v + half) >> n) : ((int64_t)v + half) >> n);
}

/* exp(a) for a in [-1/4, 0), Q0.31: exp(-1/8) (1 + x + x^2/2 + x^3/6 + x^4/24) with x = a + 1/8. */
static int32_t exp_quarter(int32_t a)
{
	const int32_t exp_eighth = 1895147668, third = 715827883;
	const int32_t x = a + (1 << 28);
	const int32_t x2 = product(x, x), x3 = product(x2, x), x4 = product(x2, x2);
	const int32_t rest = divide(product(divide(x4, 2) + x3, third) + x2, 1);

	return exp_eighth + product(exp_eighth, x + rest);
}

/* exp(a) for a <= 0 in Q5.26: the part below 1/4 by the polynomial, each higher bit by a factor. */
static int32_t exp_negative(int32_t a)
{
	/* exp(-1/4), exp(-1/2), exp(-1), ... exp(-16) */
	static const int32_t factor[] = { 1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242 };
	const int32_t quarter = 1 << 24;
	const int32_t below = (a & (quarter - 1)) - quarter;
	const uint32_t above = (uint32_t)below - (uint32_t)a;
	int32_t result = exp_quarter(below * 32);

	for (unsigned int bit = 0; bit < sizeof(factor) / sizeof(factor[0]); bit++)
		if (above >> (24 + bit) & 1)
			result = product(result, factor[bit]);
	return a ? result : Q0_ONE;
}

/* 1 / (1 + a) for a in [0, 1), Q0.31: Newton's steps from 48/17 - 32/17 d for d = (1 + a) / 2. */
static int32_t reciprocal(int32_t a)
{
	const int32_t half_denominator = (int32_t)(((int64_t)a + Q0_ONE + 1) / 2);
	int32_t x = 1515870810 + product(half_denominator, -1010580540);

	for (int step = 0; step < 3; step++)
		x += saturate((int64_t)product(x, Q2_ONE - product(half_denominator, x)) * 4);
	return saturate((int64_t)x * 2);
}

/* The exponential of minus a difference. */
static int32_t power_of(struct work *w, unsigned int difference)
{
	const struct xq_softmax_dims *d = w->dims;
	int32_t *power = &w->power[difference];

	if (*power < 0) {
		/* Shifts of 31 and multipliers of 31 bits make more than 64. */
		const __int128 shifted = -((__int128)difference << d->shift);
		const __int128 scaled = (shifted * d->multiplier + (1 << 30)) >> 31;

		*power = exp_negative(scaled < INT32_MIN ? INT32_MIN : (int32_t)scaled);
	}
	return *power;
}

static bool counts(const struct work *w, unsigned int difference)
{
	return -(int64_t)difference >= w->dims->diff_min;
}

/* Stops early if canceled. */
static void softmax_row(struct work *w, const struct xqk_softmax *job, uint64_t row, const atomic_bool *cancel)
{
	const uint32_t columns = job->dims.columns;
	const uint64_t x_at = row * job->x.stride, y_at = row * job->y.stride;
	int32_t scale, most = INT8_MIN;
	uint64_t sum = 0;
	uint32_t i, j, n;
	int over;

	for (i = 0; i < columns && !xqk_canceled(cancel); i += n) {
		const int8_t *x = xqk_view_read(&job->x, x_at + i, w->part[0], n = columns - i < PART ? columns - i : PART);

		for (j = 0; j < n; j++)
			most = x[j] > most ? x[j] : most;
	}
	for (i = 0; i < columns && !xqk_canceled(cancel); i += n) {
		const int8_t *x = xqk_view_read(&job->x, x_at + i, w->part[0], n = columns - i < PART ? columns - i : PART);

		for (j = 0; j < n; j++)
			if (counts(w, (unsigned int)(most - x[j])))
				sum += (uint32_t)divide(power_of(w, (unsigned int)(most - x[j])), 12);
	}
	if (xqk_canceled(cancel))
		return;
	/* The sum has 12 bits before the point; it is shifted up to [1, 2) less 1. */
	over = sum >> 31 ? 32 : 12 - __builtin_clz((uint32_t)sum);
	scale = sum >> 31 ? 0 : reciprocal((int32_t)(((uint32_t)sum << (12 - over)) - (1U << 31)));
	for (i = 0; i < columns && !xqk_canceled(cancel); i += n) {
		const int8_t *x = xqk_view_read(&job->x, x_at + i, w->part[0], n = columns - i < PART ? columns - i : PART);
		uint8_t *y = xqk_view_write(&job->y, y_at + i, w->part[1], n);

		for (j = 0; j < n; j++) {
			const unsigned int difference = (unsigned int)(most - x[j]);
			int32_t v = 0;

			if (counts(w, difference) && over + 23 <= 31)
				v = divide(product(scale, power_of(w, difference)), over + 23);
			y[j] = (uint8_t)(v > 255 ? 127 : v - 128);
		}
		xqk_view_written(&job->y, y_at + i, w->part[1], n, y);
	}
}

static bool run(const struct xqk_isa *isa, const struct xqk_operator *operator, uint64_t first, uint64_t last,
		void *scratch, const atomic_bool *cancel)
{
	struct work *w = scratch;
	uint64_t row;

	(void)isa;
	w->dims = &operator->softmax.dims;
	memset(w->power, 0xff, sizeof(w->power));
	for (row = first; row < last; row++) {
		if (xqk_canceled(cancel))
			return false;
		softmax_row(w, &operator->softmax, row, cancel);
	}
	return !xqk_canceled(cancel);
}

static uint64_t rows(const struct xqk_operator *operator)
{
	return operator->softmax.dims.columns ? operator->softmax.dims.rows : 0;
}

static uint64_t row_bytes(const struct xqk_operator *operator)
{
	/* Each element takes about as long as copying so many bytes. */
	return 16 * (uint64_t)operator->softmax.dims.columns;
}

static size_t scratch_bytes(const struct xqk_operator *operator)
{
	(void)operator;
	return sizeof(struct work);
}

const struct xqk_operator_kind xqk_kind_softmax = { rows, row_bytes, scratch_bytes, run };
