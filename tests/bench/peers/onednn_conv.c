// SPDX-License-Identifier: MIT
/*
 * oneDNN's convolution, u8 x s8 -> s8 by a scale per output channel, NHWC, with weights in the layout that it prefers,
 * packed once.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onednn_engine.h"
#include "peer.h"

static struct {
	dnnl_primitive_t primitive;
	dnnl_memory_t x, w, y, scales;
	float *scale;			/* of output channels */
	float unit;
	size_t outputs;
} job;

static void close_job(void)
{
	if (job.primitive)
		onednn.dnnl_primitive_destroy(job.primitive);
	if (job.x)
		onednn.dnnl_memory_destroy(job.x);
	if (job.w)
		onednn.dnnl_memory_destroy(job.w);
	if (job.y)
		onednn.dnnl_memory_destroy(job.y);
	if (job.scales)
		onednn.dnnl_memory_destroy(job.scales);
	free(job.scale);
	memset(&job, 0, sizeof(job));
}

static const char *run(void)
{
	const dnnl_exec_arg_t args[] = {
		{ DNNL_ARG_SRC, job.x }, { DNNL_ARG_WEIGHTS, job.w }, { DNNL_ARG_DST, job.y },
		{ DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, job.scales }
	};

	if (onednn.dnnl_primitive_execute(job.primitive, onednn.stream, 4, args) != dnnl_success ||
	    onednn.dnnl_stream_wait(onednn.stream) != dnnl_success)
		return "dnnl_primitive_execute failed";
	return NULL;
}

static bool make_memories(const_dnnl_primitive_desc_t desc, const_dnnl_memory_desc_t plain_x, const void *x,
			  const_dnnl_memory_desc_t plain_w, const void *w)
{
	const_dnnl_memory_desc_t in = onednn.dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0);
	const_dnnl_memory_desc_t weights = onednn.dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
	const_dnnl_memory_desc_t out = onednn.dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0);

	return onednn.dnnl_primitive_create(&job.primitive, desc) == dnnl_success &&
	       onednn.dnnl_memory_create(&job.x, in, onednn.engine, DNNL_MEMORY_ALLOCATE) == dnnl_success &&
	       onednn.dnnl_memory_create(&job.w, weights, onednn.engine, DNNL_MEMORY_ALLOCATE) == dnnl_success &&
	       onednn.dnnl_memory_create(&job.y, out, onednn.engine, DNNL_MEMORY_ALLOCATE) == dnnl_success &&
	       onednn_reorder(x, plain_x, job.x, in) && onednn_reorder(w, plain_w, job.w, weights) && !run();
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
	ok = job.scale && !onednn.dnnl_memory_desc_create_with_tag(&desc, 1, dims, dnnl_f32, dnnl_a) &&
	     !onednn.dnnl_memory_create(&job.scales, desc, onednn.engine, job.scale);
	if (desc)
		onednn.dnnl_memory_desc_destroy(desc);
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
	ok = !onednn.dnnl_memory_desc_create_with_tag(&desc_x, 4, dims_x, dnnl_u8, dnnl_nhwc) &&
	     !onednn.dnnl_memory_desc_create_with_tag(&desc_y, 4, dims_y, dnnl_s8, dnnl_nhwc) &&
	     !onednn.dnnl_primitive_attr_create(&attr) &&
	     !onednn.dnnl_primitive_attr_set_scales_mask(attr, DNNL_ARG_WEIGHTS, grouped ? 3 : 1) &&
	     !onednn.dnnl_memory_desc_create_with_tag(&desc_w, w_dims, grouped ? dims_grouped : dims_w, dnnl_s8,
						    dnnl_format_tag_any) &&
	     !onednn.dnnl_memory_desc_create_with_tag(&plain_w, w_dims, grouped ? dims_grouped : dims_w, dnnl_s8,
						    grouped ? dnnl_abdec : dnnl_acdb) &&
	     !onednn.dnnl_convolution_forward_primitive_desc_create(
			&desc, onednn.engine, dnnl_forward_inference, dnnl_convolution_direct, desc_x, desc_w, NULL,
			desc_y, strides, dilations, before, behind, attr) &&
	     make_scales(l->out_c) && make_memories(desc, desc_x, x, plain_w, w);
	if (!ok)
		close_job();
	if (desc)
		onednn.dnnl_primitive_desc_destroy(desc);
	if (attr)
		onednn.dnnl_primitive_attr_destroy(attr);
	if (desc_x)
		onednn.dnnl_memory_desc_destroy(desc_x);
	if (desc_y)
		onednn.dnnl_memory_desc_destroy(desc_y);
	if (desc_w)
		onednn.dnnl_memory_desc_destroy(desc_w);
	if (plain_w)
		onednn.dnnl_memory_desc_destroy(plain_w);
	return ok ? NULL : "the convolution can't be made";
}

static float result(int32_t *y)
{
	void *data;

	if (onednn.dnnl_memory_get_data_handle(job.y, &data) == dnnl_success)
		for (size_t i = 0; i < job.outputs; i++)
			y[i] = ((const int8_t *)data)[i];
	return job.unit;
}

const struct peer peer_onednn_conv = {
	.name = "oneDNN u8s8s8 convolution", .query = onednn_query, .open = open_job, .run = run, .result = result,
	.close = close_job,
};
