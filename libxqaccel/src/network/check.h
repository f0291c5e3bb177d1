/* SPDX-License-Identifier: MIT */
/* Types and shapes of operators: each finds the shapes of its outputs, or says what is wrong. Internal. */
#ifndef XQ_NETWORK_CHECK_H
#define XQ_NETWORK_CHECK_H

#include "graph.h"

/* Sets of types, as bits. */
#define XQN_BIT(type)		(1U << (type))
#define XQN_BYTES		(XQN_BIT(XQ_S8) | XQN_BIT(XQ_U8))
#define XQN_NARROW		(XQN_BYTES | XQN_BIT(XQ_S4) | XQN_BIT(XQ_U4) | XQN_BIT(XQ_S2) | \
				 XQN_BIT(XQ_U2) | XQN_BIT(XQ_T2) | XQN_BIT(XQ_B1))
#define XQN_REQUANTIZED		(XQN_BYTES | XQN_BIT(XQ_S4) | XQN_BIT(XQ_U4) | XQN_BIT(XQ_S2) | \
				 XQN_BIT(XQ_U2) | XQN_BIT(XQ_T2) | XQN_BIT(XQ_S16) | XQN_BIT(XQ_U16))
#define XQN_CODEBOOK		(XQN_BIT(XQ_C4) | XQN_BIT(XQ_C8))

/* Checks that a tensor is of one of the types; what is its part, as in "the input". */
int xqn_want_type(struct xq_network *net, const struct xqn_operator *op, int tensor, uint32_t types,
		  const char *what);

/* Checks a shape; 0 if the tensor is absent. */
int xqn_want_elements(struct xq_network *net, const struct xqn_operator *op, int tensor, enum xq_type type,
		      size_t elements, const char *what);

/* Sets the shape of an output, or compares it with the one that was given. */
int xqn_settle(struct xq_network *net, const struct xqn_operator *op, int tensor,
	       const struct xqn_shape *shape);

/* Elements for one element of the batch. */
size_t xqn_elements(const struct xqn_shape *shape);

/* A shape for people; text of XQN_SHAPE_TEXT bytes. */
#define XQN_SHAPE_TEXT		96
const char *xqn_shape_text(const struct xqn_shape *shape, char *text);

int xqn_check_product(struct xq_network *net, const struct xqn_operator *op);
int xqn_check_grouped(struct xq_network *net, const struct xqn_operator *op);
int xqn_check_convolution(struct xq_network *net, const struct xqn_operator *op);
int xqn_check_pool(struct xq_network *net, const struct xqn_operator *op);
int xqn_check_elementwise(struct xq_network *net, const struct xqn_operator *op);
int xqn_check_softmax(struct xq_network *net, const struct xqn_operator *op);
int xqn_check_mean(struct xq_network *net, const struct xqn_operator *op);
int xqn_check_lookup(struct xq_network *net, const struct xqn_operator *op);
int xqn_check_convert(struct xq_network *net, const struct xqn_operator *op);
int xqn_check_move(struct xq_network *net, const struct xqn_operator *op);

/* ---- parameters that are derived from scales -------------------------------------------------- */

/**
 * struct xqn_requant - a requantization, as given or derived
 * @rq: its arrays are the operator's or @memory's
 * @memory: to be freed
 */
struct xqn_requant {
	struct xq_requant rq;
	void *memory;
};

/*
 * The requantization of accumulators of x and w, of so many channels; the output's, or the table's index.
 * Fails with a sentence.
 */
int xqn_finish_requant(struct xq_network *net, const struct xqn_operator *op,
		       const struct xq_network_finish *f, const struct xqn_tensor *x,
		       const struct xqn_tensor *w, const struct xqn_tensor *y, size_t channels,
		       struct xqn_requant *r);

/* That of a sum of count elements, or of a conversion with a count of 1. */
int xqn_single_requant(struct xq_network *net, const struct xqn_operator *op,
		       const struct xq_requant *given, enum xq_requant_profile profile,
		       const struct xqn_tensor *x, const struct xqn_tensor *y, size_t count,
		       struct xqn_requant *r);

/* Factors of a sum or product, with types, zero points and bounds. */
int xqn_elementwise_args(struct xq_network *net, const struct xqn_operator *op,
			 struct xq_elementwise_args *args);

/* Factor and least difference of a softmax. */
int xqn_softmax_args(struct xq_network *net, const struct xqn_operator *op, struct xq_softmax *softmax);

/* The geometry of a convolution or pool of one element of the batch; one dimension counts as a height of 1. */
int xqn_conv_geometry(struct xq_network *net, const struct xqn_operator *op, struct xq_conv *conv);
int xqn_pool_geometry(struct xq_network *net, const struct xqn_operator *op, struct xq_pool *pool);

#endif
