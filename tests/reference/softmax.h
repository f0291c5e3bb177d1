/* SPDX-License-Identifier: MIT */
/*
 * Softmax in fixed point as Documentation/hardware.rst specifies it, step by step.
 */
#ifndef REFERENCE_SOFTMAX_H
#define REFERENCE_SOFTMAX_H

#include "numbers.h"

/* floor((a * b + 2^30) / 2^31) */
static inline int32_t ref_mul31(int64_t a, int64_t b)
{
	return (int32_t)ref_sat32(ref_floor_div((ref_wide)a * b + ((ref_wide)1 << 30), (ref_wide)1 << 31));
}

/* exp(a / 2^26) * 2^31 for a <= 0 */
static inline int32_t ref_exp(int32_t a)
{
	static const struct {
		int64_t bit;
		int32_t factor;
	} factors[] = {
		{ 1 << 24, 1672461947 }, { 1 << 25, 1302514674 }, { 1 << 26, 790015084 },
		{ 1 << 27, 290630308 }, { 1 << 28, 39332535 }, { 1 << 29, 720401 }, { 1LL << 30, 242 },
	};
	int64_t low, rest, x, x2, x3, x4, e;

	if (!a)
		return INT32_MAX;
	/* a = low - rest with low in [-1/4, 0) and rest a multiple of 1/4. */
	low = (int64_t)ref_floor_div(a, 1 << 24) * -(1 << 24) + a - (1 << 24);
	rest = low - a;
	x = low * 32 + (1 << 28);
	x2 = ref_mul31(x, x);
	x3 = ref_mul31(x2, x);
	x4 = ref_mul31(x2, x2);
	e = ref_mul31((int64_t)ref_div_away(x4, 4) + x3, 715827883) + x2;
	e = (int64_t)ref_div_away(e, 2);
	e = 1895147668 + (int64_t)ref_mul31(1895147668, x + e);
	for (unsigned int i = 0; i < 7; i++)
		if (rest & factors[i].bit)
			e = ref_mul31(e, factors[i].factor);
	return (int32_t)e;
}

static inline void ref_softmax_row(const struct xqaccel_softmax *s, const uint8_t *x, uint8_t *y)
{
	int most = -128, over = 0;
	uint64_t sum = 0;
	int64_t r = 0;

	for (uint32_t i = 0; i < s->columns; i++)
		most = (int8_t)x[i] > most ? (int8_t)x[i] : most;
#define REF_EXP(i) ref_exp((int32_t)ref_sat32(ref_floor_div( \
	(ref_wide)((int8_t)x[i] - most) * ((ref_wide)1 << s->shift) * s->multiplier + (1 << 30), (ref_wide)1 << 31)))
	for (uint32_t i = 0; i < s->columns; i++)
		if ((int8_t)x[i] - most >= s->diff_min)
			sum += (uint64_t)ref_div_away(REF_EXP(i), 4096);
	/* sum / 2^19 = 2^over * (1 + fraction) */
	while (sum >> (over + 20))
		over++;
	if (over < 12) {
		const int64_t fraction = (int64_t)(sum << (12 - over)) - ((int64_t)1 << 31);
		const int64_t half = (fraction + ((int64_t)1 << 31)) / 2;

		r = 1515870810 + (int64_t)ref_mul31(half, -1010580540);
		for (int step = 0; step < 3; step++)
			r += (int64_t)ref_sat32((ref_wide)4 * ref_mul31(r, (1 << 29) - (int64_t)ref_mul31(half, r)));
		r = (int64_t)ref_sat32((ref_wide)2 * r);
	}
	for (uint32_t i = 0; i < s->columns; i++) {
		int64_t v = 0;

		if ((int8_t)x[i] - most >= s->diff_min && over + 23 <= 31)
			v = (int64_t)ref_div_away(ref_mul31(r, REF_EXP(i)), (ref_wide)1 << (over + 23));
		y[i] = (uint8_t)(v > 255 ? 127 : v - 128);
	}
#undef REF_EXP
}

#endif
