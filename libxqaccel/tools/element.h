/* SPDX-License-Identifier: MIT */
/*
 * Single elements of a tensor, exactly: also integers that no double holds.
 */
#ifndef XQ_TOOL_ELEMENT_H
#define XQ_TOOL_ELEMENT_H

#include "tensor.h"

/* Below, at or above 0 as element i of a is less than, equal to or greater than element j of b; neither is NaN. */
int element_order(const struct tensor *a, size_t i, const struct tensor *b, size_t j);

/* Element i rounded to a double, which integers above 2^53 may need. */
double element_double(const struct tensor *t, size_t i);

/* Element i of a less element j of b, rounded once. */
double element_difference(const struct tensor *a, size_t i, const struct tensor *b, size_t j);

/* As it reads back; in a static buffer that the next but three call overwrites. */
const char *element_text(const struct tensor *t, size_t i);

/* Its place, "[3, 17]"; in a static buffer that the next but three call overwrites. */
const char *element_place(const struct tensor *t, size_t i);

/* The indices of a place, one for each dimension. */
void element_indices(const struct tensor *t, size_t i, size_t *indices);

#endif
