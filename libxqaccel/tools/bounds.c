// SPDX-License-Identifier: MIT
#include "bounds.h"
#include "command.h"

static int32_t to_int32(int64_t v)
{
	return v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

int bounds_read(const struct bounds *b, enum xq_type type, bool *clamp, int32_t *act_min, int32_t *act_max)
{
	*clamp = b->has_min || b->has_max;
	*act_min = b->has_min ? to_int32(b->min) : INT32_MIN;
	*act_max = b->has_max ? to_int32(b->max) : INT32_MAX;
	if (*act_min > *act_max || *act_min > xq_type_max(type) || *act_max < xq_type_min(type))
		return fail("no value of %s lies within --act-min and --act-max", xq_type_name(type));
	return 0;
}
