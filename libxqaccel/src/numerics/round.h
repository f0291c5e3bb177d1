/* SPDX-License-Identifier: MIT */
/*
 * Rounding of float32 values to integers: the one place that says how. Internal.
 *
 * The values have been clamped to |v| <= 2^18 before, by integral bounds, so that clamping
 * before rounding gives what clamping after it would.
 */
#ifndef XQ_NUMERICS_ROUND_H
#define XQ_NUMERICS_ROUND_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* The largest float below one half: v + this truncates to the nearest integer, halves away. */
#define XQ_BELOW_HALF	0x1.fffffep-2f

/* Adding and subtracting this rounds to an integer, halves to even, for |v| < 2^22. */
#define XQ_ROUND_MAGIC	12582912.0f

static inline int32_t xq_round_nearest(float v)
{
	return (int32_t)(v + copysignf(XQ_BELOW_HALF, v));
}

static inline int32_t xq_round_even(float v)
{
	return (int32_t)((v + XQ_ROUND_MAGIC) - XQ_ROUND_MAGIC);
}

/* Up if the fraction exceeds random24 / 2^24, so that integers never move. */
static inline int32_t xq_round_stochastic(float v, uint32_t random24)
{
	float down = floorf(v);

	return (int32_t)down + ((v - down) * 16777216.0f > (float)random24);
}

static inline float xq_clampf(float v, float low, float high)
{
	v = v > low ? v : low;
	return v < high ? v : high;
}

static inline int xq_is_finite(float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return (bits & 0x7f800000) != 0x7f800000;
}

#endif
