// SPDX-License-Identifier: GPL-2.0
/*
 * libggml-xqaccel.so through the public calls of any ggml, beside ggml's own CPU backend: what test-backend-ops does, for
 * builds of ggml that come without it, and what it doesn't do: weights that are kept, overwritten, or mapped from the
 * caller's memory; ids that are no expert; activations in memory of others.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/clients/ggml_calls.h"
#include "tests/unit/ktap.h"

#define MOST_ERROR	5e-4		/* normalized mean square, as test-backend-ops has it */

/**
 * struct product - one that both backends compute
 * @experts: 0 for MUL_MAT, else how many there are, of which each token has @used
 */
struct product {
	int type;
	int64_t k, n, m, w2, x2, w3, x3;
	int64_t experts, used, tokens;
	bool permuted, kept;
};

/* Computes it on a backend; weights are quantized bytes, ids may be NULL. Returns NULL if it failed. */
static float *compute(void *on, const struct product *p, const void *weights, const float *x, const int32_t *ids,
		      size_t *n)
{
	void *context = ggml.init((struct init_params){ 1 << 20, NULL, true });
	void *graph = ggml.new_graph(context);
	void *w = ggml.new_tensor_4d(context, p->type, p->k, p->n, p->experts ? p->experts : p->w2, p->w3);
	void *in, *of, *out, *id = NULL, *buffer;
	float *result = NULL;

	if (p->experts) {
		in = of = ggml.new_tensor_4d(context, F32, p->k, p->used, p->tokens, 1);
		id = ggml.new_tensor_4d(context, I32, p->used, p->tokens, 1, 1);
		out = ggml.mul_mat_id(context, w, in, id);
	} else if (p->permuted) {
		of = ggml.new_tensor_4d(context, F32, p->k, p->x2, p->m, p->x3);
		in = ggml.permute(context, of, 0, 2, 1, 3);
		out = ggml.mul_mat(context, w, in);
	} else {
		in = of = ggml.new_tensor_4d(context, F32, p->k, p->m, p->x2, p->x3);
		out = ggml.mul_mat(context, w, in);
	}
	ggml.build_forward_expand(graph, out);
	buffer = ggml.alloc_ctx_tensors(context, on);
	if (p->kept)
		ggml.buffer_set_usage(buffer, WEIGHTS);
	ggml.tensor_set(w, weights, 0, ggml.nbytes(w));
	ggml.tensor_set(of, x, 0, ggml.nbytes(of));
	if (id)
		ggml.tensor_set(id, ids, 0, ggml.nbytes(id));
	if (!ggml.graph_compute(on, graph)) {
		*n = ggml.nbytes(out) / sizeof(*result);
		result = malloc(ggml.nbytes(out) + 1);
		ggml.tensor_get(out, result, 0, ggml.nbytes(out));
	}
	ggml.buffer_free(buffer);
	ggml.free_context(context);
	return result;
}

/* Some formats want to know how much each column matters. */
static float *importance_for(int type, size_t columns)
{
	float *importance = ggml.quantize_requires_imatrix(type) ? malloc(columns * sizeof(*importance)) : NULL;
	size_t i;

	for (i = 0; importance && i < columns; i++)
		importance[i] = (float)ktap_range(1, 100) * 0.01f;
	return importance;
}

static void *quantize(const struct product *p, size_t rows)
{
	float *values = random_floats(rows * (size_t)p->k);
	float *importance = importance_for(p->type, (size_t)p->k);
	void *blocks = malloc(rows * ggml.row_size(p->type, p->k) + 1);

	ggml.quantize_chunk(p->type, values, blocks, 0, (int64_t)rows, p->k, importance);
	free(values);
	free(importance);
	return blocks;
}

static double compare(const struct product *p)
{
	const size_t rows = (size_t)(p->n * (p->experts ? p->experts : p->w2) * p->w3);
	const size_t inputs = (size_t)(p->k * (p->experts ? p->used * p->tokens : p->m * p->x2 * p->x3));
	void *weights = quantize(p, rows);
	float *x = random_floats(inputs), *got, *wanted;
	int32_t *ids = malloc((size_t)(p->used * p->tokens) * sizeof(*ids) + 1);
	size_t n = 0, i;
	double error = INFINITY;

	for (i = 0; p->experts && i < (size_t)(p->used * p->tokens); i++)
		ids[i] = (int32_t)ktap_range(0, (int)p->experts - 1);
	got = compute(backend, p, weights, x, ids, &n);
	wanted = compute(cpu, p, weights, x, ids, &n);
	if (got && wanted)
		error = error_of(got, wanted, n);
	free(weights);
	free(x);
	free(ids);
	free(got);
	free(wanted);
	return error;
}

/* ---- products --------------------------------------------------------------------------------------------- */

/* Shapes, broadcasting, transposed activations, kept and passing weights, experts, by the CPU's results. */
static void products(const char *name)
{
	struct product p = { .type = -1 };
	int i;

	if (!open_ggml())
		return;
	p.type = type_by_name(name);
	if (p.type < 0) {
		ktap_skip("this ggml doesn't have the type");
		return;
	}
	for (i = 0; i < 12; i++) {
		const int64_t block = ggml.blck_size(p.type);
		double error;

		p.k = block * ktap_range(1, 512 / block + 1);
		p.n = ktap_range(1, 70);
		p.m = i % 3 ? ktap_range(2, 40) : 1;
		p.w2 = ktap_range(1, 2);
		p.x2 = p.w2 * ktap_range(1, 3);
		p.w3 = ktap_range(1, 2);
		p.x3 = p.w3 * ktap_range(1, 2);
		p.permuted = ktap_range(0, 1);
		p.kept = ktap_range(0, 1);
		p.experts = i >= 8 ? ktap_range(2, 6) : 0;
		p.used = ktap_range(1, 2);
		p.tokens = i % 2 ? 1 : ktap_range(2, 30);
		if (p.experts)
			p.w2 = p.x2 = p.w3 = p.x3 = 1;
		error = compare(&p);
		EXPECT(error <= MOST_ERROR, "%s: %lld by %lld, %lld rows, %lld experts: NMSE %.3g", name,
		       (long long)p.n, (long long)p.k, (long long)p.m, (long long)p.experts, error);
	}
}

#define TYPE(name)	static void name##_products(void) { products(#name); }
TYPE(q4_0) TYPE(q4_1) TYPE(q5_0) TYPE(q5_1) TYPE(q8_0) TYPE(q2_K) TYPE(q3_K) TYPE(q4_K) TYPE(q5_K) TYPE(q6_K)
TYPE(iq1_s) TYPE(iq1_m) TYPE(iq2_xxs) TYPE(iq2_xs) TYPE(iq2_s) TYPE(iq3_xxs) TYPE(iq3_s) TYPE(tq1_0) TYPE(nvfp4)
TYPE(iq4_nl) TYPE(iq4_xs) TYPE(mxfp4) TYPE(tq2_0) TYPE(q1_0) TYPE(q2_0)

static void is_a_gpu(void)
{
	size_t free_bytes, total;

	if (!open_ggml())
		return;
	ggml.dev_memory(device, &free_bytes, &total);
	EXPECT(ggml.dev_type(device) == 1, "type %d", ggml.dev_type(device));
	EXPECT(total && free_bytes && free_bytes <= total, "%zu of %zu bytes free", free_bytes, total);
	EXPECT(!strcmp(ggml.dev_name(device), "XQACCEL"), "%s", ggml.dev_name(device));
}

/* Claims of a product of these types. */
static bool claimed(int w_type, int x_type)
{
	void *context = ggml.init((struct init_params){ 1 << 20, NULL, true });
	void *w = ggml.new_tensor_4d(context, w_type, 256, 8, 1, 1);
	void *x = ggml.new_tensor_4d(context, x_type, 256, 2, 1, 1);
	const bool yes = ggml.dev_supports_op(device, ggml.mul_mat(context, w, x));

	ggml.free_context(context);
	return yes;
}

static void claims_what_it_does(void)
{
	if (!open_ggml())
		return;
	EXPECT(claimed(type_by_name("q4_0"), F32), "q4_0 by f32");
	EXPECT(!claimed(type_by_name("f16"), F32), "f16 by f32");
	EXPECT(!claimed(F32, F32), "f32 by f32");
	EXPECT(!claimed(type_by_name("q4_0"), type_by_name("f16")), "q4_0 by f16");
}

/* ---- weights ------------------------------------------------------------------------------------------------ */

#define K	256
#define N	40

/**
 * struct layer - one product whose weights stay from graph to graph
 */
struct layer {
	void *context, *graph, *w, *x, *out, *buffer;
	struct product p;
};

/* Over memory of the caller if there is any. */
static void layer_open(struct layer *l, void *on, void *memory, size_t bytes)
{
	l->p = (struct product){ .type = type_by_name("q8_0"), .k = K, .n = N, .m = 3, .w2 = 1, .w3 = 1,
				 .x2 = 1, .x3 = 1 };
	l->context = ggml.init((struct init_params){ 1 << 20, NULL, true });
	l->graph = ggml.new_graph(l->context);
	l->w = ggml.new_tensor_4d(l->context, l->p.type, K, N, 1, 1);
	if (memory) {
		void *over = ggml.dev_buffer_from_host_ptr(device, memory, bytes, bytes);

		ggml.buffer_set_usage(over, WEIGHTS);
		ggml.tensor_alloc(over, l->w, memory);
	}
	l->x = ggml.new_tensor_4d(l->context, F32, K, 3, 1, 1);
	l->out = ggml.mul_mat(l->context, l->w, l->x);
	ggml.build_forward_expand(l->graph, l->out);
	l->buffer = ggml.alloc_ctx_tensors(l->context, on);
	ggml.buffer_set_usage(l->buffer, WEIGHTS);
}

static void layer_close(struct layer *l)
{
	ggml.buffer_free(l->buffer);
	ggml.free_context(l->context);
}

static double layer_error(struct layer *l, const void *weights, const float *x)
{
	float got[3 * N], *wanted;
	double error = INFINITY;
	size_t n;

	ggml.tensor_set(l->x, x, 0, 3 * K * sizeof(float));
	if (ggml.graph_compute(backend, l->graph))
		return error;
	ggml.tensor_get(l->out, got, 0, sizeof(got));
	wanted = compute(cpu, &l->p, weights, x, NULL, &n);
	if (wanted)
		error = error_of(got, wanted, n);
	free(wanted);
	return error;
}

static void overwritten(void)
{
	struct layer l;
	int i;

	if (!open_ggml())
		return;
	layer_open(&l, backend, NULL, 0);
	for (i = 0; i < 4; i++) {
		void *weights = quantize(&l.p, N);
		float *x = random_floats(3 * K);
		double error;

		ggml.tensor_set(l.w, weights, 0, ggml.nbytes(l.w));
		error = layer_error(&l, weights, x);
		EXPECT(error <= MOST_ERROR, "NMSE %.3g of weights %d", error, i);
		error = layer_error(&l, weights, x);
		EXPECT(error <= MOST_ERROR, "NMSE %.3g of weights %d, again", error, i);
		free(weights);
		free(x);
	}
	layer_close(&l);
}

static void callers_memory(void)
{
	struct product p = { .k = K };
	void *weights, *aligned;
	struct layer l;
	size_t bytes;
	double error;
	float *x;

	if (!open_ggml())
		return;
	p.type = type_by_name("q8_0");
	weights = quantize(&p, N);
	bytes = N * ggml.row_size(p.type, K);
	aligned = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
	memcpy(aligned, weights, bytes);
	x = random_floats(3 * K);
	layer_open(&l, backend, aligned, bytes);
	error = layer_error(&l, weights, x);
	EXPECT(error <= MOST_ERROR, "NMSE %.3g", error);
	layer_close(&l);
	free(weights);
	free(aligned);
	free(x);
}

static void no_expert(void)
{
	const struct product p = { .type = 8, .k = 64, .n = 8, .w3 = 1, .experts = 3, .used = 2, .tokens = 2 };
	const int32_t ids[4] = { 0, 1, 3, 2 }, negative[4] = { 0, 1, -1, 2 };
	void *weights;
	float *x, *y;
	size_t n;

	if (!open_ggml())
		return;
	weights = quantize(&p, (size_t)(p.n * p.experts));
	x = random_floats(64 * 4);
	y = compute(backend, &p, weights, x, ids, &n);
	EXPECT(!y, "an expert past the last");
	free(y);
	y = compute(backend, &p, weights, x, negative, &n);
	EXPECT(!y, "a negative one");
	free(y);
	free(weights);
	free(x);
}

KTAP_MAIN(
	{ "a GPU that has memory", is_a_gpu },
	{ "claims what it computes", claims_what_it_does },
	{ "q4_0", q4_0_products }, { "q4_1", q4_1_products }, { "q5_0", q5_0_products }, { "q5_1", q5_1_products },
	{ "q8_0", q8_0_products }, { "q2_K", q2_K_products }, { "q3_K", q3_K_products }, { "q4_K", q4_K_products },
	{ "q5_K", q5_K_products }, { "q6_K", q6_K_products }, { "iq1_s", iq1_s_products },
	{ "iq1_m", iq1_m_products }, { "iq2_xxs", iq2_xxs_products }, { "iq2_xs", iq2_xs_products },
	{ "iq2_s", iq2_s_products }, { "iq3_xxs", iq3_xxs_products }, { "iq3_s", iq3_s_products },
	{ "tq1_0", tq1_0_products }, { "nvfp4", nvfp4_products }, { "iq4_nl", iq4_nl_products },
	{ "iq4_xs", iq4_xs_products }, { "mxfp4", mxfp4_products }, { "tq2_0", tq2_0_products },
	{ "q1_0", q1_0_products }, { "q2_0", q2_0_products },
	{ "weights that are overwritten", overwritten },
	{ "weights in the caller's memory", callers_memory },
	{ "ids that are no expert", no_expert },
)
