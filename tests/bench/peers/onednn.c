// SPDX-License-Identifier: MIT
/*
 * oneDNN u8 x s8 -> s32 with weights in the layout that it prefers, packed once. Matmul and inner
 * product may choose different kernels; the faster of the two is measured.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <oneapi/dnnl/dnnl.h>

#include "peer.h"
#include "symbols.h"

#define FUNCTION(name)	__typeof__(&name) name

static struct {
	FUNCTION(dnnl_version);
	FUNCTION(dnnl_engine_create);
	FUNCTION(dnnl_stream_create);
	FUNCTION(dnnl_stream_wait);
	FUNCTION(dnnl_memory_desc_create_with_strides);
	FUNCTION(dnnl_memory_desc_create_with_tag);
	FUNCTION(dnnl_memory_desc_destroy);
	FUNCTION(dnnl_memory_create);
	FUNCTION(dnnl_memory_destroy);
	FUNCTION(dnnl_memory_get_data_handle);
	FUNCTION(dnnl_matmul_primitive_desc_create);
	FUNCTION(dnnl_inner_product_forward_primitive_desc_create);
	FUNCTION(dnnl_reorder_primitive_desc_create);
	FUNCTION(dnnl_primitive_desc_query_md);
	FUNCTION(dnnl_primitive_desc_destroy);
	FUNCTION(dnnl_primitive_create);
	FUNCTION(dnnl_primitive_destroy);
	FUNCTION(dnnl_primitive_execute);
} call;

static dnnl_engine_t engine;
static dnnl_stream_t stream;

/* One way to compute the job. */
struct variant {
	dnnl_primitive_t primitive;
	dnnl_memory_t a, b, c;
};

static struct {
	uint32_t m, n, k;
	const void *a;
	const int8_t *b;
	struct variant variant;
} job;

static const char *query(char *version, unsigned int size)
{
	static const struct peer_symbol symbols[] = {
		PEER_SYMBOL(dnnl_version), PEER_SYMBOL(dnnl_engine_create),
		PEER_SYMBOL(dnnl_stream_create), PEER_SYMBOL(dnnl_stream_wait),
		PEER_SYMBOL(dnnl_memory_desc_create_with_strides),
		PEER_SYMBOL(dnnl_memory_desc_create_with_tag),
		PEER_SYMBOL(dnnl_memory_desc_destroy), PEER_SYMBOL(dnnl_memory_create),
		PEER_SYMBOL(dnnl_memory_destroy), PEER_SYMBOL(dnnl_memory_get_data_handle),
		PEER_SYMBOL(dnnl_matmul_primitive_desc_create),
		PEER_SYMBOL(dnnl_inner_product_forward_primitive_desc_create),
		PEER_SYMBOL(dnnl_reorder_primitive_desc_create),
		PEER_SYMBOL(dnnl_primitive_desc_query_md),
		PEER_SYMBOL(dnnl_primitive_desc_destroy), PEER_SYMBOL(dnnl_primitive_create),
		PEER_SYMBOL(dnnl_primitive_destroy), PEER_SYMBOL(dnnl_primitive_execute),
		{ NULL, NULL }
	};
	const char *error = peer_load(DNNL_SONAME, symbols);
	const dnnl_version_t *v;

	if (error)
		return error;
	if (call.dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success ||
	    call.dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) != dnnl_success)
		return "no engine";
	v = call.dnnl_version();
	snprintf(version, size, "%d.%d.%d", v->major, v->minor, v->patch);
	return NULL;
}

static void destroy(struct variant *v)
{
	if (v->primitive)
		call.dnnl_primitive_destroy(v->primitive);
	if (v->a)
		call.dnnl_memory_destroy(v->a);
	if (v->b)
		call.dnnl_memory_destroy(v->b);
	if (v->c)
		call.dnnl_memory_destroy(v->c);
	*v = (struct variant){ 0 };
}

static dnnl_status_t execute(const struct variant *v)
{
	const dnnl_exec_arg_t args[] = {
		{ DNNL_ARG_SRC, v->a }, { DNNL_ARG_WEIGHTS, v->b }, { DNNL_ARG_DST, v->c }
	};
	const dnnl_status_t status = call.dnnl_primitive_execute(v->primitive, stream, 3, args);

	return status == dnnl_success ? call.dnnl_stream_wait(stream) : status;
}

/* Reorders the plain weights into those of the primitive. */
static bool pack_weights(dnnl_memory_t to, const_dnnl_memory_desc_t to_desc,
			 const_dnnl_memory_desc_t plain_desc)
{
	dnnl_primitive_desc_t desc = NULL;
	dnnl_primitive_t reorder = NULL;
	dnnl_memory_t plain = NULL;
	dnnl_exec_arg_t args[2];
	bool ok;

	ok = call.dnnl_memory_create(&plain, plain_desc, engine, (void *)job.b) == dnnl_success &&
	     call.dnnl_reorder_primitive_desc_create(&desc, plain_desc, engine, to_desc, engine,
						     NULL) == dnnl_success &&
	     call.dnnl_primitive_create(&reorder, desc) == dnnl_success;
	if (ok) {
		args[0] = (dnnl_exec_arg_t){ DNNL_ARG_FROM, plain };
		args[1] = (dnnl_exec_arg_t){ DNNL_ARG_TO, to };
		ok = call.dnnl_primitive_execute(reorder, stream, 2, args) == dnnl_success &&
		     call.dnnl_stream_wait(stream) == dnnl_success;
	}
	if (reorder)
		call.dnnl_primitive_destroy(reorder);
	if (desc)
		call.dnnl_primitive_desc_destroy(desc);
	if (plain)
		call.dnnl_memory_destroy(plain);
	return ok;
}

static bool make_memories(struct variant *v, const_dnnl_primitive_desc_t desc,
			  const_dnnl_memory_desc_t plain_b)
{
	const_dnnl_memory_desc_t a = call.dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0);
	const_dnnl_memory_desc_t b = call.dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md,
								       0);
	const_dnnl_memory_desc_t c = call.dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0);
	void *data;

	if (call.dnnl_primitive_create(&v->primitive, desc) != dnnl_success ||
	    call.dnnl_memory_create(&v->a, a, engine, DNNL_MEMORY_ALLOCATE) != dnnl_success ||
	    call.dnnl_memory_create(&v->b, b, engine, DNNL_MEMORY_ALLOCATE) != dnnl_success ||
	    call.dnnl_memory_create(&v->c, c, engine, DNNL_MEMORY_ALLOCATE) != dnnl_success ||
	    call.dnnl_memory_get_data_handle(v->a, &data) != dnnl_success)
		return false;
	memcpy(data, job.a, (size_t)job.m * job.k);
	return pack_weights(v->b, b, plain_b) && execute(v) == dnnl_success;
}

/* Weights are [k][n] for matmul and [n][k] for inner product; both are B as it lies in memory. */
static bool make_variant(struct variant *v, bool inner_product)
{
	const dnnl_dims_t dims_a = { job.m, job.k }, dims_c = { job.m, job.n };
	const dnnl_dims_t dims_b = { inner_product ? job.n : job.k, inner_product ? job.k : job.n };
	const dnnl_dims_t strides_b = { inner_product ? job.k : 1, inner_product ? 1 : job.k };
	dnnl_memory_desc_t a = NULL, b = NULL, c = NULL, plain = NULL;
	dnnl_primitive_desc_t desc = NULL;
	dnnl_status_t status;
	bool ok = false;

	*v = (struct variant){ 0 };
	if (call.dnnl_memory_desc_create_with_tag(&a, 2, dims_a, dnnl_u8, dnnl_ab) ||
	    call.dnnl_memory_desc_create_with_tag(&b, 2, dims_b, dnnl_s8, dnnl_format_tag_any) ||
	    call.dnnl_memory_desc_create_with_tag(&c, 2, dims_c, dnnl_s32, dnnl_ab) ||
	    call.dnnl_memory_desc_create_with_strides(&plain, 2, dims_b, dnnl_s8, strides_b))
		goto out;
	if (inner_product)
		status = call.dnnl_inner_product_forward_primitive_desc_create(
			&desc, engine, dnnl_forward_inference, a, b, NULL, c, NULL);
	else
		status = call.dnnl_matmul_primitive_desc_create(&desc, engine, a, b, NULL, c, NULL);
	ok = status == dnnl_success && make_memories(v, desc, plain);
out:
	if (!ok)
		destroy(v);
	if (desc)
		call.dnnl_primitive_desc_destroy(desc);
	if (a)
		call.dnnl_memory_desc_destroy(a);
	if (b)
		call.dnnl_memory_desc_destroy(b);
	if (c)
		call.dnnl_memory_desc_destroy(c);
	if (plain)
		call.dnnl_memory_desc_destroy(plain);
	return ok;
}

/* The best of a few runs. */
static double probe(const struct variant *v)
{
	struct timespec start, end;
	double best = 1e9, seconds;

	for (int i = 0; i < 8; i++) {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
		execute(v);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
		seconds = end.tv_sec - start.tv_sec + 1e-9 * (end.tv_nsec - start.tv_nsec);
		if (seconds < best)
			best = seconds;
	}
	return best;
}

static const char *open_job(const struct peer_request *r, const void *a, const int8_t *b)
{
	struct variant matmul, inner_product;
	bool have_matmul, have_inner_product;

	job.m = r->m;
	job.n = r->n;
	job.k = r->k;
	job.a = a;
	job.b = b;
	have_matmul = make_variant(&matmul, false);
	have_inner_product = make_variant(&inner_product, true);
	if (!have_matmul && !have_inner_product)
		return "neither matmul nor inner product takes the shape";
	if (!have_inner_product || (have_matmul && probe(&matmul) <= probe(&inner_product))) {
		job.variant = matmul;
		destroy(&inner_product);
	} else {
		job.variant = inner_product;
		destroy(&matmul);
	}
	return NULL;
}

static const char *run(void)
{
	return execute(&job.variant) == dnnl_success ? NULL : "dnnl_primitive_execute failed";
}

static float result(int32_t *c)
{
	void *data;

	if (call.dnnl_memory_get_data_handle(job.variant.c, &data) == dnnl_success)
		memcpy(c, data, sizeof(int32_t) * job.m * job.n);
	return 1;
}

static void close_job(void)
{
	destroy(&job.variant);
}

const struct peer peer_onednn_u8s8 = {
	.name = "oneDNN u8s8s32", .query = query, .open = open_job, .run = run, .result = result,
	.close = close_job,
};
