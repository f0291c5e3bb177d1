// SPDX-License-Identifier: MIT
/* One value at a time, for tables. */
#include "epilogue/epilogue.h"
#include "epilogue/scalar/requantize.h"

static int32_t limited(int32_t v, int32_t low, int32_t high)
{
	return v < low ? low : v > high ? high : v;
}

int64_t xqk_requant_value(unsigned int profile, int32_t v, int32_t multiplier, int32_t shift, int64_t add)
{
	const bool twice = profile == XQ_PROFILE_TFLITE;
	const int32_t n = limited(shift, -31, 30), right = twice && n < 0 ? -n : 0;
	const int32_t first = twice && n < 0 ? 31 : 31 - n;
	const struct xqk_lanes one = { .multiplier = &multiplier, .shift = &first, .right = &right,
				       .low = INT32_MIN, .high = INT32_MAX };

	if (profile == XQ_PROFILE_FLOOR_SHIFT)
		return (int64_t)((uint64_t)((int64_t)v * multiplier) + (uint64_t)add) >> limited(shift, 0, 63);
	return fixed_point(v, 0, &one, twice);
}
