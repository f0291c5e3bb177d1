/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Operators besides products: their numbers, and whether they make sense. Like xq_geometry.h it
 * is what the driver, the device and the library check by, so that they cannot disagree. Plain
 * integer arithmetic, for kernel and user space.
 *
 * What an operator computes is said at its struct; the arrays that it reads besides its tensors
 * are named in an enum. Numbers in those arrays are checked by nobody: what they may not be has
 * a meaning of its own, so that every device gives the same result.
 */
#ifndef XQ_OPERATORS_H
#define XQ_OPERATORS_H

#include "xq_geometry.h"

/*
 * Requantization of acc, an int32. M, N, A, m are the parameters of a column; "/" is exact:
 *
 *	ONNX		t = round_half_even((f64)acc * m), m in f32
 *	TFLITE		t = sat32(floor((acc * 2^max(N, 0) * M + 2^30) / 2^31)), then
 *			t / 2^max(-N, 0) to nearest, halves away from zero
 *	TFLITE_SINGLE	t = sat32(floor((acc * M + 2^(30 - N)) / 2^(31 - N)))
 *	FLOOR_SHIFT	t = floor((acc * M + A) / 2^N), the sum wraps in 64 bits
 *
 * Then the zero point is added and the result clamped to [act_min, act_max] and to its format.
 * N is -31 to 30, for FLOOR_SHIFT 0 to 63; beyond that it counts as the nearer end. An m
 * that is not finite counts as 0.
 */
enum xq_profile {
	XQ_PROFILE_ONNX,
	XQ_PROFILE_TFLITE,
	XQ_PROFILE_TFLITE_SINGLE,
	XQ_PROFILE_FLOOR_SHIFT,
	XQ_PROFILES
};

/*
 * REQUANT	y = requantized acc, then looked up in a table if index_format is not NONE
 * THRESHOLDS	y = zero_point + how many of the column's thresholds acc reaches (acc >= t); in a
 *		column that decreases, how many it does not reach
 * FLOAT	y = ((f32)acc * row scale) * column scale + float bias, each step rounded to f32;
 *		what is absent is left out
 *
 * In all of them acc is the accumulator plus the integer bias, modulo 2^32.
 */
enum xq_epilogue_kind {
	XQ_EPILOGUE_REQUANT,
	XQ_EPILOGUE_THRESHOLDS,
	XQ_EPILOGUE_FLOAT,
	XQ_EPILOGUE_KINDS
};

#define XQ_MAX_THRESHOLDS	255

/**
 * struct xq_epilogue - from int32 accumulators to the next job's operand
 * @kind: enum xq_epilogue_kind
 * @profile: enum xq_profile, for REQUANT
 * @format: of the output: s8 u8 s4 u4 s2 u2 t2 b1 s16 u16, rows packed from the lowest bit on as
 *	operands are, bits past a row's end are 0; f32 for FLOAT and only there. A value y that
 *	goes to b1 becomes +1 if y >= 0, else -1
 * @index_format: NONE, or s8 or u8: the requantized value is of this format, and its byte is
 *	the index of the output in the table, whose bytes are elements of @format, which has at
 *	most 8 bits
 * @channels: whether multiplier, shift, add and scale have an element per column, else they
 *	have one; the other arrays have one per column in any case
 * @thresholds: how many a column has, 1 to XQ_MAX_THRESHOLDS
 * @zero_point: @act_min: @act_max: see above
 */
struct xq_epilogue {
	__u8 kind, profile, format, index_format;
	__u32 channels;
	__u32 thresholds;
	__s32 zero_point, act_min, act_max;
};

/* What an epilogue reads besides the accumulators. */
enum xq_epilogue_operand {
	XQ_EPILOGUE_BIAS,		/* s32 [N], optional */
	XQ_EPILOGUE_MULTIPLIER,		/* s32 [N] or [1]: M */
	XQ_EPILOGUE_SHIFT,		/* s32 [N] or [1]: N */
	XQ_EPILOGUE_ADD,		/* s64 [N] or [1]: A, optional */
	XQ_EPILOGUE_SCALE,		/* f32 [N] or [1]: m of ONNX */
	XQ_EPILOGUE_TABLE,		/* [256] */
	XQ_EPILOGUE_THRESHOLD,		/* s32 [N][thresholds], in any order */
	XQ_EPILOGUE_DECREASES,		/* u8 [N], not 0 if the column decreases; optional */
	XQ_EPILOGUE_ROW_SCALE,		/* f32 [M], optional */
	XQ_EPILOGUE_COLUMN_SCALE,	/* f32 [N], optional */
	XQ_EPILOGUE_FLOAT_BIAS,		/* f32 [N], optional */
	XQ_EPILOGUE_OPERANDS
};

/* Least and greatest value of an integer format that results may have. False, and 0, if it is none. */
static inline bool xq_format_range(__u32 format, __s32 *least, __s32 *greatest)
{
	switch (format) {
	case XQACCEL_FMT_S8:
	case XQACCEL_FMT_S4:
	case XQACCEL_FMT_S2:
	case XQACCEL_FMT_S16:
		*greatest = (1 << (xq_format_bits(format) - 1)) - 1;
		*least = -*greatest - 1;
		return true;
	case XQACCEL_FMT_U8:
	case XQACCEL_FMT_U4:
	case XQACCEL_FMT_U2:
	case XQACCEL_FMT_U16:
		*greatest = (1 << xq_format_bits(format)) - 1;
		*least = 0;
		return true;
	case XQACCEL_FMT_T2:
	case XQACCEL_FMT_B1:
		*greatest = 1;
		*least = -1;
		return true;
	default:
		*least = *greatest = 0;
		return false;
	}
}

/* Bounds of results of a format; false if they leave no value, or it is no such format. */
static inline bool xq_clamp_range(__u32 format, __s32 act_min, __s32 act_max, __s32 *least,
				  __s32 *greatest)
{
	if (!xq_format_range(format, least, greatest))
		return false;
	if (act_min > *least)
		*least = act_min;
	if (act_max < *greatest)
		*greatest = act_max;
	return *least <= *greatest;
}

static inline bool xq_epilogue_valid(const struct xq_epilogue *e)
{
	const bool table = e->index_format != XQACCEL_FMT_NONE;
	__s32 least, greatest;

	switch (e->kind) {
	case XQ_EPILOGUE_REQUANT:
		if (e->profile >= XQ_PROFILES || e->channels > 1)
			return false;
		if (table && ((e->index_format != XQACCEL_FMT_S8 &&
			       e->index_format != XQACCEL_FMT_U8) || xq_format_bits(e->format) > 8))
			return false;
		break;
	case XQ_EPILOGUE_THRESHOLDS:
		if (!e->thresholds || e->thresholds > XQ_MAX_THRESHOLDS || table)
			return false;
		break;
	case XQ_EPILOGUE_FLOAT:
		return e->format == XQACCEL_FMT_F32 && !table;
	default:
		return false;
	}
	return xq_format_range(e->format, &least, &greatest) &&
	       xq_clamp_range(table ? e->index_format : e->format, e->act_min, e->act_max, &least,
			      &greatest);
}

/*
 * Fills in the extent of an array that an epilogue of m x n reads; of the table, that of an
 * operand without rows.
 */
static inline void xq_epilogue_extent(const struct xq_epilogue *e, unsigned int operand, __u32 m,
				      __u32 n, struct xq_extent *x)
{
	const bool requant = e->kind == XQ_EPILOGUE_REQUANT;
	const bool onnx = e->profile == XQ_PROFILE_ONNX;

	*x = (struct xq_extent){ .rows = 1, .planes = 1, .batch = 1, .align = 4,
				 .row_bytes = 4ULL * n };
	switch (operand) {
	case XQ_EPILOGUE_BIAS:
		x->used = true;
		break;
	case XQ_EPILOGUE_MULTIPLIER:
	case XQ_EPILOGUE_SHIFT:
		x->used = x->required = requant && !onnx;
		x->row_bytes = e->channels ? 4ULL * n : 4;
		break;
	case XQ_EPILOGUE_ADD:
		x->used = requant && e->profile == XQ_PROFILE_FLOOR_SHIFT;
		x->row_bytes = e->channels ? 8ULL * n : 8;
		x->align = 8;
		break;
	case XQ_EPILOGUE_SCALE:
		x->used = x->required = requant && onnx;
		x->row_bytes = e->channels ? 4ULL * n : 4;
		break;
	case XQ_EPILOGUE_TABLE:
		x->used = x->required = requant && e->index_format != XQACCEL_FMT_NONE;
		x->row_bytes = 256;
		x->align = 1;
		break;
	case XQ_EPILOGUE_THRESHOLD:
		x->used = x->required = e->kind == XQ_EPILOGUE_THRESHOLDS;
		x->row_bytes = 4ULL * n * e->thresholds;
		break;
	case XQ_EPILOGUE_DECREASES:
		x->used = e->kind == XQ_EPILOGUE_THRESHOLDS;
		x->row_bytes = n;
		x->align = 1;
		break;
	case XQ_EPILOGUE_ROW_SCALE:
		x->used = e->kind == XQ_EPILOGUE_FLOAT;
		x->row_bytes = 4ULL * m;
		break;
	case XQ_EPILOGUE_COLUMN_SCALE:
	case XQ_EPILOGUE_FLOAT_BIAS:
		x->used = e->kind == XQ_EPILOGUE_FLOAT;
		break;
	}
}

#endif
