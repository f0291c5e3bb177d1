/* SPDX-License-Identifier: MIT */
/*
 * The inner loops of quantization, one table for each instruction set. Internal.
 *
 * All tables give the same bits; the tests compare them.
 */
#ifndef XQ_NUMERICS_QUANTIZE_KERNELS_H
#define XQ_NUMERICS_QUANTIZE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/**
 * typedef xq_quantize_span - q[i] = clamp(round(x[i] / scale) + zp) for n elements
 * @scale, @zp: one of each, or one per element, as the table's index says
 * @low, @high: smallest and largest code
 * @q: n bytes or n 16-bit words (the low bits of the code, so that signedness doesn't matter)
 *
 * Return: n, or the index of the first x that is not finite (q is then undefined).
 */
typedef size_t (*xq_quantize_span)(const float *x, size_t n, const float *scale, const int32_t *zp,
				   int32_t low, int32_t high, void *q);

/**
 * typedef xq_range_span - widen [range[0], range[1]] by n elements
 *
 * Return: n, or the index of the first x that is not finite.
 */
typedef size_t (*xq_range_span)(const float *x, size_t n, float range[2]);

/**
 * struct xq_span_error - what quantizing some elements with a scale costs
 * @error: sum of weight * (x - code * scale)^2, with codes and products as xq_quantize() and
 *	xq_dequantize() make them
 * @clipped: the part of it that comes from elements beyond the outermost codes
 * @slope, @curve: sums of weight * code * (x - code * scale) and of weight * code^2. For these
 *	codes scale + slope / curve is best, and its error is lower by slope^2 / curve
 */
struct xq_span_error {
	double error, clipped, slope, curve;
};

/**
 * typedef xq_error_span - the cost of a scale; sums are in double, in a fixed order
 * @weight: how often each element counts, NULL means once
 * @low, @high: codes less the zero point, low <= 0 <= high
 */
typedef void (*xq_error_span)(const float *x, const float *weight, size_t n, float scale, int32_t low,
			      int32_t high, struct xq_span_error *out);

enum { XQ_SPAN_ONE_SCALE, XQ_SPAN_SCALE_EACH };		/* first index */
enum { XQ_SPAN_NEAREST, XQ_SPAN_EVEN };			/* second index */
enum { XQ_SPAN_8BIT, XQ_SPAN_16BIT };			/* third index */

struct xq_quantize_kernels {
	const char *name;
	xq_quantize_span quantize[2][2][2];
	xq_range_span range;
	xq_error_span error;
};

extern const struct xq_quantize_kernels xq_quantize_kernels_c;
#if defined(__x86_64__)
extern const struct xq_quantize_kernels xq_quantize_kernels_avx2;
extern const struct xq_quantize_kernels xq_quantize_kernels_avx512;
#endif

/* The tables that this processor can run, best last; returns how many there are. */
size_t xq_quantize_kernels_list(const struct xq_quantize_kernels *list[3]);

/* The best table for this processor. */
const struct xq_quantize_kernels *xq_quantize_kernels_best(void);

/* First element that is not finite, else n. */
size_t xq_first_not_finite(const float *x, size_t n);

/* Defines the eight functions and the table from span_body(), which must be always_inline. */
#define XQ_SPAN_DEFINE(suffix, attributes, each, even, wide)					\
	static attributes size_t span_##suffix(const float *x, size_t n, const float *scale,	\
					       const int32_t *zp, int32_t low, int32_t high,	\
					       void *q)						\
	{											\
		return span_body(x, n, scale, zp, low, high, q, each, even, wide);		\
	}

#define XQ_SPAN_DEFINE_ALL(attributes)				\
	XQ_SPAN_DEFINE(one_nearest_8, attributes, 0, 0, 0)	\
	XQ_SPAN_DEFINE(one_nearest_16, attributes, 0, 0, 1)	\
	XQ_SPAN_DEFINE(one_even_8, attributes, 0, 1, 0)		\
	XQ_SPAN_DEFINE(one_even_16, attributes, 0, 1, 1)	\
	XQ_SPAN_DEFINE(each_nearest_8, attributes, 1, 0, 0)	\
	XQ_SPAN_DEFINE(each_nearest_16, attributes, 1, 0, 1)	\
	XQ_SPAN_DEFINE(each_even_8, attributes, 1, 1, 0)	\
	XQ_SPAN_DEFINE(each_even_16, attributes, 1, 1, 1)

#define XQ_SPAN_TABLE						\
	{							\
		{ { span_one_nearest_8, span_one_nearest_16 },	\
		  { span_one_even_8, span_one_even_16 } },	\
		{ { span_each_nearest_8, span_each_nearest_16 },\
		  { span_each_even_8, span_each_even_16 } },	\
	}

#endif
