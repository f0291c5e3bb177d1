// SPDX-License-Identifier: MIT
/* Scale and zero point of a range, and checks of given ones. */
#include <errno.h>
#include <float.h>
#include <math.h>

#include <xqaccel/quantize.h>

#include "layout.h"
#include "parameters.h"
#include "round.h"

int xq_check_parameters(const struct xq_layout *layout, const struct xq_qtype *type,
			const float *scale, bool any_sign, const int32_t *zero_point,
			struct xq_fault *fault)
{
	size_t n;

	if (!xq_layout_valid(layout) || !xq_qtype_valid(type))
		return -EINVAL;
	n = xq_layout_params(layout);
	if (n && !scale)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (!xq_is_finite(scale[i]) || (!any_sign && !(scale[i] > 0)))
			return xq_fault_set(fault, XQ_FAULT_SCALE, i, scale[i], -EDOM);
	for (size_t i = 0; i < n && zero_point; i++)
		if (zero_point[i] < type->min || zero_point[i] > type->max)
			return xq_fault_set(fault, XQ_FAULT_ZERO_POINT, i, zero_point[i], -ERANGE);
	return 0;
}

/* range / levels in float32, also where the range itself is not a float32. */
static float divide(float high, float low, int32_t levels)
{
	float range = high - low;
	float scale = range / (float)levels;

	if (!xq_is_finite(range))
		scale = (float)(((double)high - (double)low) / levels);
	if (range == 0)
		return 1;
	/* Subnormal scales are coarse: one that was rounded down may cut off more than half a code. */
	if (scale < FLT_MIN && (double)scale * levels < (double)range)
		scale = nextafterf(scale, INFINITY);
	return scale;
}

int xq_range_params(float low, float high, const struct xq_qtype *type, enum xq_scheme scheme,
		    float *scale, int32_t *zero_point)
{
	float start;

	if (!xq_qtype_valid(type) || !scale || (scheme == XQ_AFFINE && !zero_point))
		return -EINVAL;
	if (!xq_is_finite(low) || !xq_is_finite(high) || low > high)
		return -EDOM;
	if (scheme == XQ_SYMMETRIC) {
		*scale = divide(fmaxf(fabsf(low), fabsf(high)), 0, type->max);
		if (zero_point)
			*zero_point = 0;
		return 0;
	}
	low = low < 0 ? low : 0;
	high = high > 0 ? high : 0;
	*scale = divide(high, low, type->max - type->min);
	start = (float)type->min - low / *scale;
	*zero_point = xq_round_even(xq_clampf(start, (float)type->min, (float)type->max));
	return 0;
}
