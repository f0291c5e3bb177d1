/* SPDX-License-Identifier: MIT */
/*
 * --act-min and --act-max: bounds of a result.
 */
#ifndef XQ_TOOL_BOUNDS_H
#define XQ_TOOL_BOUNDS_H

#include <xqaccel/types.h>

struct bounds {
	int64_t min, max;
	bool has_min, has_max;
};

#define BOUNDS_OPTIONS(b)									\
	{ "act-min", 0, OPTION_INT, &(b)->min, "V", "least value of the result", &(b)->has_min },	\
	{ "act-max", 0, OPTION_INT, &(b)->max, "V", "greatest value of the result", &(b)->has_max }

/* As the library takes them. 0, or EXIT_ERROR after printing that they leave no value of the type. */
int bounds_read(const struct bounds *b, enum xq_type type, bool *clamp, int32_t *act_min, int32_t *act_max);

#endif
