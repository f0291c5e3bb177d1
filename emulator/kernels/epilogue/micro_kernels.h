/* SPDX-License-Identifier: MIT */
/*
 * The inner loops of epilogues, one table for each instruction set, all with the same bits.
 * driver/xq_operators.h says what they compute. The library's xq_requantize() runs them, too.
 */
#ifndef XQK_EPILOGUE_MICRO_KERNELS_H
#define XQK_EPILOGUE_MICRO_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xq_operators.h"

/*
 * What the loops are made for besides the profiles: TFLITE where no shift is to the left, all are
 * at least 1 to the right, M is not negative and the zero point small, as nearly always.
 */
enum { XQK_TFLITE_PLAIN = XQ_PROFILES, XQK_REQUANT_KINDS };

/* Elements past the last column that the arrays of lanes have. */
#define XQK_LANES_PAST		16

/**
 * struct xqk_lanes - parameters as the loops want them
 * @kind: enum xq_profile or XQK_TFLITE_PLAIN
 * @each: whether an array has an element per column, else it has one
 *
 * The TFLite profiles: t = saturate32((acc * multiplier + 2^(shift - 1)) >> shift), then
 * rounded by 2^right with halves away from zero, then clamped to [low, high], then + zero_point.
 * With N <= 0, double rounding has shift = 31 and right = -N. With N > 0 the exact product by
 * 2^N is contracted into shift = 31 - N. Single rounding has shift = 31 - N and right = 0.
 *
 * Floor shift: t = (acc * multiplier + add) >> shift, clamped to [low64, high64], + zero_point.
 */
struct xqk_lanes {
	unsigned int kind;
	bool each;
	const int32_t *bias;
	const float *scale;
	const int32_t *multiplier, *shift, *right;
	const int64_t *add;
	int32_t low, high;		/* of t, for TFLite */
	int64_t low64, high64;		/* of t, for floor shift */
	int32_t low_y, high_y;		/* of y */
	int32_t zero_point;
};

/**
 * struct xqk_requant - the numbers and arrays of a requantization, in host memory
 * @profile: @zero_point: as in struct xq_epilogue
 * @least: @greatest: bounds of results, by xq_clamp_range()
 * @params: elements of multiplier, shift, add and scale: 1, or one per column
 * @bias: one per column, or NULL
 * @add: or NULL
 */
struct xqk_requant {
	unsigned int profile;
	int32_t zero_point, least, greatest;
	uint64_t params;
	const int32_t *bias, *multiplier, *shift;
	const int64_t *add;
	const float *scale;
};

/** xqk_lanes_bytes() - memory for the lanes of so many columns, 64-byte aligned */
size_t xqk_lanes_bytes(size_t columns);

/**
 * xqk_lanes_fill() - the lanes of a run of columns
 * @column: array of what columns these are, [columns]; NULL: from @first on
 * @memory: holds them; of xqk_lanes_bytes(columns)
 *
 * If all columns have the same parameters there is one lane, and @lanes->each is false.
 */
void xqk_lanes_fill(const struct xqk_requant *rq, const size_t *column, uint64_t first,
		    size_t columns, void *memory, struct xqk_lanes *lanes);

/* The lanes from a column on. */
static inline struct xqk_lanes xqk_lanes_at(const struct xqk_lanes *p, size_t i)
{
	struct xqk_lanes at = *p;

	if (!p->each)
		return at;
	at.bias += i;
	at.scale += i;
	at.multiplier += i;
	at.shift += i;
	at.right += i;
	at.add += i;
	return at;
}

/**
 * Rows of n accumulators, acc_stride elements apart; out[r] gets n bytes or n 16-bit words (the low
 * bits, so signedness doesn't matter).
 */
typedef void xqk_requant_fn(const int32_t *acc, size_t acc_stride, size_t rows, size_t n,
			    const struct xqk_lanes *p, uint8_t *const *out);

/*
 * Requantization to bytes where no accumulator plus its bias is beyond a bound, and none of what
 * comes after leaves 32 bits, as in nearly all networks: 9 vector operations for 16 columns.
 *
 * With P = acc * M and r = -N at least 1, TFLITE's two roundings are one floor,
 *
 *	t = floor((P + 2^30) / 2^31), y = floor((t + 2^(r - 1) - [t < 0]) / 2^r) =
 *	floor((P + 2^30 + 2^(30 + r) - [t < 0] 2^31) / 2^(31 + r))
 *
 * and [t < 0] may be [acc < 0]: they differ if -2^30 <= P < 0, where y is 0 with either. u = acc + 2^31
 * is unsigned, so 2 P is 2 M u less a constant, the sum's upper 32 bits are t and what is added to it,
 * and the highest bit of u is 1 - [acc < 0].
 *
 * ONNX's product has at most 53 bits, so it is exact in f64, and a fused operation rounds it to
 * an integer by adding 1.5 * 2^52, whose lower half is the result. The same goes for f32 and 1.5 * 2^23
 * where sums are at most 2^24, and so exact in f32, and results less than 2^22.
 */
#define XQK_BOUNDED_PAST	64	/* elements past the last column that the arrays have */

/**
 * struct xqk_bounded - parameters
 * @bias: bias, for TFLITE plus 2^31
 * @factor: TFLITE: 2 M, unsigned
 * @upper: TFLITE: what is added to the upper 32 bits of 2 M u, of which the lower ones get 2^31
 * @right: TFLITE: r
 * @scale: @single_scale: ONNX, in f64 or in f32 if @single is set
 * @zero_point: ONNX, TFLITE has it in @upper
 * @low, @high: bounds
 */
struct xqk_bounded {
	int32_t *bias;
	uint32_t *factor;
	int32_t *upper, *right;
	double *scale;
	float *single_scale;
	bool single;
	int32_t zero_point, low, high;
};

/**
 * struct xqk_bounded_kernel - a profile's loops
 * @fill: parameters of n columns from those of @rq from column 0 on, rq->params being 1 or n; false if they
 *	do not fit, given the greatest magnitude of accumulators
 * @run: rows of n accumulators, acc_stride elements apart. If they are biased, 64 bytes past each row can be
 *	read
 */
struct xqk_bounded_kernel {
	bool (*fill)(struct xqk_bounded *p, const struct xqk_requant *rq, size_t n, uint64_t most);
	void (*run)(const int32_t *acc, size_t acc_stride, size_t rows, size_t n, const struct xqk_bounded *p,
		    bool biased, uint8_t *const *out);
};

enum { XQK_LANES_ONE, XQK_LANES_EACH };			/* second index */
enum { XQK_REQUANT_8BIT, XQK_REQUANT_16BIT };		/* third index */

typedef xqk_requant_fn *xqk_requant_table[XQK_REQUANT_KINDS][2][2];

/**
 * struct xqk_steps - thresholds of columns, as the loop wants them
 * @threshold: [count][pitch]
 * @start, @flip: y = start + ((reached ^ flip) - flip), flip is 0 or -1
 * @low, @high: bounds of y
 */
struct xqk_steps {
	const int32_t *threshold;
	size_t pitch;
	uint32_t count;
	const int32_t *bias, *start, *flip;
	int32_t low, high;
};

/**
 * struct xqk_reals - factors of columns; one that is absent is an array of 1.0, an absent
 *	float bias one of -0.0, neither of which changes anything
 */
struct xqk_reals {
	const int32_t *bias;
	const float *scale, *float_bias;
};

/**
 * struct xqk_epilogue_kernels - an instruction set's loops
 * @requant: by kind, whether there is a lane per column, and whether results have 16 bits
 * @bounded: by profile, optional
 * @steps: n columns of a row of thresholds; at most 512
 * @reals: n columns of a row to floats at any byte
 * @lookup: bytes to table[byte] in their place
 * @pack: n bytes to elements of so many bits from the lowest bit of *dst on; a bit is 1 if the
 *	byte is not negative
 */
struct xqk_epilogue_kernels {
	xqk_requant_table requant;
	struct xqk_bounded_kernel bounded[XQ_PROFILES];
	void (*steps)(const int32_t *acc, size_t n, const struct xqk_steps *steps, void *out, bool wide);
	void (*reals)(const int32_t *acc, size_t n, const struct xqk_reals *reals, float row_scale, void *out);
	void (*lookup)(uint8_t *bytes, size_t n, const uint8_t *table);
	void (*pack)(uint8_t *dst, const uint8_t *src, size_t n, unsigned int bits);
};

extern const struct xqk_epilogue_kernels xqk_epilogue_scalar;
extern const struct xqk_epilogue_kernels xqk_epilogue_avx2;
extern const struct xqk_epilogue_kernels xqk_epilogue_avx512;
extern const struct xqk_epilogue_kernels xqk_epilogue_neon;

#define XQK_STEPS_MOST	512

/* Defines the functions and the table from rows_body(), which must be always_inline. */
#define XQK_REQUANT_DEFINE(kind, each, wide)							\
	static void rows_##kind##_##each##_##wide(const int32_t *acc, size_t acc_stride, size_t rows, \
						  size_t n, const struct xqk_lanes *p,		\
						  uint8_t *const *out)				\
	{											\
		rows_body(acc, acc_stride, rows, n, p, out, kind, each, wide);			\
	}
#define XQK_REQUANT_DEFINE_KIND(kind)								\
	XQK_REQUANT_DEFINE(kind, 0, 0)								\
	XQK_REQUANT_DEFINE(kind, 0, 1)								\
	XQK_REQUANT_DEFINE(kind, 1, 0)								\
	XQK_REQUANT_DEFINE(kind, 1, 1)
#define XQK_REQUANT_ROW(kind)									\
	{ { rows_##kind##_0_0, rows_##kind##_0_1 }, { rows_##kind##_1_0, rows_##kind##_1_1 } }

#define XQK_REQUANT_DEFINE_ALL									\
	XQK_REQUANT_DEFINE_KIND(XQ_PROFILE_ONNX)						\
	XQK_REQUANT_DEFINE_KIND(XQ_PROFILE_TFLITE)						\
	XQK_REQUANT_DEFINE_KIND(XQ_PROFILE_TFLITE_SINGLE)					\
	XQK_REQUANT_DEFINE_KIND(XQ_PROFILE_FLOOR_SHIFT)						\
	XQK_REQUANT_DEFINE_KIND(XQK_TFLITE_PLAIN)
#define XQK_REQUANT_TABLE {									\
	[XQ_PROFILE_ONNX] = XQK_REQUANT_ROW(XQ_PROFILE_ONNX),					\
	[XQ_PROFILE_TFLITE] = XQK_REQUANT_ROW(XQ_PROFILE_TFLITE),				\
	[XQ_PROFILE_TFLITE_SINGLE] = XQK_REQUANT_ROW(XQ_PROFILE_TFLITE_SINGLE),			\
	[XQ_PROFILE_FLOOR_SHIFT] = XQK_REQUANT_ROW(XQ_PROFILE_FLOOR_SHIFT),			\
	[XQK_TFLITE_PLAIN] = XQK_REQUANT_ROW(XQK_TFLITE_PLAIN) }

#endif
