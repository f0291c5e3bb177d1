// SPDX-License-Identifier: GPL-2.0
/*
 * What libggml-xqaccel.so computes between products, of a few rows and of as many as a prompt has,
 * through ggml's public calls: beside ggml's CPU backend, and the same bits on one thread as on
 * three.
 */
#include <math.h>
#include <string.h>

#include "tests/clients/ggml_calls.h"

#define MOST_INPUTS	4
#define Q8_0		8

/**
 * struct input - a tensor and its contents, to be freed
 */
struct input {
	int type;
	int64_t ne[4];
	void *data;
};

/**
 * struct operation - one that both backends compute
 * @build: gives the result of tensors of @in
 */
struct operation {
	void *(*build)(void *context, void *graph, void *const in[MOST_INPUTS],
		       const struct operation *op);
	struct input in[MOST_INPUTS];
	int kind;
	int64_t parameter;
};

static size_t elements(const struct input *in)
{
	return (size_t)(in->ne[0] * in->ne[1] * in->ne[2] * in->ne[3]);
}

static struct input floats(int64_t a, int64_t b, int64_t c, int64_t d)
{
	struct input in = { .type = F32, .ne = { a, b, c, d } };

	in.data = random_floats(elements(&in));
	return in;
}

static struct input halves(int64_t a, int64_t b, int64_t c, int64_t d)
{
	struct input in = floats(a, b, c, d);
	uint16_t *to = malloc(elements(&in) * sizeof(*to) + 1);

	ggml.fp32_to_fp16_row(in.data, to, (int64_t)elements(&in));
	free(in.data);
	in.data = to;
	in.type = F16;
	return in;
}

static void *compute(void *on, const struct operation *op, size_t *bytes)
{
	void *context = ggml.init((struct init_params){ 1 << 20, NULL, true });
	void *graph = ggml.new_graph(context), *in[MOST_INPUTS] = { NULL }, *out, *buffer,
	     *result = NULL;
	int i;

	for (i = 0; i < MOST_INPUTS && op->in[i].data; i++)
		in[i] = ggml.new_tensor_4d(context, op->in[i].type, op->in[i].ne[0],
					   op->in[i].ne[1], op->in[i].ne[2], op->in[i].ne[3]);
	out = op->build(context, graph, in, op);
	ggml.build_forward_expand(graph, out);
	buffer = ggml.alloc_ctx_tensors(context, on);
	ggml.buffer_set_usage(buffer, WEIGHTS);
	for (i = 0; i < MOST_INPUTS && in[i]; i++)
		ggml.tensor_set(in[i], op->in[i].data, 0, ggml.nbytes(in[i]));
	*bytes = ggml.nbytes(out);
	if ((on != backend || ggml.dev_supports_op(device, out)) &&
	    !ggml.graph_compute(on, graph)) {
		result = malloc(*bytes + 1);
		ggml.tensor_get(out, result, 0, *bytes);
	}
	ggml.buffer_free(buffer);
	ggml.free_context(context);
	return result;
}

static void set_threads(int threads)
{
	void (*set)(void *, int) = (void (*)(void *, int))ggml.reg_proc_address(
		registry, "ggml_backend_set_n_threads");

	if (EXPECT(set, "no call that sets threads"))
		set(backend, threads);
}

/* Frees the inputs. Results of halves are compared by their bytes. */
static void check(const char *name, struct operation *op, double most_error)
{
	size_t bytes, i;
	void *wanted = compute(cpu, op, &bytes), *one, *three;

	set_threads(1);
	one = compute(backend, op, &bytes);
	set_threads(3);
	three = compute(backend, op, &bytes);
	if (EXPECT(wanted && one && three, "%s: not computed", name)) {
		const double error = most_error > 0 ? error_of(one, wanted, bytes / sizeof(float)) :
						      memcmp(one, wanted, bytes);

		EXPECT(fabs(error) <= most_error, "%s of %lld rows: NMSE %.3g", name,
		       (long long)op->in[0].ne[1], error);
		EXPECT(!memcmp(one, three, bytes), "%s: another result on three threads", name);
	}
	free(wanted);
	free(one);
	free(three);
	for (i = 0; i < MOST_INPUTS; i++)
		free(op->in[i].data);
}

/* ---- rows ------------------------------------------------------------------------------------ */

#define PASSES	8

/* Few and many, in turns. */
static int64_t some_rows(int pass)
{
	return pass % 2 ? ktap_range(100, 300) : ktap_range(1, 9);
}

static void *build_norm(void *context, void *graph, void *const in[MOST_INPUTS],
			const struct operation *op)
{
	(void)graph;
	(void)op;
	return ggml.add(context, ggml.mul(context, ggml.rms_norm(context, in[0], 1e-5f), in[1]),
			in[2]);
}

static void norms(void)
{
	int i;

	for (i = 0; i < PASSES && open_ggml(); i++) {
		const int64_t n = ktap_range(200, 1100), rows = some_rows(i),
			      more = ktap_range(1, 2);
		struct operation op = { .build = build_norm,
					.in = { floats(n, rows, more, 1), floats(n, 1, 1, 1),
						floats(n, rows, more, 1) } };

		check("norm, gain and sum", &op, 1e-7);
	}
}

static void *build_gate(void *context, void *graph, void *const in[MOST_INPUTS],
			const struct operation *op)
{
	(void)graph;
	(void)op;
	return ggml.swiglu_split(context, in[0], in[1]);
}

/* From -40 to 40, of which the sigmoid is all that a float has. */
static void gates(void)
{
	int i;

	for (i = 0; i < PASSES && open_ggml(); i++) {
		const int64_t n = ktap_range(200, 1100), rows = some_rows(i);
		struct operation op = { .build = build_gate,
					.in = { floats(n, rows, 1, 1), floats(n, rows, 1, 1) } };
		float *gate = op.in[0].data;
		size_t j;

		for (j = 0; j < elements(&op.in[0]); j++)
			gate[j] *= i % 4 < 2 ? 1 : 40;
		check("gate", &op, 1e-11);
	}
}

static void *build_rope(void *context, void *graph, void *const in[MOST_INPUTS],
			const struct operation *op)
{
	(void)graph;
	return ggml.rope_ext(context, in[0], in[1], in[2], (int)op->parameter, op->kind, 4096,
			     10000, 1, 0, 1, 32, 1);
}

static void rope(int mode, int64_t dims, int64_t rows, bool scaled)
{
	struct operation op = { .build = build_rope,
				.kind = mode,
				.parameter = dims,
				.in = { floats(dims + 2 * ktap_range(0, 1) * ktap_range(0, 9),
					       ktap_range(1, 9), rows, 1),
					{ .type = I32, .ne = { rows, 1, 1, 1 } },
					floats(dims / 2, 1, 1, 1) } };
	int32_t *positions = op.in[1].data = malloc((size_t)rows * sizeof(*positions));
	float *factors = op.in[2].data;
	int64_t i;

	for (i = 0; i < rows; i++)
		positions[i] = (int32_t)ktap_range(0, 4000);
	for (i = 0; i < dims / 2; i++)
		factors[i] = 1.5f + factors[i] / 2;
	if (!scaled) {
		free(factors);
		op.in[2].data = NULL;
	}
	check("rotation", &op, 1e-6);
}

/*
 * Pairs that are neighbours and that are apart, all dimensions and a part of them, with factors and
 * without; each twice with the same parameters, so that only positions or factors tell the
 * operations apart.
 */
static void ropes(void)
{
	int i;

	for (i = 0; i < 2 * PASSES && open_ggml(); i++) {
		const int64_t dims = 2 * ktap_range(8, 64), rows = some_rows(i);

		rope(i & 2, dims, rows, i & 4);
		rope(i & 2, dims, rows, i & 4);
	}
}

static void *build_set(void *context, void *graph, void *const in[MOST_INPUTS],
		       const struct operation *op)
{
	(void)graph;
	(void)op;
	return ggml.set_rows(context, in[0], in[1], in[2]);
}

/* Rows of floats into halves, without a place twice, for ggml's threads would compete for it. */
static void sets(void)
{
	int i;

	for (i = 0; i < PASSES && open_ggml(); i++) {
		const int64_t n = ktap_range(20, 600), rows = some_rows(i),
			      places = rows + ktap_range(0, 90);
		struct operation op = { .build = build_set,
					.in = { halves(n, places, 1, 1),
						floats(n, rows, 1, 1),
						{ .type = I64, .ne = { rows, 1, 1, 1 } } } };
		int64_t *to = op.in[2].data = malloc((size_t)rows * sizeof(*to)), j;

		for (j = 0; j < rows; j++)
			to[j] = (j + places / 2) % places;
		check("rows set", &op, 0);
	}
}

static void *build_get(void *context, void *graph, void *const in[MOST_INPUTS],
		       const struct operation *op)
{
	(void)graph;
	(void)op;
	return ggml.get_rows(context, in[0], in[1]);
}

static void gets(void)
{
	int i;

	for (i = 0; i < PASSES && open_ggml(); i++) {
		const int64_t n = ktap_range(20, 600), rows = some_rows(i),
			      places = ktap_range(1, 300);
		struct operation op = { .build = build_get,
					.in = { floats(n, places, 1, 1),
						{ .type = I32, .ne = { rows, 1, 1, 1 } } } };
		int32_t *from = op.in[1].data = malloc((size_t)rows * sizeof(*from));
		int64_t j;

		for (j = 0; j < rows; j++)
			from[j] = (int32_t)ktap_range(0, (int)places - 1);
		check("rows taken", &op, 0);
	}
}

/* ---- attention ------------------------------------------------------------------------------- */

static void *build_attention(void *context, void *graph, void *const in[MOST_INPUTS],
			     const struct operation *op)
{
	(void)graph;
	return ggml.flash_attn_ext(context, in[0], in[1], in[2], op->in[3].data ? in[3] : NULL,
				   1 / sqrtf((float)op->in[0].ne[0]), 0, 0);
}

enum mask { CAUSAL, RANDOM, NO_MASK, MASKS };

static struct input mask_of(enum mask kind, int64_t tokens, int64_t keys)
{
	struct input in = floats(keys, tokens, 1, 1);
	float *add = in.data;
	uint16_t *to = malloc(elements(&in) * sizeof(*to));
	int64_t i, j;

	for (i = 0; i < tokens; i++)
		for (j = 0; j < keys; j++)
			if (kind == CAUSAL)
				add[i * keys + j] = j > i + keys - tokens ? -INFINITY : 0;
			else if (j && ktap_range(0, 3) == 0)
				add[i * keys + j] = -INFINITY;
	ggml.fp32_to_fp16_row(add, to, (int64_t)elements(&in));
	free(add);
	in.data = to;
	in.type = F16;
	return in;
}

/* Sharp ones, too: scores of which one is the greatest by far. */
static void attention(void)
{
	int i;

	for (i = 0; i < 12 * MASKS && open_ggml(); i++) {
		const int64_t dims = 8 * ktap_range(3, 17), heads = ktap_range(1, 3),
			      tokens = some_rows(i);
		const int64_t keys = tokens + ktap_range(0, 200),
			      values = ktap_range(0, 1) ? dims : 8 * ktap_range(3, 17);
		const enum mask kind = i / 2 % MASKS;
		struct operation op = { .build = build_attention,
					.in = { floats(dims, tokens, heads * ktap_range(1, 3), 1),
						halves(dims, keys, heads, 1),
						halves(values, keys, heads, 1) } };
		float *q = op.in[0].data;
		size_t j;

		for (j = 0; i % 5 == 0 && j < elements(&op.in[0]); j++)
			q[j] *= 30;
		if (kind != NO_MASK)
			op.in[3] = mask_of(kind, tokens, keys);
		check("attention", &op, 1e-5);
	}
}

/* ---- with products --------------------------------------------------------------------------- */

static void *build_products(void *context, void *graph, void *const in[MOST_INPUTS],
			    const struct operation *op)
{
	void *first = ggml.mul_mat(context, in[0], in[1]),
	     *between = ggml.add(context, first, in[2]);

	ggml.build_forward_expand(graph, between);
	if (op->kind)
		ggml.build_forward_expand(graph, ggml.add_inplace(context, in[1], in[3]));
	return ggml.add(context, ggml.mul_mat(context, in[0], in[1]), between);
}

/*
 * Two products of the same activations with an operation between them, which either changes the
 * activations or doesn't: quantized ones are kept in the second case only.
 */
static void products(void)
{
	int i;

	for (i = 0; i < PASSES && open_ggml(); i++) {
		const int64_t k = 32 * ktap_range(2, 20), n = ktap_range(1, 90),
			      rows = some_rows(i);
		struct operation op = { .build = build_products,
					.in = { floats(k, n, 1, 1), floats(k, rows, 1, 1),
						floats(n, rows, 1, 1), floats(k, rows, 1, 1) },
					.kind = i / 2 % 2 };
		void *blocks = malloc((size_t)n * ggml.row_size(Q8_0, k));

		ggml.quantize_chunk(Q8_0, op.in[0].data, blocks, 0, n, k, NULL);
		free(op.in[0].data);
		op.in[0].data = blocks;
		op.in[0].type = Q8_0;
		check("products", &op, 5e-4);
	}
}

KTAP_MAIN(
	{ "norms, gains and sums", norms },
	{ "gates", gates },
	{ "rotations", ropes },
	{ "rows that are set", sets },
	{ "rows that are taken", gets },
	{ "attention", attention },
	{ "activations between products", products },
)
