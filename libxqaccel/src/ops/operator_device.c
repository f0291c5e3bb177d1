// SPDX-License-Identifier: MIT
/*
 * Jobs that are not products, by the device: the numbers of the kernels become words of a job, and
 * arrays go through the workspace's buffers.
 */
#include <string.h>

#include "driver/xq_work.h"
#include "libxqaccel/src/device/queue.h"
#include "operator_run.h"

/* A job, and where its operands are in this process. */
struct device_job {
	struct xqaccel_job_desc desc;
	uint8_t *host[XQ_OPERANDS];
};

static struct xqaccel_wide wide(uint64_t v)
{
	return (struct xqaccel_wide){ (uint32_t)v, (uint32_t)(v >> 32) };
}

/* What the profile does not use is 0. */
static struct xqaccel_requant requant(const struct xq_requant_one *y)
{
	const bool onnx = y->profile == XQ_PROFILE_ONNX;

	return (struct xqaccel_requant){
		.profile = y->profile, .multiplier = onnx ? 0 : y->multiplier, .shift = onnx ? 0 : y->shift,
		.scale = onnx ? y->scale : 0,
		.add = wide(y->profile == XQ_PROFILE_FLOOR_SHIFT ? (uint64_t)y->add : 0),
		.zero_point = y->zero_point, .act_min = y->act_min, .act_max = y->act_max,
	};
}

static void put(struct device_job *job, unsigned int operand, const struct xqk_view *view, uint64_t stride,
		uint64_t plane_stride, uint64_t batch_stride)
{
	job->host[operand] = view->flat;
	job->desc.operand[operand] = (struct xqaccel_operand){ .stride = stride, .plane_stride = plane_stride,
							       .batch_stride = batch_stride };
}

static void from_pool(const struct xqk_pooling *k, struct device_job *job)
{
	const struct xq_pool_dims *d = &k->dims;

	job->desc.work.op = XQACCEL_OP_POOL;
	job->desc.work.pool = (struct xqaccel_pool){
		.kind = d->kind, .format = d->format, .batch = d->batch, .in_h = d->in_h, .in_w = d->in_w,
		.channels = d->channels, .out_h = d->out_h, .out_w = d->out_w, .kernel_h = d->kernel_h,
		.kernel_w = d->kernel_w, .stride_h = d->stride_h, .stride_w = d->stride_w, .pad_top = d->pad_top,
		.pad_left = d->pad_left, .act_min = d->act_min, .act_max = d->act_max,
	};
	put(job, XQACCEL_X, &k->x, k->x.group_stride, k->x.stride, k->x.batch_stride);
	put(job, XQACCEL_Y, &k->y, k->y.group_stride, k->y.stride, k->y.batch_stride);
}

static void from_softmax(const struct xqk_softmax *k, struct device_job *job)
{
	job->desc.work.op = XQACCEL_OP_SOFTMAX;
	job->desc.work.softmax = (struct xqaccel_softmax){
		.rows = k->dims.rows, .columns = k->dims.columns, .multiplier = k->dims.multiplier,
		.shift = k->dims.shift, .diff_min = k->dims.diff_min,
	};
	put(job, XQACCEL_X, &k->x, k->x.stride, 0, 0);
	put(job, XQACCEL_Y, &k->y, k->y.stride, 0, 0);
}

static void from_mean(const struct xqk_mean *k, struct device_job *job)
{
	job->desc.work.op = XQACCEL_OP_MEAN;
	job->desc.work.mean = (struct xqaccel_mean){
		.format = k->dims.format, .y_format = k->dims.y_format, .outer = k->dims.outer, .count = k->dims.count,
		.inner = k->dims.inner, .zero_point = k->dims.zero_point, .y = requant(&k->dims.y),
	};
	put(job, XQACCEL_X, &k->x, k->x.stride, 0, k->x.batch_stride);
	put(job, XQACCEL_Y, &k->y, k->y.stride, 0, 0);
}

/* Six dimensions; leading ones that are missing have one index. */
static void put_dims(const uint32_t *dim, unsigned int dims, uint32_t *to)
{
	unsigned int i;

	for (i = 0; i < XQ_TENSOR_DIMS; i++)
		to[i] = i < XQ_TENSOR_DIMS - dims ? 1 : dim[i - (XQ_TENSOR_DIMS - dims)];
}

static void put_tensor(struct device_job *job, unsigned int operand, const struct xqk_view *view, const __u64 *stride,
		       unsigned int dims, struct xqaccel_wide *outer)
{
	uint64_t all[XQ_TENSOR_DIMS] = { 0 };

	memcpy(all + XQ_TENSOR_DIMS - dims, stride, dims * sizeof(*all));
	put(job, operand, view, all[4], all[3], all[2]);
	outer[0] = wide(all[0]);
	outer[1] = wide(all[1]);
}

static void from_input(const struct xq_elementwise *e, const struct xq_elementwise_input *x,
		       struct xqaccel_elementwise_input *to)
{
	const struct xq_requant_one factor = { .profile = e->y.profile, .multiplier = x->multiplier, .shift = x->shift,
					       .scale = x->scale, .add = x->add };
	const struct xqaccel_requant used = requant(&factor);

	to->format = x->format;
	to->zero_point = x->zero_point;
	to->repeat = !x->stride[e->dims - 1];
	if (e->kind == XQ_ELEMENTWISE_MUL)
		return;
	to->multiplier = used.multiplier;
	to->shift = used.shift;
	to->scale = used.scale;
	to->add = used.add;
}

static void from_elementwise(const struct xqk_elementwise *k, struct device_job *job)
{
	const struct xq_elementwise *e = &k->dims;
	struct xqaccel_elementwise *to = &job->desc.work.elementwise;
	const bool sum = e->kind == XQ_ELEMENTWISE_ADD;

	job->desc.work.op = XQACCEL_OP_ELEMENTWISE;
	to->kind = e->kind;
	to->format = e->format;
	put_dims(e->dim, e->dims, to->dim);
	from_input(e, &e->a, &to->a);
	from_input(e, &e->b, &to->b);
	to->y = requant(&e->y);
	if (sum && e->y.profile == XQ_PROFILE_FLOOR_SHIFT)
		to->y = (struct xqaccel_requant){ .profile = e->y.profile, .act_min = e->y.act_min,
						  .act_max = e->y.act_max };
	else if (sum && e->y.profile != XQ_PROFILE_ONNX)
		to->left_shift = e->left_shift;
	put_tensor(job, XQACCEL_A, &k->a, e->a.stride, e->dims, to->a.outer_stride);
	put_tensor(job, XQACCEL_B, &k->b, e->b.stride, e->dims, to->b.outer_stride);
	put_tensor(job, XQACCEL_Y, &k->y, e->stride, e->dims, to->outer_stride);
}

static void from_copy(const struct xqk_copy *k, struct device_job *job)
{
	const struct xq_copy_dims *d = &k->dims;
	struct xqaccel_copy *to = &job->desc.work.copy;
	const bool quantize = d->kind == XQ_COPY_QUANTIZE, dequantize = d->kind == XQ_COPY_DEQUANTIZE;

	job->desc.work.op = XQACCEL_OP_COPY;
	to->kind = d->kind;
	to->x_format = d->x_format;
	to->y_format = d->y_format;
	put_dims(d->dim, d->dims, to->dim);
	if (xq_format_bits(d->x_format) >= 8)
		to->x_inner_stride = wide(d->x_stride[d->dims - 1]);
	if (xq_format_bits(d->y_format) >= 8)
		to->y_inner_stride = wide(d->y_stride[d->dims - 1]);
	if (d->kind == XQ_COPY_REQUANT || dequantize)
		to->zero_point = d->zero_point;
	if (d->kind == XQ_COPY_REQUANT)
		to->y = requant(&d->y);
	if (quantize || dequantize)
		to->y.scale = d->y.scale;
	if (quantize)
		to->y.zero_point = d->y.zero_point;
	if (quantize || d->kind == XQ_COPY_DYNAMIC) {
		to->y.act_min = d->y.act_min;
		to->y.act_max = d->y.act_max;
	}
	put_tensor(job, XQACCEL_X, &k->x, d->x_stride, d->dims, to->x_outer_stride);
	put_tensor(job, XQACCEL_Y, &k->y, d->y_stride, d->dims, to->y_outer_stride);
	if (d->kind != XQ_COPY_DYNAMIC)
		return;
	put(job, XQACCEL_Y_SCALE, &k->scale, 0, 0, 0);
	put(job, XQACCEL_Y_ZP, &k->zero_point, 0, 0, 0);
}

static bool describe(const struct xqk_operator *o, struct device_job *job)
{
	*job = (struct device_job){ 0 };
	switch (o->kind) {
	case XQK_POOLING:
		from_pool(&o->pooling, job);
		return true;
	case XQK_SOFTMAX:
		from_softmax(&o->softmax, job);
		return true;
	case XQK_MEAN:
		from_mean(&o->mean, job);
		return true;
	case XQK_ELEMENTWISE:
		from_elementwise(&o->elementwise, job);
		return true;
	case XQK_COPY:
		from_copy(&o->copy, job);
		return true;
	default:
		return false;
	}
}

/* Bytes of an operand, 0 if it is absent. */
static bool bytes_of(const struct device_job *job, unsigned int operand, struct xq_extent *e, __u64 *bytes)
{
	const struct xqaccel_operand *op = &job->desc.operand[operand];

	*bytes = 0;
	xq_work_extent(&job->desc.work, operand, e);
	if (!e->used || (!e->required && !job->host[operand]))
		return true;
	return xq_span(e, op->stride, op->batch_stride, op->plane_stride, bytes);
}

/* Whether the device takes the job, and the workspace has room for it. */
static bool fits(const struct xq_workspace *ws, const struct device_job *job)
{
	const struct xqaccel_info *info = xq_device_info(ws->dev);
	const struct xq_abilities has = { .features = info->features, .max_dim = info->max_dim };
	const size_t most = xq_workspace_budget(ws, SIZE_MAX);
	struct xq_extent e;
	unsigned int i;
	__u64 bytes;

	if (xq_work_check(&job->desc.work, &has))
		return false;
	for (i = 0; i < XQ_OPERANDS; i++)
		if (!bytes_of(job, i, &e, &bytes) || bytes > most)
			return false;
	return true;
}

/* Operands in the workspace's buffers; false if there is no memory. */
static bool stage(struct xq_workspace *ws, struct device_job *job)
{
	struct xq_extent e;
	unsigned int i;
	__u64 bytes;
	void *data;

	for (i = 0; i < XQ_GEMM_OPERANDS; i++) {
		bytes_of(job, i, &e, &bytes);
		if (!e.used || (!e.required && !job->host[i]))
			continue;
		if (xq_workspace_stage(ws, i, bytes, &data))
			return false;
		job->desc.operand[i].handle = ws->stage[i]->memory.handle;
		if (bytes && !e.written)
			memcpy(data, job->host[i], bytes);
	}
	return true;
}

/* Rows of an output, not what lies between them. */
static void take_rows(const struct device_job *job, unsigned int operand, const struct xq_extent *e, const uint8_t *data)
{
	const struct xqaccel_operand *op = &job->desc.operand[operand];
	const struct xq_extent_dim *own = e->own;
	uint32_t i[3], batch, plane, row;

	for (i[0] = 0; i[0] <= own[0].more; i[0]++)
		for (i[1] = 0; i[1] <= own[1].more; i[1]++)
			for (i[2] = 0; i[2] <= own[2].more; i[2]++)
				for (batch = 0; batch < e->batch; batch++)
					for (plane = 0; plane < e->planes; plane++)
						for (row = 0; row < e->rows; row++) {
							const uint64_t at = i[0] * own[0].stride + i[1] * own[1].stride +
									    i[2] * own[2].stride + batch * op->batch_stride +
									    plane * op->plane_stride + row * op->stride;

							memcpy(job->host[operand] + at, data + at, e->row_bytes);
						}
}

/* Whether every byte of the span is of a row. */
static bool dense(const struct xq_extent *e, uint64_t span)
{
	uint64_t bytes = e->row_bytes * e->rows * e->planes * e->batch;

	for (int i = 0; i < XQ_EXTENT_DIMS; i++)
		bytes *= e->own[i].more + 1ULL;
	return bytes == span;
}

static void take_results(const struct xq_workspace *ws, const struct device_job *job)
{
	struct xq_extent e;
	unsigned int i;
	__u64 bytes;

	for (i = 0; i < XQ_GEMM_OPERANDS; i++) {
		bytes_of(job, i, &e, &bytes);
		if (!e.written || !bytes)
			continue;
		if (dense(&e, bytes))
			memcpy(job->host[i], xq_buffer_data(ws->stage[i]), bytes);
		else
			take_rows(job, i, &e, xq_buffer_data(ws->stage[i]));
	}
}

static int make(const struct xq_device *dev, const void *jobs, unsigned int index, struct xqaccel_job_desc *desc)
{
	(void)dev;
	(void)index;
	*desc = ((const struct device_job *)jobs)->desc;
	return 0;
}

int xq_operator_on_device(struct xq_workspace *ws, const struct xqk_operator *operator, bool *done)
{
	struct device_job job;
	int err;

	*done = false;
	if (!describe(operator, &job) || !fits(ws, &job) || !stage(ws, &job))
		return 0;
	*done = true;
	err = xq_queue_run_as(ws->queue, &job, make, NULL);
	if (!err)
		take_results(ws, &job);
	return err;
}
