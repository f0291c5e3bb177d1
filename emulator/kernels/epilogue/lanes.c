// SPDX-License-Identifier: MIT
/* Parameters of requantization as the loops want them. */
#include <math.h>
#include <string.h>

#include "epilogue/micro_kernels.h"

/* TFLITE_PLAIN adds zero points of 16 bits to what saturates there. */
#define SMALL_ZERO_POINT	1024

#define LANE_BYTES	(sizeof(int64_t) + 4 * sizeof(int32_t) + sizeof(float))

size_t xqk_lanes_bytes(size_t columns)
{
	return ((columns + XQK_LANES_PAST) * LANE_BYTES + 63) & ~(size_t)63;
}

/*
 * Bounds are put before the zero point is added, where nothing can overflow: clamping t to
 * [low - Z, high - Z] and adding Z is clamping t + Z. If t can't reach one of the ends because
 * it is an int32, that end is where int32 ends; if all t lie beyond one end, the result is a constant.
 */
static void set_bounds(struct xqk_lanes *p, const struct xqk_requant *rq)
{
	p->zero_point = rq->zero_point;
	p->low_y = rq->least;
	p->high_y = rq->greatest;
	p->low64 = (int64_t)rq->least - rq->zero_point;
	p->high64 = (int64_t)rq->greatest - rq->zero_point;
	if (rq->profile == XQ_PROFILE_ONNX || rq->profile == XQ_PROFILE_FLOOR_SHIFT)
		return;
	if (p->low64 > INT32_MAX || p->high64 < INT32_MIN) {
		p->low = p->high = p->low64 > INT32_MAX ? rq->least : rq->greatest;
		p->zero_point = 0;
		return;
	}
	p->low = p->low64 < INT32_MIN ? INT32_MIN : (int32_t)p->low64;
	p->high = p->high64 > INT32_MAX ? INT32_MAX : (int32_t)p->high64;
}

/* The writable lanes. */
struct arrays {
	int64_t *add;
	int32_t *bias, *multiplier, *shift, *right;
	float *scale;
};

static int32_t limited(int32_t v, int32_t low, int32_t high)
{
	return v < low ? low : v > high ? high : v;
}

/* Where a lane's parameter is among so many. */
static uint64_t parameter(const struct xqk_requant *rq, const size_t *column, uint64_t first, size_t lane)
{
	return rq->params == 1 ? 0 : column ? column[lane] : first + lane;
}

/* An array's elements in the order of lanes; runs are copied as they are. */
#define DEFINE_TAKE(type)									\
	static void take_##type(type *to, const type *from, const struct xqk_requant *rq, const size_t *column, \
				uint64_t first, size_t lanes)					\
	{											\
		size_t i;									\
												\
		if (rq->params != 1 && !column)							\
			memcpy(to, from + first, lanes * sizeof(type));				\
		else										\
			for (i = 0; i < lanes; i++)						\
				to[i] = from[parameter(rq, column, first, i)];			\
	}
DEFINE_TAKE(int32_t)
DEFINE_TAKE(int64_t)
DEFINE_TAKE(float)

static void take_bias(const struct arrays *a, const struct xqk_requant *rq, const size_t *column, uint64_t first,
		      size_t lanes)
{
	size_t i;

	if (rq->bias && !column)
		memcpy(a->bias, rq->bias + first, lanes * sizeof(*a->bias));
	for (i = 0; rq->bias && column && i < lanes; i++)
		a->bias[i] = rq->bias[column[i]];
}

/* Turns N into the shifts that the loops want; returns whether all lanes are plain. */
static bool set_shifts(const struct arrays *a, unsigned int profile, size_t lanes)
{
	int32_t plain = -1;
	size_t i;

	for (i = 0; i < lanes; i++) {
		const int32_t n = limited(a->shift[i], -31, 30);

		/* Both are negative. */
		plain &= n & ~a->multiplier[i];
		a->right[i] = profile == XQ_PROFILE_TFLITE && n < 0 ? -n : 0;
		a->shift[i] = profile == XQ_PROFILE_TFLITE && n < 0 ? 31 : 31 - n;
	}
	return plain < 0;
}

/* The parameters of a profile; returns whether all lanes are plain. */
static bool set_parameters(const struct arrays *a, const struct xqk_requant *rq, const size_t *column, uint64_t first,
			   size_t lanes)
{
	size_t i;

	if (rq->profile == XQ_PROFILE_ONNX) {
		take_float(a->scale, rq->scale, rq, column, first, lanes);
		for (i = 0; i < lanes; i++)
			a->scale[i] = isfinite(a->scale[i]) ? a->scale[i] : 0;
		return false;
	}
	take_int32_t(a->multiplier, rq->multiplier, rq, column, first, lanes);
	take_int32_t(a->shift, rq->shift, rq, column, first, lanes);
	if (rq->profile != XQ_PROFILE_FLOOR_SHIFT)
		return set_shifts(a, rq->profile, lanes);
	for (i = 0; i < lanes; i++)
		a->shift[i] = limited(a->shift[i], 0, 63);
	if (rq->add)
		take_int64_t(a->add, rq->add, rq, column, first, lanes);
	return false;
}

void xqk_lanes_fill(const struct xqk_requant *rq, const size_t *column, uint64_t first,
		    size_t columns, void *memory, struct xqk_lanes *lanes)
{
	const bool each = rq->params != 1 || rq->bias;
	const size_t count = (each ? columns : 1) + XQK_LANES_PAST;
	struct arrays a;
	bool plain;

	memset(memory, 0, count * LANE_BYTES);
	a.add = memory;
	a.bias = (int32_t *)(a.add + count);
	a.multiplier = a.bias + count;
	a.shift = a.multiplier + count;
	a.right = a.shift + count;
	a.scale = (float *)(a.right + count);
	take_bias(&a, rq, column, first, count - XQK_LANES_PAST);
	plain = set_parameters(&a, rq, column, first, count - XQK_LANES_PAST);
	*lanes = (struct xqk_lanes){
		.kind = rq->profile, .each = each,
		.bias = a.bias, .scale = a.scale, .multiplier = a.multiplier,
		.shift = a.shift, .right = a.right, .add = a.add,
	};
	if (rq->profile == XQ_PROFILE_TFLITE && plain &&
	    rq->zero_point >= -SMALL_ZERO_POINT && rq->zero_point <= SMALL_ZERO_POINT)
		lanes->kind = XQK_TFLITE_PLAIN;
	set_bounds(lanes, rq);
}
