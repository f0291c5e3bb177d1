/* SPDX-License-Identifier: MIT */
/*
 * Loops on real scales in plain C, included by each instruction set, so that the compiler
 * vectorizes one source for every instruction set. fmaf() rounds once wherever it runs; where
 * there is no instruction for it, it is slow.
 */
#ifndef XQK_GROUPS_TEMPLATE_H
#define XQK_GROUPS_TEMPLATE_H

#include <math.h>
#include <string.h>

#include "product/micro_kernels.h"

static inline float float_of(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline uint32_t bits_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* Exact: exponent and fraction moved in place, then 2^112 makes up for the other bias. */
static inline float widen_f16(uint16_t half)
{
	const uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
	const uint32_t moved = magnitude << 13;
	const uint32_t finite = bits_of(float_of(moved) * 0x1p112f);

	return float_of(sign | (magnitude >= 0x7c00 ? moved | 0x7f800000 : finite));
}

static inline float widen_e8m0(uint8_t code)
{
	const uint32_t normal = (uint32_t)code << 23;

	/* 2^-127 is denormal; 255 is infinity's exponent, and a NaN with any fraction. */
	return float_of(code == 0 ? 0x00400000 : code == 255 ? 0x7fc00000 : normal);
}

static void widen_reals(float *restrict dst, const uint8_t *restrict src, size_t n, uint32_t format)
{
	size_t i;

	switch (format) {
	case XQACCEL_FMT_F16:
		for (i = 0; i < n; i++) {
			uint16_t half;

			memcpy(&half, src + 2 * i, 2);
			dst[i] = widen_f16(half);
		}
		break;
	case XQACCEL_FMT_BF16:
		for (i = 0; i < n; i++) {
			uint16_t half;

			memcpy(&half, src + 2 * i, 2);
			dst[i] = float_of((uint32_t)half << 16);
		}
		break;
	case XQACCEL_FMT_E8M0:
		for (i = 0; i < n; i++)
			dst[i] = widen_e8m0(src[i]);
		break;
	case XQACCEL_FMT_U8:
		for (i = 0; i < n; i++)
			dst[i] = src[i];
		break;
	case XQACCEL_FMT_S8:
		for (i = 0; i < n; i++)
			dst[i] = (int8_t)src[i];
		break;
	default:
		memcpy(dst, src, 4 * n);
		break;
	}
}

static void place_reals(float *restrict to, size_t pitch, const float *restrict reals, const float *restrict by,
			size_t count)
{
	size_t i, lane;

	for (i = 0; i < count; i++, to += pitch, reals += XQK_LANES) {
		if (!by) {
			memcpy(to, reals, XQK_LANES * sizeof(*to));
			continue;
		}
		for (lane = 0; lane < XQK_LANES; lane++)
			to[lane] = reals[lane] * by[lane];
	}
}

static inline void fold_real_row(const int32_t *restrict group, float *restrict sum,
				 const float *restrict b_scale, const float *restrict b_min,
				 float a_scale, float a_min, unsigned int columns)
{
	unsigned int n;

	for (n = 0; n < columns; n++)
		sum[n] = fmaf((float)group[n], a_scale * b_scale[n], sum[n]);
	if (b_min)
		for (n = 0; n < columns; n++)
			sum[n] = fmaf(-a_min, b_min[n], sum[n]);
}

static void fold_reals(const int32_t *group, const struct xqk_real_groups *real, unsigned int rows,
		       unsigned int strips)
{
	unsigned int r;

	for (r = 0; r < rows; r++)
		fold_real_row(group + r * XQK_COLUMNS, real->sum + r * XQK_COLUMNS, real->b_scale,
			      real->b_min, real->a_scale[r], real->b_min ? real->a_min[r] : 0,
			      strips * XQK_LANES);
}

static inline void fold_minima_row(const struct xqk_summed_minima *m, unsigned int row, unsigned int columns)
{
	const uint32_t *restrict minimum = (const uint32_t *)m->minimum;
	float *restrict sum = m->sum + row * XQK_COLUMNS;
	const float a_scale = m->a_scale[row];
	uint32_t all[XQK_COLUMNS] = { 0 };
	unsigned int n;
	uint32_t g;

	for (g = 0; g < m->count; g++, minimum += XQK_COLUMNS) {
		const uint32_t of_row = (uint32_t)m->row_sum[g * m->row_pitch + row];

		for (n = 0; n < columns; n++)
			all[n] += minimum[n] * of_row;
	}
	for (n = 0; n < columns; n++)
		sum[n] = fmaf(-((float)(int32_t)all[n] * a_scale), m->b_min[n], sum[n]);
}

static void fold_summed_minima(const struct xqk_summed_minima *m, unsigned int rows, unsigned int strips)
{
	unsigned int r;

	for (r = 0; r < rows; r++)
		fold_minima_row(m, r, strips * XQK_LANES);
}

static void finish_reals(float *values, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const uint32_t bits = bits_of(values[i]);

		values[i] = float_of((bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits);
	}
}

#define XQK_REAL_KERNELS {								\
	.widen = widen_reals, .place = place_reals, .fold = fold_reals,			\
	.fold_minima = fold_summed_minima, .finish = finish_reals			\
}

#endif
