/* SPDX-License-Identifier: MIT */
/*
 * Operations between products, computed by the plugin's own threads, so that a whole graph is one
 * piece: ggml's CPU backend, whose threads wait for each other in a loop, takes the processors from
 * the software device.
 */
#ifndef XQG_HOST_H
#define XQG_HOST_H

#include "abi.h"
#include "pool.h"

/* One source for every width of vectors. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define XQG_VECTORS                                                                  \
	__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), \
		       optimize("O3")))
#else
#define XQG_VECTORS
#endif

/* A destination may be a source, element by element. */
#define XQG_SAME_PLACE	_Pragma("GCC ivdep")

/**
 * struct xqg_angles - the rotations of ROPE that were used last; those of all layers are the same
 * @key: what they follow from, @key_bytes of it, of a memory of @key_room
 * @position_bytes: those of @key that are positions
 * @cosine: [positions][pairs], then as many sines
 */
struct xqg_angles {
	uint8_t *key;
	size_t key_bytes, position_bytes, key_room;
	float *cosine;
	size_t room;
};

/**
 * struct xqg_host - what a stream needs for them; no results depend on it
 */
struct xqg_host {
	struct xqg_pool *pool;
	struct xqg_angles angles;
};

int xqg_host_init(struct xqg_host *host);
void xqg_host_exit(struct xqg_host *host);

/* Whether an operation is one of these. */
bool xqg_host_supported(const struct xqg_tensor *op);

/* Computes it; memory of sources is complete. Return: 0 or a negative errno. */
int xqg_host_compute(struct xqg_host *host, const struct xqg_tensor *op);

/*
 * Calls @rows for ranges that together are [0, count), @elements in each row, on as many threads as
 * that is worth. Returns 0, or an error of one of them.
 */
typedef int (*xqg_rows_fn)(const void *arg, size_t first, size_t last);
int xqg_host_rows(struct xqg_host *host, size_t count, size_t elements, xqg_rows_fn rows,
		  const void *arg);

/* ---- attention.c, attention_block.c ---------------------------------------------------------- */

bool xqg_attention_supported(const struct xqg_tensor *op);
int xqg_attention(struct xqg_host *host, const struct xqg_tensor *op);

/* ---- rope.c ---------------------------------------------------------------------------------- */

bool xqg_rope_supported(const struct xqg_tensor *op);
int xqg_rope(struct xqg_host *host, const struct xqg_tensor *op);

/* ---- rows.c ---------------------------------------------------------------------------------- */

bool xqg_get_rows_supported(const struct xqg_tensor *op);
int xqg_get_rows(struct xqg_host *host, const struct xqg_tensor *op);
bool xqg_set_rows_supported(const struct xqg_tensor *op);
int xqg_set_rows(struct xqg_host *host, const struct xqg_tensor *op);

/* ---- halves.c ------------------------------------------------------------------------------------------- */

/* Sum of products of n floats and n halves. */
float xqg_dot_halves(const float *x, const uint16_t *halves, size_t n);

/* y += factor * halves */
void xqg_add_halves(float *y, float factor, const uint16_t *halves, size_t n);

/* Halves of n floats, to nearest even, and back. */
void xqg_to_halves(uint16_t *halves, const float *x, size_t n);
void xqg_from_halves(float *x, const uint16_t *halves, size_t n);

/* ---- tensors ---------------------------------------------------------------------------------------------- */

static inline uint8_t *xqg_row(const struct xqg_tensor *t, int64_t i1, int64_t i2, int64_t i3)
{
	return (uint8_t *)t->data + (size_t)i1 * t->nb[1] + (size_t)i2 * t->nb[2] + (size_t)i3 * t->nb[3];
}

/* Row number @row of a tensor, as the second dimension counts fastest. */
struct xqg_place {
	int64_t i1, i2, i3;
};

static inline struct xqg_place xqg_place(const struct xqg_tensor *t, size_t row)
{
	const size_t n1 = (size_t)t->ne[1], n2 = (size_t)t->ne[2];

	return (struct xqg_place){ (int64_t)(row % n1), (int64_t)(row / n1 % n2),
				   (int64_t)(row / n1 / n2) };
}

static inline uint8_t *xqg_row_at(const struct xqg_tensor *t, struct xqg_place at)
{
	return xqg_row(t, at.i1, at.i2, at.i3);
}

static inline size_t xqg_row_count(const struct xqg_tensor *t)
{
	return (size_t)(t->ne[1] * t->ne[2] * t->ne[3]);
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
