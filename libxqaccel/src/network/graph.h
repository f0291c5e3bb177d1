/* SPDX-License-Identifier: MIT */
/*
 * A network as it was described: tensors, and operators in the order in which they were added.
 * Internal.
 */
#ifndef XQ_NETWORK_GRAPH_H
#define XQ_NETWORK_GRAPH_H

#include <stdlib.h>

#include <xqaccel/run.h>

#define XQN_ERROR_BYTES		512
#define XQN_MAX_SIZE		0x7fffffff	/* of a dimension */

/**
 * struct xqn_shape - sizes of a tensor for one element of the batch
 * @batched: dim[0] is multiplied by the batch size
 */
struct xqn_shape {
	unsigned int dims;
	size_t dim[XQ_NETWORK_DIMS];
	bool batched;
};

/**
 * struct xqn_tensor - a tensor
 * @number: its own
 * @config: as given, its arrays copied; the shape is @shape's
 * @shape: as given, or found by a check
 * @given: the shape was given
 * @producer: number of the operator that makes it, -1 for none
 * @input: @output: of the network
 */
struct xqn_tensor {
	int number;
	struct xq_network_tensor config;
	struct xqn_shape shape;
	bool given;
	int producer;
	bool input, output;
};

enum xqn_kind {
	XQN_PRODUCT,
	XQN_GROUPED,
	XQN_CONVOLUTION,
	XQN_POOL,
	XQN_ADD,
	XQN_MUL,
	XQN_SOFTMAX,
	XQN_MEAN,
	XQN_LOOKUP,
	XQN_CONVERT,
	XQN_TRANSPOSE,
	XQN_SLICE,
	XQN_CONCAT,
	XQN_PAD,
	XQN_ENLARGE,
	XQN_RESHAPE,
	XQN_CUSTOM,
};

/**
 * struct xqn_move - parameters of the copies
 * @dims: of the input, as the caller thinks, who gave arrays of so many elements
 * @order: transpose
 * @begin: @step: slice
 * @axis: concat
 * @before: @after: @value: pad
 * @factor_h: @factor_w: enlarge
 */
struct xqn_move {
	unsigned int dims, order[XQ_NETWORK_DIMS], axis;
	size_t begin[XQ_NETWORK_DIMS], step[XQ_NETWORK_DIMS];
	size_t before[XQ_NETWORK_DIMS], after[XQ_NETWORK_DIMS];
	int32_t value;
	size_t factor_h, factor_w;
};

/**
 * struct xqn_operator - an operator
 * @number: its own
 * @name: never NULL
 * @inputs: @input: all tensors that it reads, constants too
 * @outputs: @output: tensors that it makes, the principal one first
 */
struct xqn_operator {
	enum xqn_kind kind;
	unsigned int number;
	const char *name;
	unsigned int inputs, outputs;
	int input[XQ_NETWORK_OPERANDS], output[XQ_NETWORK_OPERANDS];
	union {
		struct xq_network_product product;
		struct xq_network_grouped grouped;
		struct xq_network_convolution conv;
		struct xq_network_pool pool;
		struct xq_network_elementwise elementwise;
		struct xq_network_softmax softmax;
		struct xq_network_mean mean;
		const uint8_t *table;
		struct xq_network_convert convert;
		struct xqn_move move;
		struct xq_network_custom custom;
	};
};

/* Memory that lives as long as the network. */
struct xqn_block {
	struct xqn_block *next;
	max_align_t data[];
};

struct xq_network {
	struct xqn_tensor *tensor;	/* number n is tensor[n - 1] */
	struct xqn_operator **operator;
	int *input, *output;		/* in the order in which they were named */
	unsigned int tensors, operators, inputs, outputs;
	struct xqn_block *blocks;
	char error[XQN_ERROR_BYTES];
};

/* Room for one more than count: arrays have room for the next power of two. NULL if there is no memory. */
static inline void *xqn_grown(void *array, unsigned int count, size_t size)
{
	return count & (count - 1) ? array : reallocarray(array, count ? 2 * (size_t)count : 1, size);
}

/* Sets the sentence and returns the error. */
int xqn_fail(struct xq_network *net, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, beginning with the operator's name. */
int xqn_fail_at(struct xq_network *net, const struct xqn_operator *op, int error, const char *format,
		...) __attribute__((format(printf, 4, 5)));

/* NULL if there is no such tensor. */
struct xqn_tensor *xqn_tensor(const struct xq_network *net, int number);

static inline bool xqn_constant(const struct xqn_tensor *t)
{
	return t->config.data;
}

/* Zero point of a channel; the only one counts for all. */
static inline int32_t xqn_zero_point(const struct xqn_tensor *t, size_t channel)
{
	if (!t->config.zero_point)
		return 0;
	return t->config.zero_point[t->config.channels > 1 ? channel : 0];
}

/* A copy of memory that lives as long as the network; NULL stays NULL, as does what there is no memory for. */
void *xqn_keep(struct xq_network *net, const void *from, size_t bytes);

/* A requantization with its arrays; false if there is no memory, or it makes no sense. */
int xqn_keep_requant(struct xq_network *net, const struct xq_requant **requant);

/* Finds shapes and checks everything; xq_network_check(). */
int xqn_check(struct xq_network *net);

/* The name of a kind of operator, for people. */
const char *xqn_kind_name(enum xqn_kind kind);

#endif
