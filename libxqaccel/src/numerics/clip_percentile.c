// SPDX-License-Identifier: MIT
/*
 * Percentiles as numpy.percentile defines them: with n values in rising order, the P-th is at the
 * place P / 100 (n - 1), and between two of them on the straight line. Of values that are there,
 * exactly; of a histogram, with the values of a bin spread evenly in it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clip_percentile.h"

/* Up to so many values are sorted; more are counted by halves of their bits. */
#define FEW 2048

#define HALF_BITS 16
#define HALVES (1u << HALF_BITS)

/* Where a percentile is: at a value's rank, and how far on the way to the next. */
struct place {
	uint64_t rank;
	double fraction;
};

static struct place place_of(double percentile, uint64_t n)
{
	double at = percentile / 100 * (double)(n - 1);
	struct place p = { .rank = (uint64_t)at };

	p.rank = p.rank < n ? p.rank : n - 1;
	p.fraction = at - (double)p.rank;
	return p;
}

/* As numpy does it, so that both ends are met exactly. */
static double between(double low, double high, double fraction)
{
	return fraction < 0.5 ? low + (high - low) * fraction : high - (high - low) * (1 - fraction);
}

/* ---- of values -------------------------------------------------------------------------------- */

/* An order of integers that is the order of the values, or of their magnitudes. */
static uint32_t key_of(float value, bool magnitude)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	if (magnitude)
		return bits & 0x7fffffff;
	return bits >> 31 ? ~bits : bits | 0x80000000;
}

static double value_of(uint32_t key, bool magnitude)
{
	float value;

	if (!magnitude)
		key = key >> 31 ? key & 0x7fffffff : ~key;
	memcpy(&value, &key, sizeof(value));
	return (double)value;
}

static int rising(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double percentile_of_few(const struct xq_points *p, double percentile, bool magnitude)
{
	struct place at = place_of(percentile, p->n);
	uint32_t key[FEW];
	double low;

	for (size_t i = 0; i < p->n; i++)
		key[i] = key_of(p->value[i], magnitude);
	qsort(key, p->n, sizeof(*key), rising);
	low = value_of(key[at.rank], magnitude);
	return at.rank + 1 < p->n ? between(low, value_of(key[at.rank + 1], magnitude), at.fraction) : low;
}

/* The half that holds a rank; takes from the rank what lies below it. */
static uint32_t find_half(const uint64_t *count, uint64_t *rank)
{
	uint32_t half = 0;

	while (*rank >= count[half])
		*rank -= count[half++];
	return half;
}

/* The key of a rank; count has the upper halves, other is room for the lower ones. */
static uint32_t key_of_rank(const struct xq_points *p, uint64_t rank, bool magnitude, const uint64_t *count,
			    uint64_t *other)
{
	uint32_t upper = find_half(count, &rank);

	memset(other, 0, HALVES * sizeof(*other));
	for (size_t i = 0; i < p->n; i++) {
		uint32_t key = key_of(p->value[i], magnitude);

		if (key >> HALF_BITS == upper)
			other[key & (HALVES - 1)]++;
	}
	return upper << HALF_BITS | find_half(other, &rank);
}

static int percentile_of_many(const struct xq_points *p, double percentile, bool magnitude, double *out)
{
	struct place at = place_of(percentile, p->n);
	uint64_t *count = calloc(2 * HALVES, sizeof(*count));
	double low, high;

	if (!count)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++)
		count[key_of(p->value[i], magnitude) >> HALF_BITS]++;
	low = high = value_of(key_of_rank(p, at.rank, magnitude, count, count + HALVES), magnitude);
	if (at.rank + 1 < p->n && at.fraction > 0)
		high = value_of(key_of_rank(p, at.rank + 1, magnitude, count, count + HALVES), magnitude);
	free(count);
	*out = between(low, high, at.fraction);
	return 0;
}

static int percentile_of(const struct xq_points *p, double percentile, bool magnitude, double *out)
{
	if (p->n > FEW)
		return percentile_of_many(p, percentile, magnitude, out);
	*out = percentile_of_few(p, percentile, magnitude);
	return 0;
}

int xq_percentile_of_points(const struct xq_points *p, double percentile, enum xq_scheme scheme, double *low,
			    double *high)
{
	int err;

	if (scheme == XQ_SYMMETRIC) {
		err = percentile_of(p, percentile, true, high);
		*low = -*high;
		return err;
	}
	err = percentile_of(p, 100 - percentile, false, low);
	return err ? err : percentile_of(p, percentile, false, high);
}

/* ---- of a histogram --------------------------------------------------------------------------- */

/* Walks bins in rising order of value until the rank is reached. */
struct walk {
	uint64_t rank;	/* how many elements are still below the answer */
	double value;
	bool found;
};

/* A bin with one element has its value, which is the sum. */
static void step(struct walk *w, double low, double high, uint64_t count, double sum)
{
	if (w->found || !count)
		return;
	if (w->rank < count) {
		w->value = count == 1 ? sum : low + (high - low) * ((double)w->rank + 0.5) / (double)count;
		w->found = true;
		return;
	}
	w->rank -= count;
}

static double magnitude_at(const struct xq_stats *s, uint64_t rank)
{
	struct walk w = { .rank = rank };
	const struct xq_histogram *h = &s->hist;
	double width = ldexp(1, h->exponent);

	if (rank + 1 >= s->n)
		return fmax(fabs((double)s->min), fabs((double)s->max));
	step(&w, 0, 0, s->zeros, 0);
	for (unsigned int i = 0; i < h->bins && !w.found; i++)
		step(&w, i * width, (i + 1) * width, h->count[0][i] + h->count[1][i], h->sum[0][i] + h->sum[1][i]);
	return fmin(w.value, fmax(fabs((double)s->min), fabs((double)s->max)));
}

static double value_at(const struct xq_stats *s, uint64_t rank)
{
	struct walk w = { .rank = rank };
	const struct xq_histogram *h = &s->hist;
	double width = ldexp(1, h->exponent);

	if (!rank)
		return (double)s->min;
	if (rank + 1 >= s->n)
		return (double)s->max;
	for (unsigned int i = h->bins; i-- > 0 && !w.found;)
		step(&w, -((i + 1) * width), -(i * width), h->count[0][i], -h->sum[0][i]);
	step(&w, 0, 0, s->zeros, 0);
	for (unsigned int i = 0; i < h->bins && !w.found; i++)
		step(&w, i * width, (i + 1) * width, h->count[1][i], h->sum[1][i]);
	return fmin(fmax(w.value, (double)s->min), (double)s->max);
}

static double percentile_of_stats(const struct xq_stats *s, double percentile,
				  double (*at)(const struct xq_stats *, uint64_t))
{
	struct place p = place_of(percentile, s->n);

	return between(at(s, p.rank), at(s, p.rank + 1), p.fraction);
}

void xq_percentile_of_stats(const struct xq_stats *stats, double percentile, enum xq_scheme scheme, double *low,
			    double *high)
{
	if (scheme == XQ_SYMMETRIC) {
		*high = percentile_of_stats(stats, percentile, magnitude_at);
		*low = -*high;
	} else {
		*low = percentile_of_stats(stats, 100 - percentile, value_at);
		*high = percentile_of_stats(stats, percentile, value_at);
	}
}
