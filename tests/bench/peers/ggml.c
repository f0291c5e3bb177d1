// SPDX-License-Identifier: MIT
/*
 * ggml's product of f32 by q4_0 with repacked weights, on one thread: what llama.cpp computes with.
 * The activations, which it quantizes itself to groups of 32, are such that its s8 are ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "symbols.h"

#ifdef GGML_FOLDER

#include <ggml.h>
#include <ggml-alloc.h>
#include <ggml-backend.h>

static struct {
	__typeof__(&ggml_backend_load_all_from_path) ggml_backend_load_all_from_path;
	__typeof__(&ggml_backend_dev_by_type) ggml_backend_dev_by_type;
	__typeof__(&ggml_backend_reg_get_proc_address) ggml_backend_reg_get_proc_address;
} call;

static struct {
	__typeof__(&ggml_init) ggml_init;
	__typeof__(&ggml_free) ggml_free;
	__typeof__(&ggml_new_tensor_2d) ggml_new_tensor_2d;
	__typeof__(&ggml_mul_mat) ggml_mul_mat;
	__typeof__(&ggml_new_graph) ggml_new_graph;
	__typeof__(&ggml_build_forward_expand) ggml_build_forward_expand;
	__typeof__(&ggml_tensor_overhead) ggml_tensor_overhead;
	__typeof__(&ggml_graph_overhead) ggml_graph_overhead;
	__typeof__(&ggml_fp32_to_fp16) ggml_fp32_to_fp16;
	__typeof__(&ggml_backend_alloc_ctx_tensors) ggml_backend_alloc_ctx_tensors;
	__typeof__(&ggml_backend_buft_name) ggml_backend_buft_name;
	__typeof__(&ggml_backend_buft_alloc_buffer) ggml_backend_buft_alloc_buffer;
	__typeof__(&ggml_backend_buft_get_alloc_size) ggml_backend_buft_get_alloc_size;
	__typeof__(&ggml_backend_buffer_get_base) ggml_backend_buffer_get_base;
	__typeof__(&ggml_backend_buffer_free) ggml_backend_buffer_free;
	__typeof__(&ggml_backend_tensor_alloc) ggml_backend_tensor_alloc;
	__typeof__(&ggml_backend_tensor_set) ggml_backend_tensor_set;
	__typeof__(&ggml_backend_tensor_get) ggml_backend_tensor_get;
	__typeof__(&ggml_backend_dev_init) ggml_backend_dev_init;
	__typeof__(&ggml_backend_dev_backend_reg) ggml_backend_dev_backend_reg;
	__typeof__(&ggml_backend_graph_compute) ggml_backend_graph_compute;
} base;

#define BASE_SYMBOL(function)	{ #function, (void **)&base.function }
#define LIBRARIES		GGML_FOLDER "/usr/lib/x86_64-linux-gnu/"

static struct {
	ggml_backend_t backend;
	ggml_backend_buffer_type_t repack;
	struct ggml_context *weights, *rest;
	ggml_backend_buffer_t weights_buffer, rest_buffer;
	struct ggml_tensor *y;
	struct ggml_cgraph *graph;
} job;

/* The CPU's device, and the kind of memory in which it repacks weights. */
static const char *find_repack(void)
{
	ggml_backend_dev_t dev = call.ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
	ggml_backend_dev_get_extra_bufts_t extra;
	ggml_backend_set_n_threads_t set_threads;
	ggml_backend_buffer_type_t *buft;

	if (!dev)
		return "it has no backend for this CPU";
	job.backend = base.ggml_backend_dev_init(dev, NULL);
	extra = (ggml_backend_dev_get_extra_bufts_t)call.ggml_backend_reg_get_proc_address(
		base.ggml_backend_dev_backend_reg(dev), "ggml_backend_dev_get_extra_bufts");
	set_threads = (ggml_backend_set_n_threads_t)call.ggml_backend_reg_get_proc_address(
		base.ggml_backend_dev_backend_reg(dev), "ggml_backend_set_n_threads");
	if (!job.backend || !extra || !set_threads)
		return "its backend lacks a function";
	set_threads(job.backend, 1);
	for (buft = extra(dev); buft && *buft; buft++)
		if (!strcmp(base.ggml_backend_buft_name(*buft), "CPU_REPACK"))
			job.repack = *buft;
	return job.repack ? NULL : "it does not repack weights on this CPU";
}

static const char *query(char *version, unsigned int size)
{
	static const struct peer_symbol base_symbols[] = {
		BASE_SYMBOL(ggml_init), BASE_SYMBOL(ggml_free), BASE_SYMBOL(ggml_new_tensor_2d),
		BASE_SYMBOL(ggml_mul_mat), BASE_SYMBOL(ggml_new_graph), BASE_SYMBOL(ggml_build_forward_expand),
		BASE_SYMBOL(ggml_tensor_overhead), BASE_SYMBOL(ggml_graph_overhead),
		BASE_SYMBOL(ggml_fp32_to_fp16), BASE_SYMBOL(ggml_backend_alloc_ctx_tensors),
		BASE_SYMBOL(ggml_backend_buft_name), BASE_SYMBOL(ggml_backend_buft_alloc_buffer),
		BASE_SYMBOL(ggml_backend_buft_get_alloc_size), BASE_SYMBOL(ggml_backend_buffer_get_base),
		BASE_SYMBOL(ggml_backend_buffer_free), BASE_SYMBOL(ggml_backend_tensor_alloc),
		BASE_SYMBOL(ggml_backend_tensor_set), BASE_SYMBOL(ggml_backend_tensor_get),
		BASE_SYMBOL(ggml_backend_dev_init), BASE_SYMBOL(ggml_backend_dev_backend_reg),
		BASE_SYMBOL(ggml_backend_graph_compute),
		{ NULL, NULL }
	};
	static const struct peer_symbol symbols[] = {
		PEER_SYMBOL(ggml_backend_load_all_from_path), PEER_SYMBOL(ggml_backend_dev_by_type),
		PEER_SYMBOL(ggml_backend_reg_get_proc_address), { NULL, NULL }
	};
	const char *error = peer_load(LIBRARIES "libggml-base.so.0", base_symbols);

	if (!error)
		error = peer_load(LIBRARIES "libggml.so.0", symbols);
	if (error)
		return error;
	call.ggml_backend_load_all_from_path(LIBRARIES "ggml/backends0");
	error = find_repack();
	if (!error)
		snprintf(version, size, "%s", GGML_VERSION_TEXT);
	return error;
}

/* Blocks of 32: a scale in 16 bits, then element i with element i + 16 in a byte, plus 8. */
static void *pack_weights(const int8_t *b, uint32_t n, uint32_t k)
{
	uint8_t *blocks = malloc((size_t)n * k / 32 * 18), *to = blocks;

	for (uint32_t row = 0; blocks && row < n; row++) {
		for (uint32_t g = 0; g < k / 32; g++, b += 32, to += 18) {
			const uint16_t scale = base.ggml_fp32_to_fp16(peer_group_scale(row, g));

			memcpy(to, &scale, 2);
			for (unsigned int i = 0; i < 16; i++)
				to[2 + i] = (uint8_t)((b[i] + 8) | (b[i + 16] + 8) << 4);
		}
	}
	return blocks;
}

static float *real_activations(const int8_t *a, uint32_t m, uint32_t k)
{
	float *x = malloc(sizeof(float) * m * k);

	for (uint32_t row = 0; x && row < m; row++)
		for (uint32_t i = 0; i < k; i++)
			x[(size_t)row * k + i] = a[(size_t)row * k + i] * peer_group_scale(row, i / 32);
	return x;
}

static void close_job(void)
{
	if (job.weights_buffer)
		base.ggml_backend_buffer_free(job.weights_buffer);
	if (job.rest_buffer)
		base.ggml_backend_buffer_free(job.rest_buffer);
	if (job.weights)
		base.ggml_free(job.weights);
	if (job.rest)
		base.ggml_free(job.rest);
	job.weights_buffer = job.rest_buffer = NULL;
	job.weights = job.rest = NULL;
}

static const char *open_job(const struct peer_request *r, const void *a, const int8_t *b)
{
	struct ggml_init_params params = { .no_alloc = true };
	void *blocks = pack_weights(b, r->n, r->k);
	float *reals = real_activations(a, r->m, r->k);
	struct ggml_tensor *w, *x;

	params.mem_size = 8 * base.ggml_tensor_overhead() + base.ggml_graph_overhead() + 4096;
	job.weights = base.ggml_init(params);
	job.rest = base.ggml_init(params);
	if (!blocks || !reals || !job.weights || !job.rest)
		return "no memory";
	w = base.ggml_new_tensor_2d(job.weights, GGML_TYPE_Q4_0, r->k, r->n);
	job.weights_buffer = base.ggml_backend_buft_alloc_buffer(
		job.repack, base.ggml_backend_buft_get_alloc_size(job.repack, w));
	if (!job.weights_buffer ||
	    base.ggml_backend_tensor_alloc(job.weights_buffer, w,
					   base.ggml_backend_buffer_get_base(job.weights_buffer)) !=
	    GGML_STATUS_SUCCESS)
		return "no memory for weights";
	base.ggml_backend_tensor_set(w, blocks, 0, (size_t)r->n * r->k / 32 * 18);
	x = base.ggml_new_tensor_2d(job.rest, GGML_TYPE_F32, r->k, r->m);
	job.y = base.ggml_mul_mat(job.rest, w, x);
	job.graph = base.ggml_new_graph(job.rest);
	base.ggml_build_forward_expand(job.graph, job.y);
	job.rest_buffer = base.ggml_backend_alloc_ctx_tensors(job.rest, job.backend);
	if (!job.rest_buffer)
		return "no memory for activations";
	base.ggml_backend_tensor_set(x, reals, 0, sizeof(float) * r->m * r->k);
	free(blocks);
	free(reals);
	return NULL;
}

static const char *run(void)
{
	return base.ggml_backend_graph_compute(job.backend, job.graph) == GGML_STATUS_SUCCESS ? NULL :
	       "ggml_backend_graph_compute failed";
}

/* The floats' bits. */
static float result(int32_t *c)
{
	base.ggml_backend_tensor_get(job.y, c, 0, sizeof(float) * job.y->ne[0] * job.y->ne[1]);
	return 1;
}

#else

static const char *query(char *version, unsigned int size)
{
	(void)version;
	(void)size;
	return "the packages could not be fetched";
}

static const char *open_job(const struct peer_request *r, const void *a, const int8_t *b)
{
	(void)r;
	(void)a;
	(void)b;
	return "not there";
}

static const char *run(void) { return "not there"; }
static float result(int32_t *c) { (void)c; return 0; }
static void close_job(void) { }

#endif

const struct peer peer_ggml_q4_0 = {
	.name = "ggml q4_0", .query = query, .open = open_job, .run = run, .result = result, .close = close_job,
};
