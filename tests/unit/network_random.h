/* SPDX-License-Identifier: GPL-2.0 */
/* Random values and operators, for network_case.c. Each operator is added, and computed, or does not fit: false. */
#ifndef XQ_TESTS_NETWORK_RANDOM_H
#define XQ_TESTS_NETWORK_RANDOM_H

#include "network_reference.h"

#define LARGEST		6000	/* elements of a value */

#define PICK(array)	((array)[ktap_range(0, sizeof(array) / sizeof((array)[0]) - 1)])

extern const enum xq_type case_narrow[8], case_requantized[10];

bool case_is_narrow(const struct value *v);
bool case_is_byte(const struct value *v);
int32_t case_random_value(enum xq_type type);
void case_set_count(struct value *v);
/* A result of an operator; its shape is given now and then only. */
struct value *case_new_value(struct network_case *c, struct value v, bool shape);
void case_random_quantization(struct value *v);
void case_fill(struct value *v);
/* As unpacked elements lie in memory. */
void case_unpacked(const struct value *v, void *to);
/* A constant of random elements; its shape and type are set in v, all else in t. */
void case_add_constant(struct network_case *c, struct value *v, struct xq_network_tensor *t);
struct value case_vector(struct network_case *c, enum xq_type type, size_t count);
/* Of accumulators about so large. */
struct xq_requant *case_random_requant(struct network_case *c, enum xq_type type, size_t params, double size);
size_t case_divisor(size_t of);

/* Weights whose shape is set, of any type; none, one, or so many scales and zero points. */
void case_random_weights(struct network_case *c, struct weights *w, size_t channels);

bool random_products(struct network_case *c, const struct value *x);
bool random_grouped(struct network_case *c, const struct value *x);
bool random_convolution(struct network_case *c, const struct value *x);
bool random_pool(struct network_case *c, const struct value *x);
bool random_sum(struct network_case *c, const struct value *x);
bool random_multiply(struct network_case *c, const struct value *x);
bool random_softmax(struct network_case *c, const struct value *x);
bool random_mean(struct network_case *c, const struct value *x);
bool random_lookup(struct network_case *c, const struct value *x);
/* Quantizes rows of f32, each by a scale of its own, with or without zero points. */
bool random_rows_quantized(struct network_case *c, const struct value *x);
bool random_convert(struct network_case *c, const struct value *x);
bool random_transpose(struct network_case *c, const struct value *x);
bool random_slice(struct network_case *c, const struct value *x);
bool random_concat(struct network_case *c, const struct value *x);
bool random_pad(struct network_case *c, const struct value *x);
bool random_enlarge(struct network_case *c, const struct value *x);
bool random_reshape(struct network_case *c, const struct value *x);
bool random_custom(struct network_case *c, const struct value *x);

#endif
