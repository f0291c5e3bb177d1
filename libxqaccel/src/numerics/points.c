// SPDX-License-Identifier: MIT
/* The values of a cell, as they are or gathered in bins. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "points.h"

/* Bits of a float that are dropped for the number of its bin: 15 of 23 of the mantissa. */
#define DROPPED 15
#define BINS (1u << (32 - DROPPED))

static void find_range(struct xq_points *p)
{
	float range[2] = { INFINITY, -INFINITY };

	if (p->n)
		xq_quantize_kernels_best()->range(p->value, p->n, range);
	p->min = p->n ? range[0] : 0;
	p->max = p->n ? range[1] : 0;
}

int xq_points_of_cell(const float *x, const struct xq_cell *cell, float **copy, size_t *room,
		      struct xq_points *out)
{
	size_t n = cell->runs * cell->run;
	float *to;

	*out = (struct xq_points){ .value = x + cell->start, .n = n };
	if (n > 1 && (cell->step != 1 || (cell->runs > 1 && cell->stride != cell->run))) {
		if (n > *room) {
			free(*copy);
			*room = 0;
			*copy = malloc(n * sizeof(**copy));
			if (!*copy)
				return -ENOMEM;
			*room = n;
		}
		to = *copy;
		for (size_t r = 0; r < cell->runs; r++)
			for (size_t e = 0; e < cell->run; e++)
				*to++ = x[cell->start + r * cell->stride + e * cell->step];
		out->value = *copy;
	}
	find_range(out);
	return 0;
}

struct bin {
	double sum, count;
};

int xq_points_gather(const struct xq_points *all, struct xq_points *out)
{
	struct bin *bin = calloc(BINS, sizeof(*bin));
	float *value = NULL, *weight = NULL;
	size_t filled = 0;

	if (!bin)
		return -ENOMEM;
	for (size_t i = 0; i < all->n; i++) {
		uint32_t bits;

		memcpy(&bits, &all->value[i], sizeof(bits));
		bin[bits >> DROPPED].sum += (double)all->value[i];
		bin[bits >> DROPPED].count++;
	}
	for (size_t b = 0; b < BINS; b++)
		filled += bin[b].sum != 0;
	value = malloc(filled * sizeof(*value) + 1);
	weight = malloc(filled * sizeof(*weight) + 1);
	*out = (struct xq_points){ .value = value, .weight = weight, .min = all->min, .max = all->max };
	for (size_t b = 0; b < BINS && value && weight; b++) {
		if (bin[b].sum == 0)
			continue;
		value[out->n] = (float)(bin[b].sum / bin[b].count);
		weight[out->n++] = (float)bin[b].count;
	}
	free(bin);
	if (value && weight)
		return 0;
	xq_points_free(out);
	return -ENOMEM;
}

void xq_points_free(struct xq_points *made)
{
	free((void *)made->value);
	free((void *)made->weight);
	*made = (struct xq_points){ 0 };
}
