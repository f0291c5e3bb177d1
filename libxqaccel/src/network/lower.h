/* SPDX-License-Identifier: MIT */
/* Numbers and operands of jobs, as lowering puts them down. Internal. */
#ifndef XQ_NETWORK_LOWER_H
#define XQ_NETWORK_LOWER_H

#include <string.h>

#include "compile.h"

static inline uint32_t xqn_float_bits(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

/* A vector or other operand without strides. */
static inline void xqn_put(struct xqn_step *step, unsigned int operand, int storage)
{
	step->place[operand] = (struct xqn_place){ .storage = storage };
}

/* An image [batch][h][w][channels], or without h: rows are pixels and planes are lines. */
static inline struct xqn_place xqn_image_place(const struct xqn_view *v)
{
	return (struct xqn_place){ v->storage, v->offset, v->stride[v->dims - 2], v->stride[0],
				   v->dims == 4 ? v->stride[1] : v->stride[0] };
}

/* Bounds of results: those of the type where there are no others. */
static inline int32_t xqn_act_min(bool clamp, int32_t act_min)
{
	return clamp ? act_min : INT32_MIN;
}

static inline int32_t xqn_act_max(bool clamp, int32_t act_max)
{
	return clamp ? act_max : INT32_MAX;
}

/* A step of c->op without operands, which is not appended yet. */
struct xqn_step xqn_empty_step(const struct xqn_compiler *c);

/*
 * How x and w are to be widened to types that the device multiplies. A pair that it has stays: widening an
 * activation is a job of its own. Fails with a sentence.
 */
int xqn_widen(struct xqn_compiler *c, const struct xqn_tensor *x, const struct xqn_tensor *w,
	      struct xq_widening *wide_x, struct xq_widening *wide_w);

/* Tiles spare the device a copy, unless they are mostly padding. */
bool xqn_worth_tiles(const struct xqn_compiler *c, enum xq_type type, size_t n, size_t k);

/* The codebook of weights that stay indices. */
void xqn_put_codebook(struct xqn_compiler *c, struct xqn_step *step, const struct xqn_tensor *w, enum xq_type packed);

/* An operand that is a constant of so many bytes; none if from is NULL. */
void xqn_put_bytes(struct xqn_compiler *c, struct xqn_step *step, unsigned int operand, const void *from, size_t bytes);

/* A number for each row, which is a constant or made by another operator, as an operand without gaps. */
void xqn_put_rows(struct xqn_compiler *c, struct xqn_step *step, unsigned int operand, int tensor, uint64_t batch_stride);

/* The epilogue, and its operands. Fails with a sentence. */
int xqn_put_finish(struct xqn_compiler *c, struct xqn_step *step, const struct xq_network_finish *f,
		   const struct xqn_tensor *x, const struct xqn_tensor *w, const struct xqn_tensor *y, size_t channels);

/* Appends the step, or two, of a device that has a feature (0: always) for the product; rows by channels accumulators. */
void xqn_add_steps(struct xqn_compiler *c, const struct xqn_step *whole, uint64_t feature, size_t rows, size_t channels);

/* One set of parameters. */
void xqn_set_requant_one(struct xq_requant_one *to, const struct xq_requant *rq);

#endif
