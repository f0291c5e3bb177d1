// SPDX-License-Identifier: MIT
/*
 * MUL_MAT: dst[i3][i2][m][n] = x[i3][i2][m] . w[i3 / r3][i2 / r2][n]. Activations become int8 with a scale for
 * each group on the device (a COPY_DYNAMIC), as ggml's own CPU kernels have them, and the product is one GEMM with real scales
 * for each matrix of weights.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxqaccel/src/ops/grouped.h"
#include "product.h"
#include "symbols.h"

static size_t rows_of(const struct xqg_tensor *t)
{
	return (size_t)(t->ne[1] * t->ne[2] * t->ne[3]);
}

/* ---- which ------------------------------------------------------------------------------------------- */

/* Dense, in this order of dimensions. */
static bool contiguous(const struct xqg_tensor *t, size_t element)
{
	size_t stride = element;
	int i;

	for (i = 0; i < XQG_DIMS; i++) {
		if (t->ne[i] != 1 && t->nb[i] != stride)
			return false;
		stride *= (size_t)t->ne[i];
	}
	return true;
}

static bool empty(const struct xqg_tensor *t)
{
	return !t->ne[0] || !t->ne[1] || !t->ne[2] || !t->ne[3];
}

/*
 * Weights stay as they are, in this device's memory. What is computed anew for each token (quantized keys of attention)
 * would have to be packed each time.
 */
bool xqg_product_supported(const struct xqg_accel *accel, const struct xqg_tensor *op)
{
	const struct xqg_tensor *w = op->src[0], *x = op->src[1];
	const struct xqg_blocks *format = xqg_blocks(w->type);
	int i;

	if (!format || x->type != XQG_TYPE_F32 || op->type != XQG_TYPE_F32 || empty(w) || !contiguous(op, 4) ||
	    w->ne[0] % format->elements || w->nb[0] != format->bytes ||
	    !xqg_buffer_may_hold_weights(accel, w))
		return false;
	for (i = 0; i < XQG_DIMS; i++)
		if (x->nb[i] % 4)
			return false;
	return op->op == xqg.op_mul_mat || op->src[2]->type == XQG_TYPE_I32;
}

/* ---- pieces --------------------------------------------------------------------------------------- */

int xqg_product_weights(struct xqg_products *p, const struct xqg_tensor *tensor, const struct xqg_weights **weights)
{
	struct xqg_weight_cache *cache = xqg_buffer_weights(p->jobs.accel, tensor->buffer);
	struct xqg_weights *own = NULL;
	int err;

	if (cache)
		return xqg_weights_get(cache, tensor, weights);
	err = xqg_weights_pack(p->jobs.accel, tensor, &own);
	if (!err)
		err = xqg_jobs_own(&p->jobs, own);
	*weights = own;
	return err;
}

size_t xqg_quantized_size(size_t rows, size_t columns, uint32_t group)
{
	return xqg_scratch_size(rows * columns) + xqg_scratch_size(rows * (columns / group) * sizeof(float));
}

void xqg_take_quantized(struct xqg_jobs *jobs, size_t rows, size_t columns, uint32_t group,
			struct xqaccel_operand *a, struct xqaccel_operand *scale)
{
	xqg_jobs_take(jobs, rows * columns, a);
	xqg_jobs_take(jobs, rows * (columns / group) * sizeof(float), scale);
}

static struct xqaccel_wide wide(uint64_t value)
{
	return (struct xqaccel_wide){ .low = (uint32_t)value, .high = (uint32_t)(value >> 32) };
}

int xqg_quantize(struct xqg_products *p, const struct xqaccel_operand *x, const int64_t ne[XQG_DIMS],
		 const size_t nb[XQG_DIMS], uint32_t group, const struct xqaccel_operand *a,
		 const struct xqaccel_operand *scale)
{
	const uint64_t k = (uint64_t)ne[0], m = (uint64_t)ne[1], lines = (uint64_t)ne[2];
	struct xqaccel_job_desc job = {
		.work = { .op = XQACCEL_OP_COPY, .copy = {
			.kind = XQACCEL_COPY_DYNAMIC, .x_format = XQACCEL_FMT_F32, .y_format = XQACCEL_FMT_S8,
			.dim = { 1, (uint32_t)ne[3], (uint32_t)lines, (uint32_t)m, (uint32_t)(k / group), group },
			.x_inner_stride = wide(nb[0]), .y_inner_stride = wide(1),
			.x_outer_stride[1] = wide(nb[3]), .y_outer_stride[1] = wide(k * m * lines),
			.y = { .act_min = -127, .act_max = 127 },
		} },
	};

	job.operand[XQACCEL_X] = *x;
	job.operand[XQACCEL_X].batch_stride = nb[2];
	job.operand[XQACCEL_X].plane_stride = nb[1];
	job.operand[XQACCEL_X].stride = nb[0] * group;
	job.operand[XQACCEL_Y] = *a;
	job.operand[XQACCEL_Y].batch_stride = k * m;
	job.operand[XQACCEL_Y].plane_stride = k;
	job.operand[XQACCEL_Y].stride = group;
	job.operand[XQACCEL_Y_SCALE] = *scale;
	return xqg_jobs_add(&p->jobs, &job);
}

int xqg_multiply(struct xqg_products *p, const struct xq_grouped *matrix, const struct xqaccel_operand *a,
		 const struct xqaccel_operand *scale, size_t rows, const struct xqaccel_operand *c)
{
	const size_t most = xq_device_info(p->jobs.accel->dev)->max_dim;
	struct xqaccel_job_desc job;
	struct xqaccel_operand *a_scale;
	uint32_t group;
	size_t row;
	int err = xq_grouped_describe(matrix, &job);

	if (err)
		return err;
	a_scale = &job.operand[job.work.gemm.a_supergroup ? XQACCEL_A_SCALE2 : XQACCEL_A_SCALE];
	group = job.work.gemm.a_supergroup ? job.work.gemm.a_supergroup : job.work.gemm.group;
	job.operand[XQACCEL_A] = *a;
	job.operand[XQACCEL_A].stride = job.work.gemm.k;
	*a_scale = *scale;
	a_scale->stride = job.work.gemm.k / group * sizeof(float);
	job.operand[XQACCEL_C] = *c;
	job.operand[XQACCEL_C].stride = job.work.gemm.n * sizeof(float);
	for (row = 0; row < rows && !err; row += most) {
		job.work.gemm.m = (uint32_t)(rows - row < most ? rows - row : most);
		err = xqg_jobs_add(&p->jobs, &job);
		job.operand[XQACCEL_A].offset += most * job.operand[XQACCEL_A].stride;
		a_scale->offset += most * a_scale->stride;
		job.operand[XQACCEL_C].offset += most * job.operand[XQACCEL_C].stride;
	}
	return err;
}

/* ---- MUL_MAT ----------------------------------------------------------------------------------------- */

/* Into memory of the device, dense. */
static void gather(const struct xqg_tensor *x, float *to)
{
	const size_t k = (size_t)x->ne[0];
	int64_t i1, i2, i3;
	size_t i;

	for (i3 = 0; i3 < x->ne[3]; i3++) {
		for (i2 = 0; i2 < x->ne[2]; i2++) {
			for (i1 = 0; i1 < x->ne[1]; i1++, to += k) {
				const uint8_t *row = (const uint8_t *)x->data + (size_t)i3 * x->nb[3] +
						     (size_t)i2 * x->nb[2] + (size_t)i1 * x->nb[1];

				if (x->nb[0] == 4)
					memcpy(to, row, 4 * k);
				else
					for (i = 0; i < k; i++)
						memcpy(to + i, row + i * x->nb[0], 4);
			}
		}
	}
}

/* Bytes from a tensor's first element to its last, of floats. */
static size_t span(const struct xqg_tensor *t)
{
	size_t bytes = t->nb[0];
	int i;

	for (i = 0; i < XQG_DIMS; i++)
		bytes += (size_t)(t->ne[i] - 1) * t->nb[i];
	return bytes;
}

void xqg_products_wrote(struct xqg_products *p, const struct xqg_tensor *result)
{
	const struct xqg_tensor *x = p->last.tensor;

	if (x && result && !empty(result) &&
	    ((uintptr_t)x->data + span(x) <= (uintptr_t)result->data ||
	     (uintptr_t)result->data + span(result) <= (uintptr_t)x->data))
		return;
	p->last.tensor = NULL;
	xqg_jobs_keep_nothing(&p->jobs);
}

/* Room for it has been reserved. */
static int quantize_tensor(struct xqg_products *p, const struct xqg_tensor *x, uint32_t group)
{
	const size_t k = (size_t)x->ne[0], rows = rows_of(x);
	const size_t dense[XQG_DIMS] = { 4, 4 * k, 4 * k * (size_t)x->ne[1],
					 4 * k * (size_t)x->ne[1] * (size_t)x->ne[2] };
	struct xqg_activations *q = &p->last;
	struct xqaccel_operand from;
	const size_t *strides = x->nb;
	int err;

	xqg_jobs_keep_nothing(&p->jobs);
	if (!xqg_buffer_operand(p->jobs.accel, x, &from)) {
		gather(x, xqg_jobs_take(&p->jobs, 4 * k * rows, &from));
		strides = dense;
	}
	xqg_take_quantized(&p->jobs, rows, k, group, &q->a, &q->scale);
	xqg_jobs_keep(&p->jobs);
	err = xqg_quantize(p, &from, x->ne, strides, group, &q->a, &q->scale);
	q->tensor = err ? NULL : x;
	q->group = group;
	return err;
}

/* Matrix i of the weights by the rows that it serves in plane i3, which lie together. */
static int multiply_plane(struct xqg_products *p, const struct xqg_tensor *op, const struct xqg_weights *w,
			  const struct xqaccel_operand *c, int64_t i2, int64_t i3)
{
	const struct xqg_tensor *x = op->src[1];
	const int64_t shared2 = x->ne[2] / op->src[0]->ne[2], shared3 = x->ne[3] / op->src[0]->ne[3];
	const size_t rows = (size_t)(x->ne[1] * shared2), k = (size_t)x->ne[0];
	const size_t row = (size_t)((i3 * x->ne[2] + i2 * shared2) * x->ne[1]);
	struct xqaccel_operand a = p->last.a, scale = p->last.scale, to = *c;

	a.offset += row * k;
	scale.offset += row * (k / p->last.group) * sizeof(float);
	to.offset += row * (size_t)op->ne[0] * sizeof(float);
	return xqg_multiply(p, w->matrix[i3 / shared3 * op->src[0]->ne[2] + i2], &a, &scale, rows, &to);
}

static int multiply_all(struct xqg_products *p, const struct xqg_tensor *op, const struct xqg_weights *w,
			const struct xqaccel_operand *c)
{
	const struct xqg_tensor *x = op->src[1];
	int64_t i2, i3;
	int err = 0;

	if (w->count == 1)
		return xqg_multiply(p, w->matrix[0], &p->last.a, &p->last.scale, rows_of(x), c);
	for (i3 = 0; i3 < x->ne[3] && !err; i3++)
		for (i2 = 0; i2 < op->src[0]->ne[2] && !err; i2++)
			err = multiply_plane(p, op, w, c, i2, i3);
	return err;
}

int xqg_product(struct xqg_products *p, const struct xqg_tensor *op)
{
	const struct xqg_tensor *x = op->src[1];
	const uint32_t group = xqg_weights_x_group(p->jobs.accel, xqg_blocks(op->src[0]->type));
	const size_t k = (size_t)x->ne[0], rows = rows_of(x), result = 4 * rows * (size_t)op->ne[0];
	const struct xqg_weights *weights;
	struct xqaccel_operand c, from;
	const bool direct = xqg_buffer_operand(p->jobs.accel, op, &c);
	const bool reached = xqg_buffer_operand(p->jobs.accel, x, &from);
	void *staged = NULL;
	bool fresh;
	int err;

	if (empty(op))
		return 0;
	/* This may end all jobs and free their weights, so it comes first. */
	err = xqg_jobs_reserve(&p->jobs, xqg_scratch_size(reached ? 0 : 4 * k * rows) +
			       xqg_quantized_size(rows, k, group) + xqg_scratch_size(direct ? 0 : result), &fresh);
	if (!err)
		err = xqg_product_weights(p, op->src[0], &weights);
	if (err)
		return err;
	if (fresh || p->last.tensor != x || p->last.group != group)
		err = quantize_tensor(p, x, group);
	if (!direct)
		staged = xqg_jobs_take(&p->jobs, result, &c);
	if (!err)
		err = multiply_all(p, op, weights, &c);
	if (!err && staged) {
		err = xqg_jobs_flush(&p->jobs);
		memcpy(op->data, staged, result);
		xqg_products_wrote(p, NULL);
	}
	return err;
}
