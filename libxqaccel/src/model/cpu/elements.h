/* SPDX-License-Identifier: MIT */
/*
 * Elements of any type as numbers of one of two kinds, so that a kernel need not be written for every type.
 *
 * Real types are computed in double and rounded once to the type. A sum, difference, product, quotient or square
 * root of float or half precision numbers has the same bits as if it was computed in that type, because double
 * has more than twice as many digits and two more. Integers are computed in 64 bits and cut to the type, which
 * wraps as two's complement does. Internal.
 */
#ifndef XQ_MODEL_CPU_ELEMENTS_H
#define XQ_MODEL_CPU_ELEMENTS_H

#include "kernel.h"

/* Elements that kernels convert at a time. */
#define XQM_CHUNK		256

/** enum xqm_class - how elements of a type are computed */
enum xqm_class {
	XQM_NO_CLASS,
	XQM_REAL,		/* double */
	XQM_INTEGER,		/* int64_t */
	XQM_UNSIGNED,		/* uint64_t in an int64_t: u64 */
};

enum xqm_class xqm_class_of(int type);

/* n elements from index first on, every step-th (0 repeats one), as numbers. The class of the type is real; or any. */
void xqm_load_real(const struct xqm_value *value, size_t first, size_t step, size_t n, double *to);

/* The same as integers; the class of the type is not real. */
void xqm_load_integer(const struct xqm_value *value, size_t first, size_t step, size_t n, int64_t *to);

/*
 * Stores n numbers from index first on. Of an integer type the fraction is dropped, and numbers outside of the
 * type become its ends, NaN 0.
 */
void xqm_store_real(const struct xqm_value *value, size_t first, size_t n, const double *from);

/* The same of integers: the low bits, or rounded to a real type. */
void xqm_store_integer(const struct xqm_value *value, size_t first, size_t n, const int64_t *from);

/* One element. */
double xqm_real_at(const struct xqm_value *value, size_t index);
int64_t xqm_integer_at(const struct xqm_value *value, size_t index);

/* Whether a type is a small float of a byte or less. */
static inline bool xqm_small_float(int type)
{
	return type == XQ_MODEL_E4M3 || type == XQ_MODEL_E5M2 || type == XQ_MODEL_E2M1;
}

/* Stores a number in a small float: what is too large becomes the largest, or what the format has for it. */
void xqm_store_small(const struct xqm_value *value, size_t index, double x, bool saturate);

/* A double rounded to half precision or bfloat16, to nearest even, once. */
uint16_t xqm_round_f16(double x);
uint16_t xqm_round_bf16(double x);

#endif
