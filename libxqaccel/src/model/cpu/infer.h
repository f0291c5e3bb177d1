/* SPDX-License-Identifier: MIT */
/*
 * What kernels check before they find shapes. Internal.
 */
#ifndef XQ_MODEL_CPU_INFER_H
#define XQ_MODEL_CPU_INFER_H

#include "kernel.h"

/* Whether the first operands, where they are there, are numbers that the processor computes with; else a sentence. */
int xqm_numbers(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		unsigned int operands);

/* The same for real numbers. */
int xqm_reals(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
	      unsigned int operands);

/* A sentence if an operand has not a certain type or not so many dimensions. */
int xqm_need_type(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *value,
		  const char *what, int type);
int xqm_need_dims(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *value,
		  const char *what, unsigned int dims);

/*
 * A sentence if scales are known that stand for no real numbers: they have to be finite, and above 0 but for constants, whose
 * quantizers write 0 for what is all zeros and numbers below 0 for blocks whose largest element is. q is what they belong to,
 * NULL for an output.
 */
int xqm_need_scales(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in, unsigned int operand,
		    const struct xqm_value *q);

/* An operand, or NULL if it is left out. */
static inline const struct xqm_value *xqm_operand(const struct xqm_operator *op, const struct xqm_value *in,
						  unsigned int i)
{
	return i < op->inputs && in[i].type != XQ_NONE ? &in[i] : NULL;
}

/* The output has the type and shape of a value. */
void xqm_same(struct xqm_value *out, const struct xqm_value *as);

/* A size of an output that is computed in 64 bits: -EOVERFLOW with a sentence if a tensor can't have it. */
int xqm_size(struct xqm_graph *graph, const struct xqm_operator *op, int64_t size, size_t *to);

/* Elements before a dimension, and behind it. */
size_t xqm_outer(const struct xqm_value *value, unsigned int axis);
size_t xqm_inner(const struct xqm_value *value, unsigned int axis);

#endif
