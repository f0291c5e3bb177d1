// SPDX-License-Identifier: MIT
/*
 * oneDNN's convolution, u8 x s8 -> s8 by a scale per output channel, NHWC, with weights in the layout that it prefers,
 * packed once.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oneapi/dnnl/dnnl.h>

#include "peer.h"
#include "symbols.h"

#define FUNCTION(name)	__typeof__(&name) name

static struct {
	FUNCTION(dnnl_version);
	FUNCTION(dnnl_engine_create);
	FUNCTION(dnnl_stream_create);
	FUNCTION(dnnl_stream_wait);
	FUNCTION(dnnl_memory_desc_create_with_tag);
	FUNCTION(dnnl_memory_desc_destroy);
	FUNCTION(dnnl_memory_create);
	FUNCTION(dnnl_memory_destroy);
	FUNCTION(dnnl_memory_get_data_handle);
	FUNCTION(dnnl_convolution_forward_primitive_desc_create);
	FUNCTION(dnnl_primitive_attr_create);
	FUNCTION(dnnl_primitive_attr_destroy);
	FUNCTION(dnnl_primitive_attr_set_scales_mask);
	FUNCTION(dnnl_reorder_primitive_desc_create);
	FUNCTION(dnnl_primitive_desc_query_md);
	FUNCTION(dnnl_primitive_desc_destroy);
	FUNCTION(dnnl_primitive_create);
	FUNCTION(dnnl_primitive_destroy);
	FUNCTION(dnnl_primitive_execute);
} call;

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static struct {
	dnnl_primitive_t primitive;
	dnnl_memory_t x, w, y, scales;
	float *scale;			/* of output channels */
	float unit;
	size_t outputs;
} job;

static const char *query(char *version, unsigned int size)
{
	static const struct peer_symbol symbols[] = {
		PEER_SYMBOL(dnnl_version), PEER_SYMBOL(dnnl_engine_create),
		PEER_SYMBOL(dnnl_stream_create), PEER_SYMBOL(dnnl_stream_wait),
		PEER_SYMBOL(dnnl_memory_desc_create_with_tag), PEER_SYMBOL(dnnl_memory_desc_destroy),
		PEER_SYMBOL(dnnl_memory_create), PEER_SYMBOL(dnnl_memory_destroy),
		PEER_SYMBOL(dnnl_memory_get_data_handle),
		PEER_SYMBOL(dnnl_convolution_forward_primitive_desc_create),
		PEER_SYMBOL(dnnl_primitive_attr_create), PEER_SYMBOL(dnnl_primitive_attr_destroy),
		PEER_SYMBOL(dnnl_primitive_attr_set_scales_mask),
		PEER_SYMBOL(dnnl_reorder_primitive_desc_create), PEER_SYMBOL(dnnl_primitive_desc_query_md),
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

static void close_job(void)
{
	if (job.primitive)
		call.dnnl_primitive_destroy(job.primitive);
	if (job.x)
		call.dnnl_memory_destroy(job.x);
	if (job.w)
		call.dnnl_memory_destroy(job.w);
	if (job.y)
		call.dnnl_memory_destroy(job.y);
	if (job.scales)
		call.dnnl_memory_destroy(job.scales);
	free(job.scale);
	memset(&job, 0, sizeof(job));
}

/* What lies as `from` says into a memory of the primitive's own layout. */
static bool reorder(const void *data, const_dnnl_memory_desc_t from, dnnl_memory_t to,
		    const_dnnl_memory_desc_t to_desc)
{
	dnnl_primitive_desc_t desc = NULL;
	dnnl_primitive_t primitive = NULL;
	dnnl_memory_t plain = NULL;
	dnnl_exec_arg_t args[2];
	bool ok = call.dnnl_memory_create(&plain, from, engine, (void *)data) == dnnl_success &&
		  call.dnnl_reorder_primitive_desc_create(&desc, from, engine, to_desc, engine, NULL) ==
		  dnnl_success && call.dnnl_primitive_create(&primitive, desc) == dnnl_success;

	if (ok) {
		args[0] = (dnnl_exec_arg_t){ DNNL_ARG_FROM, plain };
		args[1] = (dnnl_exec_arg_t){ DNNL_ARG_TO, to };
		ok = call.dnnl_primitive_execute(primitive, stream, 2, args) == dnnl_success &&
		     call.dnnl_stream_wait(stream) == dnnl_success;
	}
	if (primitive)
		call.dnnl_primitive_destroy(primitive);
	if (desc)
		call.dnnl_primitive_desc_destroy(desc);
	if (plain)
		call.dnnl_memory_destroy(plain);
	return ok;
}

static const char *run(void)
{
	const dnnl_exec_arg_t args[] = {
		{ DNNL_ARG_SRC, job.x }, { DNNL_ARG_WEIGHTS, job.w }, { DNNL_ARG_DST, job.y },
		{ DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, job.scales }
	};

	if (call.dnnl_primitive_execute(job.primitive, stream, 4, args) != dnnl_success ||
	    call.dnnl_stream_wait(stream) != dnnl_success)
		return "dnnl_primitive_execute failed";
	return NULL;
}

static bool make_memories(const_dnnl_primitive_desc_t desc, const_dnnl_memory_desc_t plain_x, const void *x,
			  const_dnnl_memory_desc_t plain_w, const void *w)
{
	const_dnnl_memory_desc_t in = call.dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0);
	const_dnnl_memory_desc_t weights = call.dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
	const_dnnl_memory_desc_t out = call.dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0);

	return call.dnnl_primitive_create(&job.primitive, desc) == dnnl_success &&
	       call.dnnl_memory_create(&job.x, in, engine, DNNL_MEMORY_ALLOCATE) == dnnl_success &&
	       call.dnnl_memory_create(&job.w, weights, engine, DNNL_MEMORY_ALLOCATE) == dnnl_success &&
	       call.dnnl_memory_create(&job.y, out, engine, DNNL_MEMORY_ALLOCATE) == dnnl_success &&
	       reorder(x, plain_x, job.x, in) && reorder(w, plain_w, job.w, weights) && !run();
}

/* The scales of weights are those from accumulators to results. */
static bool make_scales(uint32_t channels)
{
	const dnnl_dims_t dims = { channels };
	dnnl_memory_desc_t desc = NULL;
	bool ok;

	job.scale = malloc(channels * sizeof(float));
	for (uint32_t i = 0; job.scale && i < channels; i++)
		job.scale[i] = 1 / job.unit;
	ok = job.scale && !call.dnnl_memory_desc_create_with_tag(&desc, 1, dims, dnnl_f32, dnnl_a) &&
	     !call.dnnl_memory_create(&job.scales, desc, engine, job.scale);
	if (desc)
		call.dnnl_memory_desc_destroy(desc);
	return ok;
}

static const char *open_job(const struct peer_request *r, const void *x, const int8_t *w)
{
	const struct peer_layer *l = &r->layer;
	const int64_t size = l->size, pad = l->kernel / 2, out = (size + 2 * pad - l->kernel) / l->stride + 1;
	const int64_t seen = (out - 1) * l->stride + l->kernel;
	const int64_t after = seen > size + pad ? seen - size - pad : 0;
	const dnnl_dims_t dims_x = { 1, l->in_c, size, size }, dims_y = { 1, l->out_c, out, out };
	const dnnl_dims_t dims_w = { l->out_c, l->in_c, l->kernel, l->kernel };
	const dnnl_dims_t dims_grouped = { l->groups, l->out_c / l->groups, l->in_c / l->groups, l->kernel,
					   l->kernel };
	const dnnl_dims_t strides = { l->stride, l->stride }, dilations = { 0, 0 };
	const dnnl_dims_t before = { pad, pad }, behind = { after, after };
	const bool grouped = l->groups > 1;
	const int w_dims = grouped ? 5 : 4;
	dnnl_memory_desc_t desc_x = NULL, desc_w = NULL, desc_y = NULL, plain_w = NULL;
	dnnl_primitive_desc_t desc = NULL;
	dnnl_primitive_attr_t attr = NULL;
	bool ok;

	memset(&job, 0, sizeof(job));
	job.outputs = (size_t)(out * out) * l->out_c;
	job.unit = peer_layer_unit(l);
	ok = !call.dnnl_memory_desc_create_with_tag(&desc_x, 4, dims_x, dnnl_u8, dnnl_nhwc) &&
	     !call.dnnl_memory_desc_create_with_tag(&desc_y, 4, dims_y, dnnl_s8, dnnl_nhwc) &&
	     !call.dnnl_primitive_attr_create(&attr) &&
	     !call.dnnl_primitive_attr_set_scales_mask(attr, DNNL_ARG_WEIGHTS, grouped ? 3 : 1) &&
	     !call.dnnl_memory_desc_create_with_tag(&desc_w, w_dims, grouped ? dims_grouped : dims_w, dnnl_s8,
						    dnnl_format_tag_any) &&
	     !call.dnnl_memory_desc_create_with_tag(&plain_w, w_dims, grouped ? dims_grouped : dims_w, dnnl_s8,
						    grouped ? dnnl_abdec : dnnl_acdb) &&
	     !call.dnnl_convolution_forward_primitive_desc_create(
			&desc, engine, dnnl_forward_inference, dnnl_convolution_direct, desc_x, desc_w, NULL,
			desc_y, strides, dilations, before, behind, attr) &&
	     make_scales(l->out_c) && make_memories(desc, desc_x, x, plain_w, w);
	if (!ok)
		close_job();
	if (desc)
		call.dnnl_primitive_desc_destroy(desc);
	if (attr)
		call.dnnl_primitive_attr_destroy(attr);
	if (desc_x)
		call.dnnl_memory_desc_destroy(desc_x);
	if (desc_y)
		call.dnnl_memory_desc_destroy(desc_y);
	if (desc_w)
		call.dnnl_memory_desc_destroy(desc_w);
	if (plain_w)
		call.dnnl_memory_desc_destroy(plain_w);
	return ok ? NULL : "the convolution can't be made";
}

static float result(int32_t *y)
{
	void *data;

	if (call.dnnl_memory_get_data_handle(job.y, &data) == dnnl_success)
		for (size_t i = 0; i < job.outputs; i++)
			y[i] = ((const int8_t *)data)[i];
	return job.unit;
}

const struct peer peer_onednn_conv = {
	.name = "oneDNN u8s8s8 convolution", .query = query, .open = open_job, .run = run, .result = result,
	.close = close_job,
};
