/* SPDX-License-Identifier: MIT */
/* Functions of the ggml that loaded this plugin, and its numbers of operations. */
#ifndef XQG_SYMBOLS_H
#define XQG_SYMBOLS_H

#include "abi.h"

/**
 * enum xqg_grid - formats whose elements ggml is asked for, as their grids are its own
 */
enum xqg_grid {
	XQG_NO_GRID,
	XQG_IQ1_S,
	XQG_IQ1_M,
	XQG_IQ2_XXS,
	XQG_IQ2_XS,
	XQG_IQ2_S,
	XQG_IQ3_XXS,
	XQG_IQ3_S,
	XQG_GRIDS
};

/**
 * struct xqg_symbols - filled in once, before anything else is called
 * @api: number of the interface, 2 or 3
 * @op_*: numbers of operations
 * @type_traits: NULL where this ggml has none, or other ones
 * @expand: blocks as floats, by format; NULL where this ggml has none
 */
struct xqg_symbols {
	int api;
	int op_none, op_reshape, op_view, op_permute, op_transpose, op_mul_mat, op_mul_mat_id;
	int op_add, op_mul, op_rms_norm, op_glu, op_rope, op_dup, op_get_rows, op_set_rows,
		op_flash_attn_ext;
	const char *(*op_name)(int op);
	const char *(*type_name)(int type);
	const struct xqg_type_traits *(*type_traits)(int type);
	size_t (*tensor_overhead)(void);
	int (*graph_n_nodes)(struct xqg_graph *graph);
	struct xqg_tensor *(*graph_node)(struct xqg_graph *graph, int i);
	bool (*buft_is_host)(struct xqg_buffer_type *type);
	struct xqg_buffer *(*buffer_init)(struct xqg_buffer_type *type, struct xqg_buffer_iface iface, void *context,
					  size_t size);
	void (*expand[XQG_GRIDS])(const void *blocks, float *x, int64_t elements);
	void (*log_internal)(int level, const char *format, ...);
};

extern struct xqg_symbols xqg;

/*
 * Looks them up in the library that holds the address @caller, and in those it needs. Returns NULL, or the name of what is
 * missing or other than expected.
 */
const char *xqg_symbols_find(const void *caller);

/* To ggml's log, or stderr where it has none; levels are ggml's. */
#define XQG_INFO	2
#define XQG_ERROR	4

__attribute__((format(printf, 2, 3)))
void xqg_log(int level, const char *format, ...);

#endif
