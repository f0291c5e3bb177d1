/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operators on plain arrays, one element after the other, written from the formulas of the headers and from nothing of the
 * library's code.
 */
#ifndef XQ_TESTS_NETWORK_REFERENCE_H
#define XQ_TESTS_NETWORK_REFERENCE_H

#include "network_case.h"

/**
 * struct weights - a second operand
 * @channels: scales and zero points that it has, 0, 1 or one for each output channel
 */
struct weights {
	struct value value;
	size_t channels;
	const float *scale;
	const int32_t *zp;
	const int8_t *codebook;
};

/**
 * struct finish - what follows accumulators
 * @rq: requantization, given or derived; NULL if there is none
 * @x_zps: zero point of each row of a product; its id is 0 if there are none
 */
struct finish {
	struct xq_network_finish config;
	struct xq_requant *rq;
	struct value bias, column_scale, float_bias, thresholds, decreases, row_scale, x_zps;
};

/* Requantizations from scales. */
struct xq_requant *derive(struct network_case *c, const struct finish *f, const struct value *x, const struct weights *w,
			  float y_scale, int32_t y_zp, enum xq_type type);
void derive_single(struct network_case *c, struct xq_requant *rq, enum xq_requant_profile profile, const struct value *x,
		   const struct value *y, size_t count);

void reference_product(const struct value *x, const struct weights *w, bool kn, const struct finish *f, struct value *y);
void reference_pairwise(const struct value *x, const struct weights *w, const struct finish *f, struct value *y);
void reference_convolution(const struct value *x, const struct weights *w, enum xq_weight_order order, const struct xq_conv *g,
			   const struct finish *f, struct value *y);
void reference_pool(const struct value *x, const struct xq_network_pool *p, const struct xq_pool *g, struct value *y);
void reference_elementwise(const struct value *a, const struct value *b, const struct xq_network_elementwise *e,
			   const struct xq_elementwise_args *f, bool mul, struct value *y);
void reference_mean(const struct value *x, unsigned int first, unsigned int count, const struct xq_requant *rq, struct value *y);
void reference_rows(const struct value *x, struct value *y, struct value *scale, struct value *zp);
void reference_convert(const struct value *x, const struct xq_requant *rq, struct value *y);
void reference_transpose(const struct value *x, const unsigned int *order, struct value *y);
void reference_slice(const struct value *x, const size_t *begin, const size_t *step, struct value *y);
void reference_concat(const struct value *const *x, unsigned int count, unsigned int axis, struct value *y);
void reference_pad(const struct value *x, const size_t *before, int32_t value, struct value *y);
void reference_enlarge(const struct value *x, size_t h, size_t w, struct value *y);

#endif
