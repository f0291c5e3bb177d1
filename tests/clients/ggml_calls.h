/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Any ggml's public calls, looked up at run time, with its CPU backend and the plugin.
 *
 * XQ_GGML is the path of libggml.so, XQ_GGML_CPU that of its CPU backend, XQ_GGML_PLUGIN the
 * plugin's.
 */
#ifndef GGML_CALLS_H
#define GGML_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/unit/ktap.h"

#define F32		0
#define F16		1
#define I32		26
#define I64		27

/* What a buffer is for. */
#define WEIGHTS		1

struct init_params {
	size_t bytes;
	void *memory;
	bool no_alloc;
};

/* ggml's own calls; objects are only passed on. */
struct ggml_calls {
	void *(*backend_load)(const char *path);
	void (*backend_unload)(void *registry);
	size_t (*reg_dev_count)(void *reg);
	void *(*reg_dev_get)(void *reg, size_t index);
	void *(*dev_init)(void *dev, const char *params);
	const char *(*dev_name)(void *dev);
	int (*dev_type)(void *dev);
	void (*dev_memory)(void *dev, size_t *free, size_t *total);
	bool (*dev_supports_op)(void *dev, const void *op);
	void *(*dev_buffer_from_host_ptr)(void *dev, void *memory, size_t bytes, size_t most);
	void (*backend_free)(void *backend);
	int (*graph_compute)(void *backend, void *graph);
	void *(*init)(struct init_params params);
	void (*free_context)(void *context);
	void *(*new_tensor_4d)(void *context, int type, int64_t a, int64_t b, int64_t c, int64_t d);
	void *(*mul_mat)(void *context, void *w, void *x);
	void *(*mul_mat_id)(void *context, void *w, void *x, void *ids);
	void *(*reg_proc_address)(void *reg, const char *name);
	void *(*rms_norm)(void *context, void *x, float epsilon);
	void *(*mul)(void *context, void *x, void *y);
	void *(*add)(void *context, void *x, void *y);
	void *(*add_inplace)(void *context, void *x, void *y);
	void *(*swiglu_split)(void *context, void *gate, void *value);
	void *(*rope_ext)(void *context, void *x, void *positions, void *factors, int dims,
			  int mode, int trained, float base, float scale, float extend,
			  float factor, float fast, float slow);
	void *(*set_rows)(void *context, void *to, void *from, void *rows);
	void *(*get_rows)(void *context, void *from, void *rows);
	void *(*flash_attn_ext)(void *context, void *q, void *k, void *v, void *mask, float scale,
				float most_bias, float softcap);
	void (*fp32_to_fp16_row)(const float *from, uint16_t *to, int64_t n);
	void *(*view_3d)(void *context, void *x, int64_t a, int64_t b, int64_t c, size_t nb1,
			 size_t nb2, size_t offset);
	void *(*permute)(void *context, void *x, int a, int b, int c, int d);
	void *(*new_graph)(void *context);
	void (*build_forward_expand)(void *graph, void *tensor);
	void *(*alloc_ctx_tensors)(void *context, void *backend);
	void (*buffer_free)(void *buffer);
	void (*buffer_set_usage)(void *buffer, int usage);
	int (*tensor_alloc)(void *buffer, void *tensor, void *address);
	void (*tensor_set)(void *tensor, const void *data, size_t offset, size_t bytes);
	void (*tensor_get)(const void *tensor, void *data, size_t offset, size_t bytes);
	size_t (*quantize_chunk)(int type, const float *from, void *to, int64_t start, int64_t rows,
				 int64_t columns, const float *importance);
	bool (*quantize_requires_imatrix)(int type);
	size_t (*row_size)(int type, int64_t columns);
	size_t (*nbytes)(const void *tensor);
	const char *(*type_name)(int type);
	int64_t (*blck_size)(int type);
};

extern struct ggml_calls ggml;

/* Of the plugin, but for the CPU backend. */
extern void *registry, *device, *backend, *cpu;

/* Once. Return: NULL, or what is missing. */
const char *ggml_open(void);

/* False if it can't be had, which fails the case. */
static inline bool open_ggml(void)
{
	const char *missing = ggml_open();

	return EXPECT(!missing, "%s", missing);
}

/* -1 where this ggml has none of the name. */
int type_by_name(const char *name);

/* To be freed. */
static inline float *random_floats(size_t n)
{
	float *x = malloc(n * sizeof(*x) + 1);
	size_t i;

	for (i = 0; i < n; i++)
		x[i] = (float)ktap_range(-1000000, 1000000) * 1e-6f;
	return x;
}

/* Normalized mean square. */
double error_of(const float *got, const float *wanted, size_t n);

#endif
