/* SPDX-License-Identifier: MIT */
/*
 * What a step costs: the inner loop of the search for the least squared error. Internal.
 *
 * Written once in the compiler's vector types and included by each instruction set's file. Sums
 * are kept in eight lanes and added up in one order, so that all give the same bits.
 */
#ifndef XQ_NUMERICS_ERROR_SPAN_H
#define XQ_NUMERICS_ERROR_SPAN_H

#include <string.h>

#include "quantize_kernels.h"
#include "round.h"

#define XQ_LANES 8

typedef float xq_lanes __attribute__((vector_size(4 * XQ_LANES)));
typedef int32_t xq_lane_mask __attribute__((vector_size(4 * XQ_LANES)));
typedef double xq_wide __attribute__((vector_size(8 * XQ_LANES)));
typedef int64_t xq_wide_mask __attribute__((vector_size(8 * XQ_LANES)));

#define XQ_PICK(mask, yes, no) ((xq_lanes)(((mask) & (xq_lane_mask)(yes)) | (~(mask) & (xq_lane_mask)(no))))

#define XQ_SUM(v) (((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7])))

struct error_sums {
	xq_wide error, clipped, slope, curve;
};

/* Which way halves go makes no difference to the error. Pointers: vectors as arguments need an ABI. */
static inline __attribute__((always_inline))
void error_step(const xq_lanes *v, const xq_lanes *weight, float scale, float low, float high,
		struct error_sums *sums)
{
	const xq_lanes zero = { 0 }, least = zero + low, most = zero + high;
	xq_lanes ratio = *v / scale, code;
	xq_lane_mask under = ratio < least, over = ratio > most;
	xq_wide off, wide, cost, share;

	code = XQ_PICK(under, least, XQ_PICK(over, most, ratio));
	code = (code + XQ_ROUND_MAGIC) - XQ_ROUND_MAGIC;
	off = __builtin_convertvector(*v, xq_wide) - __builtin_convertvector(code * scale, xq_wide);
	wide = __builtin_convertvector(code, xq_wide);
	cost = off * off;
	if (weight) {
		share = __builtin_convertvector(*weight, xq_wide);
		cost *= share;
		wide *= share;
		sums->curve += wide * __builtin_convertvector(code, xq_wide);
	} else {
		sums->curve += wide * wide;
	}
	sums->slope += wide * off;
	sums->error += cost;
	sums->clipped += (xq_wide)(__builtin_convertvector(under | over, xq_wide_mask) & (xq_wide_mask)cost);
}

/* The last few elements are filled up with zeros, which cost nothing. */
static inline __attribute__((always_inline))
void error_body(const float *x, const float *weight, size_t n, float scale, int32_t low, int32_t high,
		struct xq_span_error *out)
{
	size_t whole = n - n % XQ_LANES, rest = n - whole;
	struct error_sums sums = { 0 };
	xq_lanes v, w;

	for (size_t i = 0; i < whole; i += XQ_LANES) {
		memcpy(&v, x + i, sizeof(v));
		if (weight)
			memcpy(&w, weight + i, sizeof(w));
		error_step(&v, weight ? &w : NULL, scale, (float)low, (float)high, &sums);
	}
	if (rest) {
		v = w = (xq_lanes){ 0 };
		memcpy(&v, x + whole, rest * sizeof(*x));
		if (weight)
			memcpy(&w, weight + whole, rest * sizeof(*x));
		error_step(&v, weight ? &w : NULL, scale, (float)low, (float)high, &sums);
	}
	out->error = XQ_SUM(sums.error);
	out->clipped = XQ_SUM(sums.clipped);
	out->slope = XQ_SUM(sums.slope);
	out->curve = XQ_SUM(sums.curve);
}

static void error_span(const float *x, const float *weight, size_t n, float scale, int32_t low,
		       int32_t high, struct xq_span_error *out)
{
	if (weight)
		error_body(x, weight, n, scale, low, high, out);
	else
		error_body(x, NULL, n, scale, low, high, out);
}

#endif
