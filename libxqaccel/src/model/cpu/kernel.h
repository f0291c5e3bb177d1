/* SPDX-License-Identifier: MIT */
/*
 * Operators on the processor: each finds the types and shapes of its outputs, and computes them.
 * One table of them serves the interpreter, constant folding, and what the device lacks in a
 * network. Internal.
 */
#ifndef XQ_MODEL_CPU_KERNEL_H
#define XQ_MODEL_CPU_KERNEL_H

#include "libxqaccel/src/model/graph.h"

/**
 * struct xqm_value - a tensor as a kernel sees it
 * @type: XQ_NONE for an operand that is left out
 * @dims: @dim: all known
 * @quantization: of the graph's tensor, never NULL if the type isn't XQ_NONE
 * @data: unpacked elements in C order without gaps, aligned for their type; bool is a byte of 0 or
 *	1
 * @packed: what the kernel's prepare() made of a constant, or NULL
 */
struct xqm_value {
	int type;
	unsigned int dims;
	size_t dim[XQ_MODEL_DIMS];
	const struct xqm_quantization *quantization;
	void *data;
	const void *packed;
};

/**
 * struct xqm_kernel - an operator on the processor
 * @name: for people
 * @infer: sets type, dims and dim of each output. Inputs have types and shapes; those whose values
 *	are known have data, too (else NULL). An output's type is that of the file, XQ_NONE where
 *	the file does not say; its shape is not set. Fails by xqm_fail_at()
 * @prepare: what can be done once before many calls, or NULL: sets packed of inputs whose data is
 *	known, in memory of the graph; data of float32 may not be aligned yet. @compute does
 *	without, too, but reads no data of what is packed. Fails by xqm_fail_at()
 * @compute: fills the outputs' data; those that nobody asked for have a type of XQ_NONE. Called by
 *	several threads at once. May allocate what it needs for the call. Returns 0 or a negative
 *	errno
 */
struct xqm_kernel {
	const char *name;
	int (*infer)(struct xqm_graph *graph, const struct xqm_operator *op,
		     const struct xqm_value *in, struct xqm_value *out);
	int (*prepare)(struct xqm_graph *graph, const struct xqm_operator *op,
		       struct xqm_value *in);
	int (*compute)(const struct xqm_operator *op, const struct xqm_value *in,
		       const struct xqm_value *out);
};

/*
 * The kernel of an operator: that of its kind (table.c), or its own if it is XQM_OTHER. NULL if
 * there is none, which a reader reports as unknown. Whether it takes the types is for @infer to
 * say.
 */
const struct xqm_kernel *xqm_kernel(const struct xqm_operator *op);

/* ---- for kernels ------------------------------------------------------------------------- */

size_t xqm_value_elements(const struct xqm_value *value);

/* Bytes of one unpacked element. */
size_t xqm_value_bytes(const struct xqm_value *value);

/*
 * The integers of a known s32 or s64 operand, at most room of them. How many there are; -EINVAL
 * with a sentence if they are not known, not integers, or more. what is the operand, as in "the
 * axes".
 */
int xqm_integers(struct xqm_graph *graph, const struct xqm_operator *op,
		 const struct xqm_value *value, const char *what, int64_t *to, unsigned int room);

/*
 * An axis of so many dimensions from what the file says, negative from the end; -EINVAL with a
 * sentence.
 */
int xqm_axis_of(struct xqm_graph *graph, const struct xqm_operator *op, int64_t axis,
		unsigned int dims);

#endif
