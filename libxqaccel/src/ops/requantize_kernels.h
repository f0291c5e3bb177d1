/* SPDX-License-Identifier: MIT */
/*
 * The inner loops of requantization, one table for each instruction set. Internal.
 *
 * All tables give the same bits; the tests compare them.
 */
#ifndef XQ_OPS_REQUANTIZE_KERNELS_H
#define XQ_OPS_REQUANTIZE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include <xqaccel/requantize.h>

#define XQ_REQUANT_PROFILES	4

/*
 * Parameters as the loops want them: one of each, or one per element, as the table's index says.
 *
 * The TFLite profiles: t = saturate32((acc * multiplier + 2^(shift - 1)) >> shift), then
 * rounded by 2^right with halves away from zero, then clamped to [low, high], then + zero_point.
 * With N <= 0, double rounding has shift = 31 and right = -N. With N > 0 the exact product by
 * 2^N is contracted into shift = 31 - N. Single rounding has shift = 31 - N and right = 0.
 *
 * Floor shift: t = (acc * multiplier + add) >> shift, clamped to [low64, high64], + zero_point.
 */
struct xq_requant_lanes {
	const int32_t *bias;
	const float *scale;
	const int32_t *multiplier, *shift, *right;
	const int64_t *add;
	int32_t low, high;		/* of t, for TFLite */
	int64_t low64, high64;		/* of t, for floor shift */
	double low_y, high_y;		/* of y, for ONNX */
	int32_t zero_point;
};

/* n elements; out has n bytes or n 16-bit words (the low bits, so signedness doesn't matter). */
typedef void (*xq_requant_span)(const int32_t *acc, size_t n, const struct xq_requant_lanes *p,
				void *out);

enum { XQ_LANES_ONE, XQ_LANES_EACH };			/* second index */
enum { XQ_REQUANT_8BIT, XQ_REQUANT_16BIT };		/* third index */

struct xq_requant_kernels {
	const char *name;
	xq_requant_span span[XQ_REQUANT_PROFILES][2][2];
};

extern const struct xq_requant_kernels xq_requant_kernels_c;
#if defined(__x86_64__)
extern const struct xq_requant_kernels xq_requant_kernels_avx2;
extern const struct xq_requant_kernels xq_requant_kernels_avx512;
#endif

/* The tables that this processor can run, best last; returns how many there are. */
size_t xq_requant_kernels_list(const struct xq_requant_kernels *list[3]);

/* xq_requantize() by one table and so many threads. */
int xq_requantize_with(const struct xq_requant_kernels *kernels, const int32_t *acc,
		       const struct xq_channels *shape, const int32_t *bias,
		       const struct xq_requant *rq, void *out);

/* The lanes from an element on. */
static inline struct xq_requant_lanes xq_requant_lanes_at(const struct xq_requant_lanes *p, size_t i)
{
	struct xq_requant_lanes at = *p;

	at.bias += i;
	at.scale += i;
	at.multiplier += i;
	at.shift += i;
	at.right += i;
	at.add += i;
	return at;
}

/* Defines the sixteen functions and the table from span_body(), which must be always_inline. */
#define XQ_REQUANT_DEFINE(attributes, profile, each, wide)					\
	static attributes void span_##profile##_##each##_##wide(const int32_t *acc, size_t n,	\
								const struct xq_requant_lanes *p, \
								void *out)			\
	{											\
		span_body(acc, n, p, out, XQ_REQUANT_##profile, each, wide);			\
	}
#define XQ_REQUANT_DEFINE_PROFILE(attributes, profile)						\
	XQ_REQUANT_DEFINE(attributes, profile, 0, 0)						\
	XQ_REQUANT_DEFINE(attributes, profile, 0, 1)						\
	XQ_REQUANT_DEFINE(attributes, profile, 1, 0)						\
	XQ_REQUANT_DEFINE(attributes, profile, 1, 1)
#define XQ_REQUANT_DEFINE_ALL(attributes)							\
	XQ_REQUANT_DEFINE_PROFILE(attributes, ONNX)						\
	XQ_REQUANT_DEFINE_PROFILE(attributes, TFLITE)						\
	XQ_REQUANT_DEFINE_PROFILE(attributes, TFLITE_SINGLE)					\
	XQ_REQUANT_DEFINE_PROFILE(attributes, FLOOR_SHIFT)
#define XQ_REQUANT_ROW(profile)									\
	[XQ_REQUANT_##profile] = { { span_##profile##_0_0, span_##profile##_0_1 },		\
				   { span_##profile##_1_0, span_##profile##_1_1 } }
#define XQ_REQUANT_TABLE									\
	{ XQ_REQUANT_ROW(ONNX), XQ_REQUANT_ROW(TFLITE), XQ_REQUANT_ROW(TFLITE_SINGLE),		\
	  XQ_REQUANT_ROW(FLOOR_SHIFT) }

#endif
