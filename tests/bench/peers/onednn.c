// SPDX-License-Identifier: MIT
/*
 * oneDNN u8 x s8 -> s32 with weights in the layout that it prefers, packed once. Matmul and inner
 * product may choose different kernels; the faster of the two is measured.
 */
#include <string.h>
#include <time.h>

#include "onednn_engine.h"
#include "peer.h"

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

static void destroy(struct variant *v)
{
	if (v->primitive)
		onednn.dnnl_primitive_destroy(v->primitive);
	if (v->a)
		onednn.dnnl_memory_destroy(v->a);
	if (v->b)
		onednn.dnnl_memory_destroy(v->b);
	if (v->c)
		onednn.dnnl_memory_destroy(v->c);
	*v = (struct variant){ 0 };
}

static dnnl_status_t execute(const struct variant *v)
{
	const dnnl_exec_arg_t args[] = {
		{ DNNL_ARG_SRC, v->a }, { DNNL_ARG_WEIGHTS, v->b }, { DNNL_ARG_DST, v->c }
	};
	const dnnl_status_t status = onednn.dnnl_primitive_execute(v->primitive, onednn.stream, 3, args);

	return status == dnnl_success ? onednn.dnnl_stream_wait(onednn.stream) : status;
}

static bool make_memories(struct variant *v, const_dnnl_primitive_desc_t desc,
			  const_dnnl_memory_desc_t plain_b)
{
	const_dnnl_memory_desc_t a = onednn.dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0);
	const_dnnl_memory_desc_t b = onednn.dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md,
								       0);
	const_dnnl_memory_desc_t c = onednn.dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0);
	void *data;

	if (onednn.dnnl_primitive_create(&v->primitive, desc) != dnnl_success ||
	    onednn.dnnl_memory_create(&v->a, a, onednn.engine, DNNL_MEMORY_ALLOCATE) != dnnl_success ||
	    onednn.dnnl_memory_create(&v->b, b, onednn.engine, DNNL_MEMORY_ALLOCATE) != dnnl_success ||
	    onednn.dnnl_memory_create(&v->c, c, onednn.engine, DNNL_MEMORY_ALLOCATE) != dnnl_success ||
	    onednn.dnnl_memory_get_data_handle(v->a, &data) != dnnl_success)
		return false;
	memcpy(data, job.a, (size_t)job.m * job.k);
	return onednn_reorder(job.b, plain_b, v->b, b) && execute(v) == dnnl_success;
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
	if (onednn.dnnl_memory_desc_create_with_tag(&a, 2, dims_a, dnnl_u8, dnnl_ab) ||
	    onednn.dnnl_memory_desc_create_with_tag(&b, 2, dims_b, dnnl_s8, dnnl_format_tag_any) ||
	    onednn.dnnl_memory_desc_create_with_tag(&c, 2, dims_c, dnnl_s32, dnnl_ab) ||
	    onednn.dnnl_memory_desc_create_with_strides(&plain, 2, dims_b, dnnl_s8, strides_b))
		goto out;
	if (inner_product)
		status = onednn.dnnl_inner_product_forward_primitive_desc_create(
			&desc, onednn.engine, dnnl_forward_inference, a, b, NULL, c, NULL);
	else
		status = onednn.dnnl_matmul_primitive_desc_create(&desc, onednn.engine, a, b, NULL, c, NULL);
	ok = status == dnnl_success && make_memories(v, desc, plain);
out:
	if (!ok)
		destroy(v);
	if (desc)
		onednn.dnnl_primitive_desc_destroy(desc);
	if (a)
		onednn.dnnl_memory_desc_destroy(a);
	if (b)
		onednn.dnnl_memory_desc_destroy(b);
	if (c)
		onednn.dnnl_memory_desc_destroy(c);
	if (plain)
		onednn.dnnl_memory_desc_destroy(plain);
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

	if (onednn.dnnl_memory_get_data_handle(job.variant.c, &data) == dnnl_success)
		memcpy(c, data, sizeof(int32_t) * job.m * job.n);
	return 1;
}

static void close_job(void)
{
	destroy(&job.variant);
}

const struct peer peer_onednn_u8s8 = {
	.name = "oneDNN u8s8s32", .query = onednn_query, .open = open_job, .run = run, .result = result,
	.close = close_job,
};
