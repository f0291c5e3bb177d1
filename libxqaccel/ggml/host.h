/* SPDX-License-Identifier: MIT */
/*
 * Small operations between products, computed by the thread that computes the graph. Where a token is one row, handing
 * them to ggml's CPU backend and waking its threads takes longer than the operations.
 */
#ifndef XQG_HOST_H
#define XQG_HOST_H

#include "abi.h"

/* Whether an operation is one of these, and small enough. */
bool xqg_host_supported(const struct xqg_tensor *op);

/* Computes it; memory of sources is complete. Return: 0 or a negative errno. */
int xqg_host_compute(const struct xqg_tensor *op);

/* ---- attention.c --------------------------------------------------------------------------------------- */

bool xqg_attention_supported(const struct xqg_tensor *op);
int xqg_attention(const struct xqg_tensor *op);

/* ---- halves.c ------------------------------------------------------------------------------------------- */

/* Sum of products of n floats and n halves. */
float xqg_dot_halves(const float *x, const uint16_t *halves, size_t n);

/* y += factor * halves */
void xqg_add_halves(float *y, float factor, const uint16_t *halves, size_t n);

/* Halves of n floats, to nearest even. */
void xqg_to_halves(uint16_t *halves, const float *x, size_t n);

/* ---- tensors ---------------------------------------------------------------------------------------------- */

static inline uint8_t *xqg_row(const struct xqg_tensor *t, int64_t i1, int64_t i2, int64_t i3)
{
	return (uint8_t *)t->data + (size_t)i1 * t->nb[1] + (size_t)i2 * t->nb[2] + (size_t)i3 * t->nb[3];
}

static inline int64_t xqg_elements(const struct xqg_tensor *t)
{
	return t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
}

/* Rows of floats without gaps in them. */
static inline bool xqg_float_rows(const struct xqg_tensor *t)
{
	return t->type == XQG_TYPE_F32 && t->nb[0] == 4;
}

static inline float xqg_float_param(const struct xqg_tensor *op, int i)
{
	union {
		int32_t bits;
		float value;
	} param = { op->op_params[i] };

	return param.value;
}

#endif
