/* SPDX-License-Identifier: MIT */
/* The exponential function in loops that compilers make vectors of. */
#ifndef XQG_EXPONENTIAL_H
#define XQG_EXPONENTIAL_H

#include <stdint.h>

#include "libxqaccel/src/numerics/round.h"

/*
 * e^x for x <= 0, as 2^whole * e^part with |part| <= log(2) / 2, of which the series is taken to
 * the seventh power. The product by log(2) is subtracted in two pieces, the first of which is
 * exact. The relative error is below 2e-7 (two roundings of a float); 0 for less than -87,
 * -infinity among it. Without a branch.
 */
static inline float xqg_exp(float x)
{
	union {
		uint32_t bits;
		float value;
	} scale;
	const float bound = x < -87 ? -87 : x;
	const float whole = (bound * 1.44269504f + XQ_ROUND_MAGIC) - XQ_ROUND_MAGIC;
	const float part = (bound - whole * 0.693145752f) - whole * 1.42860677e-6f;
	const float series = 1 + part * (1 + part * (1 / 2.f + part * (1 / 6.f + part * (1 / 24.f +
		part * (1 / 120.f + part * (1 / 720.f + part * (1 / 5040.f)))))));

	scale.bits = (uint32_t)((int32_t)whole + 127) << 23;
	return x < -87 ? 0 : series * scale.value;
}

#endif
