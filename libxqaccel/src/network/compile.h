/* SPDX-License-Identifier: MIT */
/*
 * From a network to a plan: operators become steps ("lowering"), tensors get memory. Internal.
 */
#ifndef XQ_NETWORK_COMPILE_H
#define XQ_NETWORK_COMPILE_H

#include "check.h"
#include "libxqaccel/src/ops/widen.h"
#include "plan.h"

/**
 * struct xqn_matrix - weights as a matrix for each group, as they are wherever their constant has them
 * @tensor: the constant
 * @groups: @rows: of each group
 * @k: a row is [k[0]][k[1]][k[2]]
 * @row_stride: @stride: elements from one to the next; groups follow each other as rows do
 * @codes: of what is packed, by unpacked elements
 * @type: of what is packed
 * @tiled: tiles for each group, else rows
 */
struct xqn_matrix {
	const struct xqn_tensor *tensor;
	size_t groups, rows, k[3], row_stride, stride[3];
	struct xq_codes codes;
	enum xq_type type;
	bool tiled;
};

/* Bytes of a packed row, and of a packed group. */
size_t xqn_matrix_row(const struct xqn_matrix *m);
size_t xqn_matrix_group(const struct xqn_matrix *m);

/**
 * struct xqn_constant - what a storage among the constants will be filled with
 * @bytes: @byte_count: memory of its own, or NULL
 * @matrix: of weights, if @weights
 * @tensor: else its rows, packed
 */
struct xqn_constant {
	int storage;
	void *bytes;
	size_t byte_count;
	bool weights;
	struct xqn_matrix matrix;
	const struct xqn_tensor *tensor;
};

/**
 * struct xqn_compiler - work in progress
 * @op: the operator that is lowered
 * @view: of each tensor, storage is -1 until it has one
 * @needed: for each operator, whether an output depends on it
 * @error: the first that happened in a function that returns a number or nothing
 */
struct xqn_compiler {
	struct xq_network *net;
	struct xq_device *dev;
	size_t batch;
	struct xq_plan *plan;
	const struct xqn_operator *op;
	struct xqn_view *view;
	bool *needed;
	struct xqn_constant *constant;
	unsigned int constants;
	int error;
};

static inline bool xqn_has(const struct xqn_compiler *c, uint64_t feature)
{
	return c->dev->info.features & feature;
}

static inline struct xqn_view *xqn_view(struct xqn_compiler *c, int tensor)
{
	return &c->view[tensor - 1];
}

/* Memory; its number, or -1 with c->error set. */
int xqn_new_storage(struct xqn_compiler *c, enum xqn_region region, size_t bytes, size_t align);

/* A tensor without gaps in memory of its own between operators; dims as set in the view. */
void xqn_new_view(struct xqn_compiler *c, struct xqn_view *view);

/*
 * What an operator is to memory: a transposition that moves dimensions of 1 only is a reshape. Not so of packed
 * rows, whose last dimension may become another.
 */
enum xqn_kind xqn_moves_as(struct xqn_compiler *c, const struct xqn_operator *op);

/* A step for c->op, all places empty; never NULL: one that is thrown away if there is no memory. */
struct xqn_step *xqn_new_step(struct xqn_compiler *c, enum xqn_step_kind kind);

/* Fails with a sentence. */
int xqn_too_large(struct xqn_compiler *c);

/* Fills in the words of an operation whose numbers a step has apart, and strides of its operands. */
void xqn_set_words(struct xqn_step *step);

/* ---- constants ------------------------------------------------------------------------------------- */

int xqn_constant_bytes(struct xqn_compiler *c, const void *from, size_t bytes);
int xqn_constant_tensor(struct xqn_compiler *c, const struct xqn_tensor *t);
int xqn_constant_weights(struct xqn_compiler *c, const struct xqn_matrix *m);

/* Writes one; -ERANGE with a sentence for a value that is not of its type. */
int xqn_fill_constant(struct xq_network *net, const struct xqn_constant *constant, uint8_t *to);

/* ---- lowering: each appends the steps of c->op ------------------------------------------------------ */

int xqn_lower_product(struct xqn_compiler *c);
int xqn_lower_grouped(struct xqn_compiler *c);
int xqn_lower_convolution(struct xqn_compiler *c);
int xqn_lower_lookup(struct xqn_compiler *c);
int xqn_lower_pool(struct xqn_compiler *c);
int xqn_lower_elementwise(struct xqn_compiler *c);
int xqn_lower_softmax(struct xqn_compiler *c);
int xqn_lower_mean(struct xqn_compiler *c);
int xqn_lower_convert(struct xqn_compiler *c);
int xqn_lower_move(struct xqn_compiler *c);
int xqn_lower_custom(struct xqn_compiler *c);

/* Copies between views of the same shape. */
void xqn_copy(struct xqn_compiler *c, const struct xqn_view *from, const struct xqn_view *to);

/* The same tensor without gaps: itself, or a copy. */
struct xqn_view xqn_without_gaps(struct xqn_compiler *c, const struct xqn_view *view);

/* The same values in another type that holds them, plus an offset. */
struct xqn_view xqn_widened(struct xqn_compiler *c, const struct xqn_view *view, enum xq_type type,
			    int32_t offset);

/* Whether memory of a tensor is one of the other, too, which has as many elements. */
bool xqn_reshapes(const struct xqn_view *from, const struct xqn_view *to);

/* Where tensors lie: inside concatenations, slots, or by themselves. */
int xqn_place_tensors(struct xqn_compiler *c);

#endif
