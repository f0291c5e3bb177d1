/* SPDX-License-Identifier: MIT */
/*
 * Loops of sums and products that a compiler turns into the vector code of the instruction set whose
 * file includes them, after that set's requantization.
 */
#ifndef XQK_ELEMENTWISE_TEMPLATE_H
#define XQK_ELEMENTWISE_TEMPLATE_H

#include <math.h>

#include "elementwise/micro_kernels.h"

/* Exact: zero points of these are at most XQ_MAX_ZERO_POINT. What is no number counts as 0. */
static inline void real_results(uint8_t *restrict y, const float *restrict v, size_t n, const struct xqk_real *r)
{
	const float low = (float)(r->least - r->zero_point), high = (float)(r->greatest - r->zero_point);
	const int32_t zero_point = r->zero_point;
	size_t i;

	for (i = 0; i < n; i++) {
		float whole = v[i] == v[i] ? rintf(v[i]) : 0;

		whole = whole < low ? low : whole > high ? high : whole;
		y[i] = (uint8_t)((int32_t)whole + zero_point);
	}
}

static void real_sum(const struct xqk_real *r, const uint8_t *restrict a, const uint8_t *restrict b, size_t n, uint8_t *y)
{
	float v[XQK_ELEMENTS_MOST];
	const float factor = r->factor;
	size_t i;

	for (i = 0; i < n; i++)
		v[i] = (r->a[a[i]] + r->b[b[i]]) / factor;
	real_results(y, v, n, r);
}

static void real_product(const struct xqk_real *r, const int32_t *restrict product, size_t n, uint8_t *y)
{
	float v[XQK_ELEMENTS_MOST];
	const float factor = r->factor;
	size_t i;

	for (i = 0; i < n; i++)
		v[i] = (float)product[i] * factor;
	real_results(y, v, n, r);
}

static inline void table_sums(const struct xqk_sum *s, const uint8_t *a, const uint8_t *b, size_t n, int32_t *v)
{
	size_t i;

	for (i = 0; i < n; i++)
		v[i] = (int32_t)((uint32_t)s->a[a[i]] + (uint32_t)s->b[b[i]]);
}

static inline void few_bytes(const struct xqk_bytes *s, const uint8_t *restrict a, const uint8_t *restrict b,
			     size_t n, uint8_t *restrict y)
{
	const int16_t low = (int16_t)s->least, high = (int16_t)s->greatest;
	uint8_t terms[2][XQK_ELEMENTS_MOST];
	size_t i;

	for (i = 0; i < n; i++) {
		terms[0][i] = s->term[0][a[i]];
		terms[1][i] = s->term[1][b[i]];
	}
	if (s->is_signed)
		for (i = 0; i < n; i++) {
			int16_t v = (int16_t)((int8_t)terms[0][i] + (int8_t)terms[1][i]);

			v = v < low ? low : v;
			y[i] = (uint8_t)(v > high ? high : v);
		}
	else
		for (i = 0; i < n; i++) {
			int16_t v = (int16_t)(terms[0][i] + terms[1][i]);

			v = v < low ? low : v;
			y[i] = (uint8_t)(v > high ? high : v);
		}
}

static __attribute__((unused)) void bytes(const struct xqk_bytes *s, const uint8_t *a, const uint8_t *b, size_t n,
					  uint8_t *y)
{
	size_t i, part;

	for (i = 0; i < n; i += part) {
		part = n - i < XQK_ELEMENTS_MOST ? n - i : XQK_ELEMENTS_MOST;
		few_bytes(s, a + i, b + i, part, y + i);
	}
}

/* Differences fit in 16 bits, see XQ_MAX_ZERO_POINT. */
static void product(const uint8_t *restrict a, const uint8_t *restrict b, size_t n, const uint8_t flip[2],
		    const int32_t zero_point[2], int32_t *restrict v)
{
	const uint8_t flip_a = flip[0], flip_b = flip[1];
	const int16_t za = (int16_t)zero_point[0], zb = (int16_t)zero_point[1];
	size_t i;

	for (i = 0; i < n; i++)
		v[i] = (int16_t)((a[i] ^ flip_a) - za) * (int16_t)((b[i] ^ flip_b) - zb);
}

static __attribute__((unused)) void near(const int32_t a[256], const int32_t b[256], int32_t shift,
					 uint32_t distance, bool close[256])
{
	const uint32_t mask = (1U << shift) - 1, far = mask + 1 - 2 * distance;
	size_t i, j;

	for (i = 0; i < 256; i++) {
		const uint32_t from = (uint32_t)a[i] - distance;
		uint32_t any = 0;

		for (j = 0; j < 256; j++)
			any |= ((from + (uint32_t)b[j]) & mask) > far;
		close[i] = any;
	}
}

#endif
