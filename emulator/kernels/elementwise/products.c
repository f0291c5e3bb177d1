// SPDX-License-Identifier: MIT
/*
 * Products along a straight line in f32: whether it gives what the profile defines, for each of up
 * to 65,536 products.
 *
 * Neither the definition nor the line ever falls as the product grows. Where both are equal at two
 * products between which the definition is constant, they are equal at all between. So it is enough
 * to compare them at the two products beside each of the definition's steps, at most 255, and at
 * the ends. A few products around the place where a step should be are taken; that the step is
 * between two of them is seen in the results.
 */
#include <math.h>
#include <string.h>

#include "elementwise/products.h"

/* Products around a step; with the ends they must be at most XQK_ELEMENTS_MOST. */
#define AROUND	4

/* Factors on either side of the nearest one that are tried. */
#define NEIGHBORS	8

static float as_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, 4);
	return f;
}

static int32_t limited(int32_t v, int32_t low, int32_t high)
{
	return v < low ? low : v > high ? high : v;
}

/* The least and the greatest product; corners of a rectangle. */
static void range_of(const struct xq_elementwise *e, int32_t *least, int32_t *greatest)
{
	const struct xq_elementwise_input *x[2] = { &e->a, &e->b };
	int32_t end[2][2];
	int i;

	for (i = 0; i < 2; i++) {
		end[i][0] = (x[i]->format == XQACCEL_FMT_S8 ? -128 : 0) - x[i]->zero_point;
		end[i][1] = end[i][0] + 255;
	}
	*least = *greatest = end[0][0] * end[1][0];
	for (i = 1; i < 4; i++) {
		const int32_t p = end[0][i & 1] * end[1][i >> 1];

		*least = p < *least ? p : *least;
		*greatest = p > *greatest ? p : *greatest;
	}
}

/* What a product is multiplied by; 0 if that is not a line, or one that falls. */
static double slope_of(const struct xq_requant_one *y)
{
	if (y->profile == XQ_PROFILE_ONNX)
		return as_float(y->scale) > 0 ? (double)as_float(y->scale) : 0;
	if (y->multiplier <= 0)
		return 0;
	if (y->profile == XQ_PROFILE_FLOOR_SHIFT)
		return y->shift < 0 || y->shift > 62 || y->add > 1LL << 61 || y->add < -(1LL << 61) ?
		       0 : ldexp(y->multiplier, -y->shift);
	return y->shift > 0 || y->shift < -15 ? 0 : ldexp(y->multiplier, y->shift - 31);
}

/* What is added to that before it is rounded to nearest, without the zero point. */
static double offset_of(const struct xq_requant_one *y)
{
	return y->profile == XQ_PROFILE_FLOOR_SHIFT ? ldexp((double)y->add, -y->shift) - 0.5 : 0;
}

size_t xqk_product_points(const struct xq_elementwise *e, int32_t least, int32_t greatest,
			  int32_t *points)
{
	const double slope = slope_of(&e->y);
	const double offset = offset_of(&e->y) + e->y.zero_point - 0.5;
	int32_t from, to, result, i;
	size_t count = 0;

	range_of(e, &from, &to);
	if (to - from > UINT16_MAX || !(slope > 0x1p-30 && slope < 0x1p10) ||
	    fabs(offset) > 0x1p24)
		return 0;
	points[count++] = from;
	for (result = least + 1; result <= greatest; result++) {
		const double at = floor((result - offset - 1) / slope);

		/* Beyond the ends, where all are constant. */
		if (at < from - AROUND || at > to + AROUND)
			continue;
		for (i = 0; i < AROUND; i++) {
			const int32_t p = limited((int32_t)at + i - 1, from, to);

			if (p > points[count - 1])
				points[count++] = p;
		}
	}
	if (to > points[count - 1])
		points[count++] = to;
	return count;
}

/* Between points that are not neighbors nothing happens. */
static bool all_steps_seen(const int32_t *points, const uint8_t *exact, size_t count)
{
	size_t i;

	for (i = 1; i < count; i++)
		if (points[i] != points[i - 1] + 1 && exact[i] != exact[i - 1])
			return false;
	return true;
}

/* As the kernels compute it. */
static uint8_t along(const struct xqk_product_line *line, int32_t p)
{
	int32_t t = (int32_t)lrintf(fmaf((float)p, line->scale, line->add));

	t = limited(t, INT16_MIN, INT16_MAX);
	if (line->twice)
		t = (limited(t + (t >> 31), INT16_MIN, INT16_MAX) * line->fraction + 0x4000) >> 15;
	return (uint8_t)limited(limited(t + line->zero_point, INT16_MIN, INT16_MAX), line->least,
				line->greatest);
}

static bool is_right(const struct xqk_product_line *line, const int32_t *points,
		     const uint8_t *exact, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (along(line, points[i]) != exact[i])
			return false;
	return true;
}

/* Factors from the nearest one on, by turns above and below. */
static bool any_right(struct xqk_product_line *line, double slope, double add,
		      const int32_t *points, const uint8_t *exact, size_t count)
{
	float above = (float)slope, below = above;
	int i;

	line->add = (float)add;
	line->scale = above;
	if (is_right(line, points, exact, count))
		return true;
	for (i = 0; i < NEIGHBORS; i++) {
		line->scale = above = nextafterf(above, INFINITY);
		if (is_right(line, points, exact, count))
			return true;
		line->scale = below = nextafterf(below, 0);
		if (is_right(line, points, exact, count))
			return true;
	}
	return false;
}

bool xqk_find_product_line(const struct xq_elementwise *e, int32_t least, int32_t greatest,
			   const int32_t *points, const uint8_t *exact, size_t count,
			   struct xqk_product_line *line)
{
	const struct xq_requant_one *y = &e->y;
	const int32_t flip[2] = { e->a.format == XQACCEL_FMT_S8 ? 0x80 : 0,
				  e->b.format == XQACCEL_FMT_S8 ? 0x80 : 0 };
	const double slope = slope_of(y);
	double add = offset_of(y);
	int32_t from, to;

	range_of(e, &from, &to);
	/* The zero point is added to words. */
	if (!all_steps_seen(points, exact, count) || !xq_zero_point_small(y->zero_point))
		return false;
	*line = (struct xqk_product_line){
		.flip = { (uint8_t)flip[0], (uint8_t)flip[1] },
		.zero = { (int16_t)(e->a.zero_point + flip[0]), (int16_t)(e->b.zero_point + flip[1]) },
		.bias = (uint16_t)-from, .zero_point = (int16_t)y->zero_point,
		.least = least, .greatest = greatest, .is_signed = e->format == XQACCEL_FMT_S8,
	};
	/* The floor of a whole number is just above the middle. */
	if (y->profile == XQ_PROFILE_FLOOR_SHIFT)
		add += ldexp(0.5, -y->shift);
	/* Of two roundings the first lifts what is half of its unit below, if nothing is negative. */
	else if (y->profile == XQ_PROFILE_TFLITE && y->shift < 0)
		add = ldexp(0.5, y->shift);
	if (any_right(line, slope, add, points, exact, count))
		return true;
	if (y->profile != XQ_PROFILE_TFLITE || y->shift >= 0)
		return false;
	line->twice = true;
	line->fraction = (int16_t)(1 << (15 + y->shift));
	return any_right(line, ldexp(slope, -y->shift), 0, points, exact, count);
}
