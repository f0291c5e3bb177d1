/* SPDX-License-Identifier: MIT */
/*
 * Whether 32 bits are enough for the sums of a product.
 */
#ifndef XQ_TOOL_ACCUMULATOR_H
#define XQ_TOOL_ACCUMULATOR_H

#include "tensor.h"

/*
 * The largest magnitude of an element less a zero point; @entries are what codes stand for, NULL for
 * themselves.
 */
double accumulator_reach(const struct tensor *t, const int32_t *zps, size_t n, const int8_t *entries);

/* The same of numbers; 1 if there are none. */
double accumulator_largest(const int32_t *values, size_t n);

/* Warns if a sum of so large a magnitude may have wrapped. */
void accumulator_check(double reach, size_t terms);

#endif
