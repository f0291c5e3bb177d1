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

/* What the loops want of a column; returns whether it is plain. */
static bool set_lane(const struct arrays *a, size_t lane, const struct xqk_requant *rq, uint64_t column)
{
	const uint64_t param = rq->params == 1 ? 0 : column;
	int32_t n;

	a->bias[lane] = rq->bias ? rq->bias[column] : 0;
	if (rq->profile == XQ_PROFILE_ONNX) {
		a->scale[lane] = isfinite(rq->scale[param]) ? rq->scale[param] : 0;
		return false;
	}
	n = rq->shift[param];
	a->multiplier[lane] = rq->multiplier[param];
	if (rq->profile == XQ_PROFILE_FLOOR_SHIFT) {
		a->add[lane] = rq->add ? rq->add[param] : 0;
		a->shift[lane] = limited(n, 0, 63);
		return false;
	}
	n = limited(n, -31, 30);
	if (rq->profile == XQ_PROFILE_TFLITE) {
		a->shift[lane] = n > 0 ? 31 - n : 31;
		a->right[lane] = n < 0 ? -n : 0;
	} else {
		a->shift[lane] = 31 - n;
	}
	return n < 0 && a->multiplier[lane] >= 0;
}

void xqk_lanes_fill(const struct xqk_requant *rq, const size_t *column, uint64_t first,
		    size_t columns, void *memory, struct xqk_lanes *lanes)
{
	const bool each = rq->params != 1 || rq->bias;
	const size_t count = (each ? columns : 1) + XQK_LANES_PAST;
	bool plain = true;
	struct arrays a;
	size_t i;

	memset(memory, 0, count * LANE_BYTES);
	a.add = memory;
	a.bias = (int32_t *)(a.add + count);
	a.multiplier = a.bias + count;
	a.shift = a.multiplier + count;
	a.right = a.shift + count;
	a.scale = (float *)(a.right + count);
	for (i = 0; i < count - XQK_LANES_PAST; i++)
		plain &= set_lane(&a, i, rq, column ? column[i] : first + i);
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
